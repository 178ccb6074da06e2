/**
 * Finding out from its first bytes how a delimited text file is written: delimiter, line ends,
 * header, and the types of its columns. The rules follow DuckDB's, so that `FROM 'file.csv'` means
 * the same: whole numbers are BIGINT, other numbers DOUBLE, ISO dates DATE; numbers with leading
 * zeros stay text, for they are post codes and not numbers.
 */
import { QuernError, sqlState } from '../../base/error.ts';
import type { Schema } from '../../value/batch.ts';
import type * as types from '../../value/type.ts';
import { guessType, isTextOf } from '../guess.ts';
import { fieldSyntax, type RawRecord, readRecord } from './field.ts';
import { type CsvColumn, type CsvDialect, csvDialect } from './plan.ts';

/** What the user says of a file; the rest is found out. */
export interface CsvReadOptions extends Partial<CsvDialect> {
  /** Names and types of all columns, in order; the header, if any, is read over. */
  readonly schema?: Schema;
  /** Types of single columns, by name. */
  readonly types?: Readonly<Record<string, types.SqlType>>;
  /** The columns to read, in any order; the others are read over. All, unless given. */
  readonly columns?: readonly string[];
}

export interface CsvFormat {
  readonly dialect: CsvDialect;
  readonly columns: readonly CsvColumn[];
  /** Index of the first byte behind byte-order mark and header. */
  readonly dataStart: number;
  /** The number of lines before that. */
  readonly headerLines: number;
}

/** The sample for {@link sniffCsv} should be about so long, or the whole file. */
export const sampleBytes = 256 * 1024;

const delimiters = [',', '|', ';', '\t'];
const recordLimit = 20480;

/** `sample` is the start of the file, ending in a line feed if the file goes on. */
export function sniffCsv(sample: Uint8Array, options: CsvReadOptions = {}): CsvFormat {
  checkOptions(options);
  const start = sample[0] === 0xef && sample[1] === 0xbb && sample[2] === 0xbf ? 3 : 0;
  const lineEnd = sample.indexOf(10);
  const given = dialectOf(options);
  const base = { ...given, carriageReturn: lineEnd > 0 && sample[lineEnd - 1] === 13 };
  const delimiter = options.delimiter ?? findDelimiter(sample, start, base);
  const dialect = { ...base, delimiter };
  const records = readRecords(sample, start, dialect, recordLimit);
  const fieldCount = records[0]?.fields.length ?? options.schema?.length ?? 1;
  const trailing = options.trailingDelimiter ?? hasTrailingDelimiter(records, options.schema);
  const columnCount = trailing ? Math.max(1, fieldCount - 1) : fieldCount;
  const rows = records.map(({ fields }) => fields.slice(0, columnCount).map(fieldText(dialect)));
  const found = findTypes(rows.slice(1), columnCount);
  const header = options.header ?? isHeader(rows, found, options.schema);
  const columnTypes = header ? found : findTypes(rows, columnCount);
  const names = columnNames(header ? rows[0] : undefined, columnCount);
  const columns = options.schema ?? names.map((name, i) => ({ name, type: columnTypes[i] }));
  const dataStart = header ? (records[0]?.next ?? start) : start;
  return {
    dialect: { ...dialect, trailingDelimiter: trailing, header },
    columns: chooseColumns(columns, options).map((column, i) => ({
      ...column,
      coded: column.type.kind === 'varchar' && repeats(rows.map((row) => row[i])),
    })),
    dataStart,
    headerLines: sample.subarray(0, dataStart).reduce((n, byte) => n + (byte === 10 ? 1 : 0), 0),
  };
}

function dialectOf(options: CsvReadOptions): CsvDialect {
  const names = Object.keys(csvDialect) as (keyof CsvDialect)[];
  const given = names.filter((name) => options[name] !== undefined);
  return { ...csvDialect, ...Object.fromEntries(given.map((name) => [name, options[name]])) };
}

function checkOptions(options: CsvReadOptions): void {
  const invalid = (message: string) => new QuernError(sqlState.invalidParameterValue, message);
  for (const name of ['delimiter', 'quote', 'escape'] as const) {
    const text = options[name];
    if (text === undefined || (text === '' && name !== 'delimiter')) continue;
    if (!/^[\0-\x7f]$/.test(text) || text === '\n' || text === '\r') {
      throw invalid(`${name} must be a single ASCII character other than a line end`);
    }
  }
  const delimiter = options.delimiter ?? csvDialect.delimiter;
  if (options.quote === delimiter) throw invalid('delimiter and quote must differ');
  if (/[\r\n]/.test(options.nullText ?? '')) throw invalid('NULL text must not contain line ends');
}

