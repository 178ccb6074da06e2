/**
 * Seeds, ranges and lengths of the TPC-H columns (specification clause 4.2.3, dbgen's streams).
 * A stream is its seed and its draws a row.
 */
export interface StreamConstant {
  readonly seed: number;
  readonly drawsPerRow: number;
}

function stream(seed: number, drawsPerRow = 1): StreamConstant {
  return { seed, drawsPerRow };
}

export const linesMax = 7;
export const suppliersPerPart = 4;

export const partStreams = {
  manufacturer: stream(1),
  brand: stream(46831694),
  type: stream(1841581359),
  size: stream(1193163244),
  container: stream(727633698),
  comment: stream(804159733, 2),
  name: stream(709314158, 92),
} as const;

export const partSuppStreams = {
  quantity: stream(1671059989, suppliersPerPart),
  cost: stream(1051288424, suppliersPerPart),
  comment: stream(1961692154, 2 * suppliersPerPart),
} as const;

export const supplierStreams = {
  address: stream(706178559, 9),
  nation: stream(110356601),
  phone: stream(884434366, 3),
  balance: stream(962338209),
  comment: stream(1341315363, 2),
  reviewJunk: stream(263032577),
  reviewKind: stream(753643799),
  review: stream(202794285),
  reviewOffset: stream(715851524),
} as const;

export const customerStreams = {
  address: stream(881155353, 9),
  nation: stream(1489529863),
  phone: stream(1521138112, 3),
  balance: stream(298370230),
  segment: stream(1140279430),
  comment: stream(1335826707, 2),
} as const;

export const orderStreams = {
  customer: stream(851767375),
  date: stream(1066728069),
  priority: stream(591449447),
  clerk: stream(1171034773),
  comment: stream(276090261, 2),
  lineCount: stream(1434868289),
} as const;

/** Draws per order, not per line. */
export const lineStreams = {
  quantity: stream(209208115, linesMax),
  discount: stream(554590007, linesMax),
  tax: stream(721958466, linesMax),
  instruction: stream(1371272478, linesMax),
  mode: stream(675466456, linesMax),
  part: stream(1808217256, linesMax),
  supplier: stream(2095021727, linesMax),
  shipDate: stream(1769349045, linesMax),
  commitDate: stream(904914315, linesMax),
  receiptDate: stream(373135028, linesMax),
  returnFlag: stream(717419739, linesMax),
  comment: stream(1095462486, 2 * linesMax),
} as const;

export const nationCommentStream = stream(606179079, 2);
export const regionCommentStream = stream(1500869201, 2);
export const textPoolSeed = 933588178;

/** Days from 1970-01-01 to 1992-01-01, the first day of the data. */
export const firstDay = 8035;
/** Days of the data, from 1992-01-01 on. */
export const dayCount = 2557;
/** 1995-06-17, the "current date" of the data, counted from its first day. */
export const currentDayIndex = 1263;
/** The last day of an order, so that every line's receipt still falls into the range. */
export const orderDayIndexMax = dayCount - 151 - 1;

export const textPoolSize = 300 * 1024 * 1024;

/** Bounds of the length of a text whose average is `average`. */
export interface LengthRange {
  readonly min: number;
  readonly max: number;
}

function lengths(average: number): LengthRange {
  return { min: Math.trunc(average * 0.4), max: Math.trunc(average * 1.6) };
}

export const addressLength = lengths(25);
export const commentLength = {
  customer: lengths(73),
  lineitem: lengths(27),
  nation: lengths(72),
  orders: lengths(49),
  part: lengths(14),
  partsupp: lengths(124),
  region: lengths(72),
  supplier: lengths(63),
} as const;

/** Six bits of a draw pick a character. */
export const addressAlphabet = '0123456789abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ,';

/** Of 10000 suppliers, this many have a complaint or a recommendation in their comment. */
export const reviewsPer10000 = 10;
export const reviewLength = 19;

/** Cents. */
export function retailPrice(partKey: number): number {
  return 90_000 + (Math.floor(partKey / 10) % 20_001) + (partKey % 1000) * 100;
}

/** The `choice`-th (0..3) of the four suppliers of a part. */
export function supplierOfPart(partKey: number, choice: number, suppliers: number): number {
  const step = Math.floor(suppliers / suppliersPerPart) + Math.floor((partKey - 1) / suppliers);
  return ((partKey + choice * step) % suppliers) + 1;
}

/**
 * The key of the order with an index from 1: of every 32 keys 8 are used, which leaves room for
 * refresh sets; `sequence` (two bits) is 0 in the initial data.
 */
export function sparseOrderKey(index: number, sequence = 0): number {
  const low = index % 8;
  return ((index - low) / 8) * 32 + sequence * 8 + low;
}
