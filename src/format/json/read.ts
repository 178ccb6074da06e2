/** Reading JSON: objects one after the other (NDJSON), or one array of them. */
import { QuernError, sqlState } from '../../base/error.ts';
import type { BatchStream, ColumnBatch, Schema } from '../../value/batch.ts';
import { ColumnBuilder } from '../../value/column-builder.ts';
import * as types from '../../value/type.ts';
import { parseValue, type Value } from '../../value/value.ts';
import { guessType } from '../guess.ts';
import { type ByteSource, batchesOf } from '../source.ts';
import {
  type JsonMember,
  JsonMistake,
  type JsonRecord,
  RecordSplitter,
  readMembers,
} from './scan.ts';

export interface JsonReadOptions {
  /** Names and types of the members to read; other members are errors. Found out unless given. */
  readonly schema?: Schema;
}

const readBytes = 256 * 1024;
const sampleRecords = 20480;
const batchRows = 8192;

/**
 * Opens JSON data. Members that are absent are NULL; nested objects and arrays are read as their
 * JSON text. Errors name source and line.
 */
export async function readJson(
  source: ByteSource,
  options: JsonReadOptions = {},
): Promise<BatchStream> {
  const reader = new JsonReader(source);
  const schema = options.schema ?? (await reader.guessSchema());
  return { schema, batches: batchesOf(source, reader.batches(schema)) };
}

class JsonReader {
  readonly #source: ByteSource;
  readonly #splitter = new RecordSplitter();
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  readonly #buffer = new Uint8Array(readBytes);
  #ended = false;
  /** Records that were read for guessing. */
  #pending: JsonRecord[] = [];

  constructor(source: ByteSource) {
    this.#source = source;
  }

  async guessSchema(): Promise<Schema> {
    const sample = await this.#nextRecords();
    this.#pending = sample;
    const columns = new Map<string, JsonMember[]>();
    for (const record of sample.slice(0, sampleRecords)) {
      for (const member of this.#members(record)) {
        const known = columns.get(member.key);
        if (known === undefined) columns.set(member.key, [member]);
        else known.push(member);
      }
    }
    if (columns.size === 0) {
      throw new QuernError(sqlState.badCopyFileFormat, `${this.#source.name} has no members`);
    }
    return [...columns].map(([name, members]) => ({
      name,
      type: guessMemberType(members),
      nullable: true,
    }));
  }

  async *batches(schema: Schema): AsyncGenerator<ColumnBatch> {
    const index = new Map(schema.map((field, i) => [field.name, i]));
    const builders = schema.map((field) => new ColumnBuilder(field.type));
    const finish = (): ColumnBatch => {
      const rowCount = builders[0].length;
      return { rowCount, columns: builders.map((builder) => builder.finish()) };
    };
    try {
      for (;;) {
        const records = this.#pending.length > 0 ? this.#pending : await this.#nextRecords();
        this.#pending = [];
        if (records.length === 0) break;
        for (const record of records) {
          this.#append(record, schema, index, builders);
          if (builders[0].length === batchRows) yield finish();
        }
      }
      if (builders[0].length > 0) yield finish();
    } finally {
      await this.#source.close();
    }
  }

  /** Further records, at least one; none at the end. */
  async #nextRecords(): Promise<JsonRecord[]> {
    while (!this.#ended) {
      const count = await this.#source.read(this.#buffer);
      this.#ended = count === 0;
      try {
        const text = this.#decoder.decode(this.#buffer.subarray(0, count), {
          stream: !this.#ended,
        });
        const records = this.#splitter.push(text, this.#ended);
        if (records.length > 0) return records;
      } catch (error) {
        throw this.#located(error);
      }
    }
    return [];
  }

  #located(error: unknown): unknown {
    const { name } = this.#source;
    if (error instanceof QuernError) return new QuernError(error.code, `${name}, ${error.message}`);
    if (!(error instanceof TypeError)) return error;
    return new QuernError(sqlState.characterNotInRepertoire, `${name}: invalid UTF-8`);
  }

  #members(record: JsonRecord): JsonMember[] {
    try {
      return readMembers(record.text);
    } catch (error) {
      if (!(error instanceof JsonMistake)) throw error;
      throw new QuernError(
        sqlState.badCopyFileFormat,
        `${this.#source.name}, line ${record.line + error.line}: ${error.message}`,
      );
    }
  }

  #append(
    record: JsonRecord,
    schema: Schema,
    index: ReadonlyMap<string, number>,
    builders: readonly ColumnBuilder[],
  ): void {
    const row: (Value | null | undefined)[] = new Array(schema.length).fill(undefined);
    const place = `${this.#source.name}, line ${record.line}`;
    for (const member of this.#members(record)) {
      const column = index.get(member.key);
      if (column === undefined) {
        throw new QuernError(
          sqlState.undefinedColumn,
          `${place}: there is no column for member "${member.key}"`,
          { hint: 'Types are guessed from the first records; give a schema to read others.' },
        );
      }
      if (row[column] !== undefined) {
        throw new QuernError(
          sqlState.badCopyFileFormat,
          `${place}: member "${member.key}" occurs twice`,
        );
      }
      row[column] = memberValue(schema[column].type, member, `${place}, column "${member.key}"`);
    }
    for (let i = 0; i < row.length; i++) builders[i].append(row[i] ?? null);
  }
}

function memberValue(type: types.SqlType, member: JsonMember, place: string): Value | null {
  if (member.kind === 'null') return null;
  try {
    return parseValue(type, member.text);
  } catch (error) {
    if (!(error instanceof QuernError)) throw error;
    throw new QuernError(error.code, `${place}: ${error.message}`, { hint: error.hint });
  }
}

function guessMemberType(members: readonly JsonMember[]): types.SqlType {
  const values = members.filter((member) => member.kind !== 'null');
  const kinds = new Set(values.map((member) => member.kind));
  if (kinds.size !== 1 || kinds.has('nested')) return types.varcharType;
  const guessed = guessType(values.map((member) => member.text));
  if (!kinds.has('string')) return guessed;
  // A number in quotes is a text on purpose.
  const dated = ['date', 'time', 'timestamp', 'timestamptz'].includes(guessed.kind);
  return dated ? guessed : types.varcharType;
}
