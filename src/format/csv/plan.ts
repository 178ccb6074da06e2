/**
 * What a parser of delimited text is specialised for: the dialect of the file and the type of each
 * column, and where in memory the parser keeps its things.
 */
import type { SqlType } from '../../value/type.ts';

/**
 * How a delimited text file is written. Delimiter, quote and escape are single ASCII characters.
 */
export interface CsvDialect {
  readonly delimiter: string;
  /** Empty when nothing is ever quoted. */
  readonly quote: string;
  /** Makes a quote inside quotes part of the text; usually the quote itself. */
  readonly escape: string;
  /** Whether the first record holds the names of the columns. */
  readonly header: boolean;
  /** What an unquoted field holds that is NULL. */
  readonly nullText: string;
  /** Whether a delimiter follows the last field of a record too, as in dbgen's `.tbl` files. */
  readonly trailingDelimiter: boolean;
  /** Whether lines end in CR LF; a hint for speed, both line ends are always understood. */
  readonly carriageReturn: boolean;
}

/** RFC 4180, with an unquoted empty field for NULL. */
export const csvDialect: CsvDialect = {
  delimiter: ',',
  quote: '"',
  escape: '"',
  header: true,
  nullText: '',
  trailingDelimiter: false,
  carriageReturn: false,
};

/** What dbgen and dsdgen write: `1|text|0.5|`. */
export const tblDialect: CsvDialect = {
  ...csvDialect,
  delimiter: '|',
  header: false,
  trailingDelimiter: true,
};

export interface CsvColumn {
  readonly name: string;
  readonly type: SqlType;
  /** False for a column that is read over. */
  readonly wanted: boolean;
  /** Whether texts come as codes of a dictionary; for columns of few distinct ones. */
  readonly coded?: boolean;
}

/**
 * Where the values of a column go: `fixed`, `string` and `coded` are written by the generated code,
 * `built` goes value by value through JavaScript (types that are rare in files), `skipped` nowhere.
 */
export type ColumnHome =
  | { readonly form: 'skipped' }
  | { readonly form: 'built' }
  | {
      readonly form: 'fixed';
      /** Bytes a value. */
      readonly width: 1 | 2 | 4 | 8;
      readonly data: number;
      readonly validity: number;
    }
  | {
      readonly form: 'string';
      readonly offsets: number;
      readonly heap: number;
      readonly validity: number;
    }
  | {
      /** A dictionary of the batch's texts: entries in `heap` and `offsets`, u16 `codes`. */
      readonly form: 'coded';
      readonly offsets: number;
      readonly heap: number;
      readonly validity: number;
      readonly codes: number;
      /** Hash table of {@link slotCount} u16: entry + 1, 0 when free. */
      readonly slots: number;
    };

/** Where a dictionary is full, the batch ends: its rows are at least so many. */
export const entryCountMax = 4096;
export const slotCount = 8192;

/** Offsets in bytes from the base of the parser's region of memory. */
export interface CsvLayout {
  readonly chunkBytesMax: number;
  readonly rowCountMax: number;
  /** i64 powers of ten, 10^0 to 10^18. */
  readonly powers: number;
  /** u32 number of NULLs of each column. */
  readonly nullCounts: number;
  /** u32 number of dictionary entries of each column. */
  readonly entryCounts: number;
  /** The text; `chunkBytesMax` and {@link slackBytes} behind it. */
  readonly input: number;
  readonly homes: readonly ColumnHome[];
  /** Size of the whole region. */
  readonly size: number;
}

/** The state that the generated code leaves at the base of the region: u32 each, in this order. */
export const stateFields = ['position', 'status', 'column', 'lineCount', 'nonAscii'] as const;

/** The code reads and writes up to so many bytes beyond what it means to. */
export const slackBytes = 64;

export const parseStatus = {
  /** All text is read, or as many rows as fit in a batch. */
  complete: 0,
  /** The text ends inside quotes; `position` is the start of that record. */
  incomplete: 1,
  tooFewFields: 2,
  tooManyFields: 3,
  /** Text between a closing quote and the delimiter. */
  textAfterQuote: 4,
  /** The value does not fit the type; the JavaScript side knows why. */
  badValue: 5,
} as const;

export type ParseStatus = (typeof parseStatus)[keyof typeof parseStatus];

const rowCountLimit = 65536;

/** Lays out the memory of a parser of chunks of up to `chunkBytesMax` bytes. */
export function layoutOf(columns: readonly CsvColumn[], chunkBytesMax: number): CsvLayout {
  // A field takes at least one byte, its delimiter.
  const rowCountMax = Math.min(rowCountLimit, Math.ceil(chunkBytesMax / columns.length) + 1);
  let size = 0;
  const take = (bytes: number): number => {
    const at = size;
    size = (size + bytes + slackBytes + 15) & ~15;
    return at;
  };
  take(4 * stateFields.length);
  const powers = take(19 * 8);
  const nullCounts = take(4 * columns.length);
  const entryCounts = take(4 * columns.length);
  const input = take(chunkBytesMax + slackBytes);
  const homes = columns.map((column): ColumnHome => {
    const form = column.wanted ? formOf(column) : 'skipped';
    if (form === 'skipped' || form === 'built') return { form };
    const validity = take((rowCountMax + 7) >>> 3);
    if (form === 'string') {
      return { form, validity, offsets: take(4 * (rowCountMax + 1)), heap: take(chunkBytesMax) };
    }
    if (form === 'coded') {
      const codes = take(2 * rowCountMax);
      const offsets = take(4 * (entryCountMax + 1));
      return {
        form,
        validity,
        codes,
        offsets,
        heap: take(chunkBytesMax),
        slots: take(2 * slotCount),
      };
    }
    const width = widthOf(column.type);
    return { form, validity, width, data: take(width * rowCountMax) };
  });
  return { chunkBytesMax, rowCountMax, powers, nullCounts, entryCounts, input, homes, size };
}

function formOf({ type, coded }: CsvColumn): ColumnHome['form'] {
  switch (type.kind) {
    case 'null':
    case 'varchar':
      return coded === true ? 'coded' : 'string';
    case 'hugeint':
    case 'interval':
    case 'uuid':
    case 'blob':
      return 'built';
    case 'decimal':
      return type.precision > 18 ? 'built' : 'fixed';
    default:
      return 'fixed';
  }
}

function widthOf(type: SqlType): 1 | 2 | 4 | 8 {
  switch (type.kind) {
    case 'boolean':
    case 'tinyint':
      return 1;
    case 'smallint':
      return 2;
    case 'integer':
    case 'date':
    case 'real':
      return 4;
    case 'decimal':
      return type.precision <= 9 ? 4 : 8;
    default:
      return 8;
  }
}
