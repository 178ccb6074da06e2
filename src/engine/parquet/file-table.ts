/**
 * A Parquet file as a table: what its footer says is known at once, its rows are decoded while they
 * are read, in the layout that code is compiled for, and no more of them than are asked for.
 */
import { QuernError, sqlState } from '../../base/error.ts';
import { ChunkDecoder, type DecodeMemory } from '../../format/parquet/decode/chunk-decoder.ts';
import { decodeSlack } from '../../format/parquet/decode/layout.ts';
import type { ParquetChunk, ParquetFooter } from '../../format/parquet/footer.ts';
import { chunkCodec, ParquetReader, unreadableColumn } from '../../format/parquet/read.ts';
import { brokenPage } from '../../format/parquet/unpack.ts';
import type { RandomSource } from '../../format/source.ts';
import {
  layoutWidth,
  type RowGroup,
  rowsPerGroup,
  type Segment,
  type Zone,
} from '../../table/layout.ts';
import type { LinearMemory } from '../../table/linear-memory.ts';
import { placeVector } from '../../table/place-vector.ts';
import type { LoadedGroups, LoadMemory, SegmentLoader } from '../../table/segment-loader.ts';
import { noStatistics } from '../../table/statistics.ts';
import type { StoredColumn, Table } from '../../table/table.ts';
import type { Schema } from '../../value/batch.ts';
import { varcharType } from '../../value/type.ts';
import { type FileColumn, fileColumn, zoneOf } from './file-column.ts';
import { columnDictionary } from './file-dictionary.ts';

export type FileMemory = LinearMemory & DecodeMemory;

/** A row group of the file is several of a table; these know theirs. */
interface FileRowGroup extends RowGroup {
  /** Index of the file's row group, and where this one's rows begin in it. */
  readonly part: number;
  readonly from: number;
}

/** Columns of one row group of the file in memory. */
interface LoadedColumn {
  readonly data: number;
  readonly heap: number;
  readonly nulls: number;
}

/** Bytes of chunks that have been read, by column. */
type ReadBytes = ReadonlyMap<number, number>;

const rowsMax = 2 ** 32 - 1;
const bytesPerRead = 1 << 30;

/** What stands for columns that cannot be read; no statement comes as far as using it. */
const unknownColumn: StoredColumn = { layout: { kind: 'string' }, statistics: noStatistics };

/** The columns that can be read, and after them the others, as if they were texts. */
function fileSchema({ schema, footer }: ParquetReader): Schema {
  const others = [...footer.unreadable.keys()];
  return [...schema, ...others.map((name) => ({ name, type: varcharType, nullable: true }))];
}

/** The columns of a file; reading one that cannot be read is an error of its own. */
export async function readFileSchema(source: RandomSource): Promise<Schema> {
  try {
    return fileSchema(await ParquetReader.open(source, { columns: 'readable' }));
  } finally {
    await source.close();
  }
}

/** What was made of footers that are kept. */
const knownColumns = new WeakMap<ParquetFooter, readonly FileColumn[]>();

export class ParquetTable {
  readonly reader: ParquetReader;
  readonly #memory: FileMemory;
  readonly #columns: readonly FileColumn[];
  /** Addresses of dictionaries. */
  readonly #dictionaries: number[] = [];

  private constructor(reader: ParquetReader, memory: FileMemory) {
    this.reader = reader;
    this.#memory = memory;
    const { rowGroups } = reader.footer;
    const rowCount = rowGroups.reduce((sum, group) => sum + group.rowCount, 0);
    if (rowCount > rowsMax) {
      throw new QuernError(
        sqlState.featureNotSupported,
        `${reader.source.name} has ${rowCount} rows, more than ${rowsMax}`,
      );
    }
    let columns = knownColumns.get(reader.footer);
    if (columns === undefined) {
      columns = reader.columns.map((column) => {
        const chunks = rowGroups.map((group) => group.chunks[column.index]);
        return fileColumn(column, chunks, rowCount);
      });
      knownColumns.set(reader.footer, columns);
    }
    this.#columns = columns;
  }

  static async open(source: RandomSource, memory: FileMemory): Promise<ParquetTable> {
    try {
      return new ParquetTable(await ParquetReader.open(source, { columns: 'readable' }), memory);
    } catch (error) {
      await source.close();
      throw error;
    }
  }

  /** The table, with texts as plain strings. */
  table(): Table {
    return this.#tableOf(this.#columns);
  }

