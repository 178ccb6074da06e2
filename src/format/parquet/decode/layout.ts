/**
 * What JavaScript writes into memory for the decoding code, and what that leaves there. All fields
 * are u32 unless they say otherwise; a chunk is the pages of one column of one row group.
 */

/** Offsets in the description of a chunk. */
export const chunkField = {
  /** Address and number of the descriptions of its data pages. */
  pages: 0,
  pageCount: 4,
  /** Where the values go: one for each row, as wide as the target says; for texts the offsets. */
  data: 8,
  /** A byte for each row, 1 for NULL; 0 for a column that has none by its schema. */
  nulls: 12,
  /** The dictionary's entries in the form of the target; for texts their offsets. */
  table: 16,
  entryCount: 20,
  /** i64: what is taken off each value; the least value there may be; greatest minus least. */
  base: 24,
  min: 32,
  span: 40,
  /** Bytes a value of FIXED_LEN_BYTE_ARRAY. */
  stride: 48,
  /** Room for the largest page uncompressed, and for the codes of texts. */
  scratch: 52,
  codes: 56,
  /** For texts: where their bytes go, and the bytes of the dictionary's entries. */
  heap: 60,
  heapEnd: 64,
  entryBytes: 68,
  /** Results: NULLs, bytes of texts, and 1 if a byte of them is not ASCII. */
  nullCount: 72,
  heapUsed: 76,
  notAscii: 80,
  /** Bytes 1 and 0: what definition levels 0 and 1 mean. */
  levels: 84,
} as const;

export const chunkFieldBytes = 96;

/** Offsets in the description of a page. */
export const pageField = {
  from: 0,
  to: 4,
  /** Bytes once uncompressed, levels of version 2 left out. */
  size: 8,
  flags: 12,
  rows: 16,
  /** The definition levels, where they are not in front of the values: version 2. */
  levelsFrom: 20,
  levelsTo: 24,
} as const;

export const pageFieldBytes = 32;

/**
 * `snappy`: the values are compressed, the length in front of them left out. `levels`: the levels
 * come first, behind their length. `deltas`: of integers, or of the lengths of texts.
 */
export const pageFlag = { snappy: 1, levels: 2, dictionary: 4, deltas: 8 } as const;

/** What the code answers. */
export const decodeStatus = {
  done: 0,
  broken: 1,
  /** A value beyond the bounds that the file's own statistics give. */
  outOfBounds: 2,
  /** The texts need more room. */
  heapFull: 3,
} as const;

/** Readable and writable bytes behind every area that the code is given. */
export const decodeSlack = 32;

export type IntWidth = 1 | 2 | 4 | 8;

/** How values are stored: the physical type, `flba` and `u32` (unsigned INT32) told apart. */
export type StoredForm = 'i32' | 'u32' | 'i64' | 'flba' | 'f32' | 'f64' | 'boolean' | 'texts';

/** The name of the function for values of that form, and where they go. */
export function decoderName(form: StoredForm, target: IntWidth | 'codes' | 'texts'): string {
  return `${form}_${target}`;
}