function readRecords(
  sample: Uint8Array,
  start: number,
  dialect: CsvDialect,
  limit: number,
): RawRecord[] {
  const syntax = fieldSyntax(dialect);
  const records: RawRecord[] = [];
  let text = sample;
  if (sample.length > 0 && sample[sample.length - 1] !== 10) {
    text = new Uint8Array(sample.length + 1);
    text.set(sample);
    text[sample.length] = 10;
  }
  let at = start;
  while (at < text.length && records.length < limit) {
    const record = readRecord(text, at, text.length, syntax);
    if (record === undefined) break;
    const blank = record.fields.length === 1 && record.next - at <= 2 && !record.fields[0].quoted;
    if (!blank || record.fields[0].text !== '') records.push(record);
    at = record.next;
  }
  return records;
}

/** The delimiter that cuts the first records into the most fields, the same number in each. */
function findDelimiter(sample: Uint8Array, start: number, dialect: CsvDialect): string {
  let best = csvDialect.delimiter;
  let bestCount = 1;
  for (const delimiter of delimiters) {
    const records = readRecords(sample, start, { ...dialect, delimiter }, 50);
    const count = records[0]?.fields.length ?? 1;
    if (count > bestCount && records.every(({ fields }) => fields.length === count)) {
      best = delimiter;
      bestCount = count;
    }
  }
  return best;
}

/** Whether each record ends in a delimiter: as one empty field too many. */
function hasTrailingDelimiter(records: readonly RawRecord[], schema: Schema | undefined): boolean {
  const [first] = records;
  if (first === undefined || first.fields.length < 2) return false;
  const count = first.fields.length;
  if (schema !== undefined && count !== schema.length + 1) return false;
  return records.every(({ fields }) => {
    const last = fields[count - 1];
    return fields.length === count && last.text === '' && !last.quoted;
  });
}

/** A field for guessing: undefined for NULL. */
function fieldText(dialect: CsvDialect) {
  return (field: { readonly text: string; readonly quoted: boolean }): string | undefined =>
    field.text === '' || (!field.quoted && field.text === dialect.nullText)
      ? undefined
      : field.text;
}

type Row = readonly (string | undefined)[];

/**
 * Texts of a sample of which there must be many, and few distinct ones, for a dictionary to pay.
 */
function repeats(texts: Row): boolean {
  const distinct = new Set(texts);
  return texts.length >= 256 && distinct.size <= Math.min(256, texts.length / 8);
}

function findTypes(rows: readonly Row[], columnCount: number): types.SqlType[] {
  return Array.from({ length: columnCount }, (_, column) =>
    guessType(rows.map((row) => row[column])),
  );
}

/**
 * The first record is a header when it does not fit the types of the others; where all is text, or
 * there is no other record, when none of its fields is empty or a number.
 */
function isHeader(
  rows: readonly Row[],
  found: readonly types.SqlType[],
  schema: Schema | undefined,
): boolean {
  if (rows.length === 0) return false;
  const [first] = rows;
  const expected = schema?.map((field) => field.type) ?? found;
  const typed = rows.length > 1 || schema !== undefined;
  if (typed && expected.some((type) => type.kind !== 'varchar')) {
    return first.some((text, i) => text !== undefined && !fits(expected[i], text));
  }
  if (schema !== undefined) return first.every((text, i) => text === schema[i]?.name);
  return findTypes([first], first.length).every((type, i) => {
    return first[i] !== undefined && type.kind === 'varchar';
  });
}

function fits(type: types.SqlType | undefined, text: string): boolean {
  return type === undefined || isTextOf(type, text);
}

/** As DuckDB names them: blanks are `column1`, repeated names get a number. */
function columnNames(header: Row | undefined, count: number): string[] {
  const used = new Set<string>();
  const digits = String(count - 1).length;
  return Array.from({ length: count }, (_, i) => {
    const numbered = header === undefined ? String(i).padStart(digits, '0') : String(i);
    const wanted = header?.[i]?.trim() || `column${numbered}`;
    let name = wanted;
    for (let k = 1; used.has(name.toLowerCase()); k++) name = `${wanted}_${k}`;
    used.add(name.toLowerCase());
    return name;
  });
}

function chooseColumns(
  columns: readonly { readonly name: string; readonly type: types.SqlType }[],
  options: CsvReadOptions,
): CsvColumn[] {
  const known = new Set(columns.map((column) => column.name));
  for (const name of [...(options.columns ?? []), ...Object.keys(options.types ?? {})]) {
    if (known.has(name)) continue;
    throw new QuernError(sqlState.undefinedColumn, `the file has no column "${name}"`, {
      hint: `Its columns are ${[...known].join(', ')}.`,
    });
  }
  const wanted = new Set(options.columns ?? known);
  return columns.map(({ name, type }) => ({
    name,
    type: options.types?.[name] ?? type,
    wanted: wanted.has(name),
  }));
}