  /**
   * The table for a statement that reads these columns: texts that all are codes of dictionaries in
   * the file get one dictionary for the whole column.
   */
  async tableFor(ordinals: Iterable<number>): Promise<Table> {
    const columns = [...this.#columns];
    const { source, footer } = this.reader;
    for (const ordinal of ordinals) {
      if (ordinal >= columns.length) {
        throw unreadableColumn(source, footer, fileSchema(this.reader)[ordinal].name);
      }
      const heap = {
        memory: this.#memory,
        allocate: (bytes: number) => {
          const address = this.#memory.allocate(bytes);
          this.#dictionaries.push(address);
          return address;
        },
      };
      columns[ordinal] = await columnDictionary(this.reader, columns[ordinal], heap);
    }
    return this.#tableOf(columns);
  }

  /** Frees what the tables need; nobody reads them any more. */
  async close(): Promise<void> {
    for (const address of this.#dictionaries.splice(0)) this.#memory.release(address);
    await this.reader.source.close();
  }

  #tableOf(columns: readonly FileColumn[]): Table {
    const rowGroups: FileRowGroup[] = [];
    let firstRow = 0;
    for (const [part, { rowCount, chunks }] of this.reader.footer.rowGroups.entries()) {
      const segments = columns.map((file) => new FileSegment(file, chunks[file.column.index]));
      for (let from = 0; from < rowCount; from += rowsPerGroup) {
        const rows = Math.min(rowsPerGroup, rowCount - from);
        rowGroups.push({ firstRow: firstRow + from, rowCount: rows, segments, part, from });
      }
      firstRow += rowCount;
    }
    const schema = fileSchema(this.reader);
    const unreadable = schema.slice(columns.length).map(() => unknownColumn);
    return {
      schema,
      columns: [
        ...columns.map(({ layout, statistics }) => ({ layout, statistics })),
        ...unreadable,
      ],
      rowGroups,
      rowCount: firstRow,
      loader: this.#loader(columns),
    };
  }

  #loader(columns: readonly FileColumn[]): SegmentLoader {
    const load: SegmentLoader['load'] = (groups, ordinals, memory) =>
      this.#load(groups as readonly FileRowGroup[], ordinals, columns, memory);
    return { load };
  }

  async *#load(
    groups: readonly FileRowGroup[],
    ordinals: readonly number[],
    columns: readonly FileColumn[],
    memory: LoadMemory,
  ): AsyncGenerator<LoadedGroups> {
    if (ordinals.length === 0) {
      // Rows are only counted.
      yield { groups, release: () => {} };
      return;
    }
    const parts = partsOf(groups);
    const read = (index: number): Promise<ReadBytes> | undefined => {
      if (index >= parts.length) return undefined;
      const bytes = this.#read(parts[index].part, ordinals, columns, memory);
      // An error is for whoever waits for these bytes; nobody may.
      bytes.catch(() => {});
      return bytes;
    };
    let next = read(0);
    try {
      for (const [i, { part, groups: members }] of parts.entries()) {
        const bytes = await next!;
        next = read(i + 1);
        yield await this.#decode(part, members, ordinals, columns, bytes, memory);
      }
    } finally {
      // What is being written to must not be freed.
      await next?.catch(() => {});
    }
  }

  /** Reads the bytes of a row group's columns to memory, at the addresses it answers. */
  async #read(
    part: number,
    ordinals: readonly number[],
    columns: readonly FileColumn[],
    memory: LoadMemory,
  ): Promise<ReadBytes> {
    const { chunks } = this.reader.footer.rowGroups[part];
    const addresses = new Map<number, number>();
    for (const ordinal of ordinals) {
      const { bytes } = chunks[columns[ordinal].column.index];
      if (bytes > bytesPerRead) throw brokenPage('a column chunk that is too large');
      addresses.set(ordinal, memory.allocate(bytes + decodeSlack));
    }
    await Promise.all(
      [...addresses].map(async ([ordinal, address]) => {
        const { bytes, position } = chunks[columns[ordinal].column.index];
        if (this.#memory.shared) {
          const view = new Uint8Array(this.#memory.buffer, address, bytes);
          await this.reader.source.readAt(position, view);
          return;
        }
        // A memory that is not shared may move while the bytes are under way.
        const buffer = new Uint8Array(bytes);
        await this.reader.source.readAt(position, buffer);
        this.#memory.u8.set(buffer, address);
      }),
    );
    return addresses;
  }

  async #decode(
    part: number,
    members: readonly FileRowGroup[],
    ordinals: readonly number[],
    columns: readonly FileColumn[],
    bytes: ReadBytes,
    memory: LoadMemory,
  ): Promise<LoadedGroups> {
    const loaded = new Map<number, LoadedColumn>();
    const lasting: number[] = [];
    for (const ordinal of ordinals) {
      const file = columns[ordinal];
      const passing: number[] = [bytes.get(ordinal)!];
      const allocate = (size: number) => {
        const address = memory.allocate(size);
        passing.push(address);
        return address;
      };
      const column = await this.#decodeColumn(part, file, bytes.get(ordinal)!, allocate);
      loaded.set(ordinal, column);
      const kept = [column.data, column.heap, column.nulls];
      for (const address of passing) {
        if (kept.includes(address)) lasting.push(address);
        else memory.release(address);
      }
    }
    const heaps = new Set([...loaded.values()].map(({ heap }) => heap));
    return {
      groups: members.map((group) => withSegments(group, loaded, columns)),
      release: (keepTexts) => {
        for (const address of lasting) {
          if (!keepTexts || !heaps.has(address)) memory.release(address);
        }
      },
    };
  }

  async #decodeColumn(
    part: number,
    file: FileColumn,
    address: number,
    allocate: (bytes: number) => number,
  ): Promise<LoadedColumn> {
    const { rowCount, chunks } = this.reader.footer.rowGroups[part];
    const { column, target, statistics } = file;
    const chunk = chunks[column.index];
    const size = chunk.bytes;
    const result = await this.reader.locate(column, async () => {
      if (chunk.valueCount !== rowCount) throw brokenPage('columns of unequal length');
      if (target === undefined) return undefined;
      const codec = await chunkCodec(chunk.codec);
      const decoder = ChunkDecoder.in(this.#memory);
      return decoder.decode(column, codec, { address, size, rowCount }, target, allocate);
    });
    const decoded = result ?? (await this.#decodeVector(part, file, address, allocate));
    if (decoded.nulls !== 0 && statistics.nullCount === 0) {
      await this.reader.locate(column, () => {
        throw brokenPage('a NULL where the statistics know none');
      });
    }
    return decoded;
  }

  /** The way for encodings and types that are rare: by a vector. */
  async #decodeVector(
    part: number,
    { column, layout, bounds }: FileColumn,
    address: number,
    allocate: (bytes: number) => number,
  ): Promise<LoadedColumn> {
    const { rowCount, chunks } = this.reader.footer.rowGroups[part];
    const chunk = chunks[column.index];
    const bytes = this.#memory.u8.slice(address, address + chunk.bytes);
    const vector = await this.reader.decode(column, chunk, rowCount, bytes);
    const { type } = column.read;
    return this.reader.locate(column, () => {
      if (layout.kind === 'dictionary') throw brokenPage('values that are not in the dictionary');
      const memory = this.#memory;
      const placed = placeVector(memory, allocate, type, layout, bounds, vector, rowCount);
      if (placed !== undefined) return placed;
      throw brokenPage('a value is beyond the bounds that its statistics give');
    });
  }
}

/** A segment that is not in memory. Most are never asked for their zone. */
class FileSegment implements Segment {
  readonly data = 0;
  readonly heap = 0;
  readonly nulls = 0;
  readonly #file: FileColumn;
  readonly #chunk: ParquetChunk;

  constructor(file: FileColumn, chunk: ParquetChunk) {
    this.#file = file;
    this.#chunk = chunk;
  }

  get zone(): Zone | undefined {
    return zoneOf(this.#file, this.#chunk);
  }
}

/** Row groups of the table by those of the file, in order. */
function partsOf(groups: readonly FileRowGroup[]) {
  const parts: { part: number; groups: FileRowGroup[] }[] = [];
  for (const group of groups) {
    const last = parts.at(-1);
    if (last !== undefined && last.part === group.part) last.groups.push(group);
    else parts.push({ part: group.part, groups: [group] });
  }
  return parts;
}

function withSegments(
  group: FileRowGroup,
  loaded: ReadonlyMap<number, LoadedColumn>,
  columns: readonly FileColumn[],
): RowGroup {
  const segments = group.segments.map((empty, ordinal): Segment => {
    const column = loaded.get(ordinal);
    if (column === undefined) return empty;
    return {
      data: column.data + group.from * layoutWidth(columns[ordinal].layout),
      heap: column.heap,
      nulls: column.nulls === 0 ? 0 : column.nulls + group.from,
      zone: undefined,
    };
  });
  return { ...group, segments };
}
