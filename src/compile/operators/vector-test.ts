import { emptyEnvironment, evaluate } from '../../plan/evaluate.ts';
import type { Column, Expression } from '../../plan/expression.ts';
import type { Scan } from '../../plan/plan.ts';
import type { ColumnLayout } from '../../table/layout.ts';
import { type Expr, i8x16, i16x8, i32, i32x4, v128 } from '../../wasm/index.ts';
import { columnsOf, fold } from '../expressions/compile.ts';
import { passingRun } from '../expressions/dictionary.ts';
import type { ZoneTest } from '../program.ts';
import type { ScannedColumn } from './scan.ts';

/**
 * A predicate that SIMD can test on stored values, sixteen rows at a time: a column of one, two or
 * four bytes without NULLs within [low, high], or compared with another such column.
 */
export interface VectorTest {
  readonly kind: 'range' | 'columns' | 'set';
  readonly ordinal: number;
  readonly width: 1 | 2 | 4;
  /** For `range`: bounds in the stored domain, both included. */
  readonly low: number;
  readonly high: number;
  /** For `columns`: the other side, and what is added to either side to meet at one base. */
  readonly other: number;
  readonly comparison: 'eq' | 'ltU' | 'leU';
  /** For `set`: the stored values below 16 that pass, as bits. */
  readonly members: number;
  readonly shift: number;
  readonly otherShift: number;
  /** Estimated share of rows that pass. */
  readonly selectivity: number;
  /** The predicates that this test replaces. */
  readonly filters: readonly Expression[];
  readonly zone: ZoneTest | undefined;
}

interface Narrow {
  readonly ordinal: number;
  readonly width: 1 | 2 | 4;
  readonly layout: Extract<ColumnLayout, { kind: 'int' | 'dictionary' }>;
  /** Greatest stored value. */
  readonly max: number;
}

/** The column if its stored values are narrow unsigned integers without NULLs. */
function narrowColumn(scan: Scan, column: Column): Narrow | undefined {
  const index = scan.columns.indexOf(column);
  if (index < 0) return undefined;
  const ordinal = scan.ordinals[index];
  const { layout, statistics } = scan.table.data.columns[ordinal];
  if (statistics.nullCount > 0) return undefined;
  if (layout.kind === 'dictionary') {
    return { ordinal, width: layout.width, layout, max: layout.dictionary.count - 1 };
  }
  if (layout.kind !== 'int' || layout.width === 8) return undefined;
  const max = Number(((statistics.max ?? 0n) as bigint) - layout.base);
  return { ordinal, width: layout.width, layout, max };
}

/** The tests that can stand for some of the filters; ranges of one column become one. */
export function findVectorTests(scan: Scan, filters: readonly Expression[]): VectorTest[] {
  const ranges = new Map<number, VectorTest>();
  const others: VectorTest[] = [];
  for (const filter of filters) {
    const range = rangeTest(scan, filter);
    if (range?.kind === 'set') {
      others.push(range);
      continue;
    }
    if (range !== undefined) {
      const known = ranges.get(range.ordinal);
      ranges.set(range.ordinal, known === undefined ? range : intersect(known, range, scan));
      continue;
    }
    const columns = columnTest(scan, filter);
    if (columns !== undefined) others.push(columns);
  }
  return [...ranges.values(), ...others].sort((a, b) => a.selectivity - b.selectivity);
}

function makeRange(
  column: Narrow,
  low: bigint,
  high: bigint,
  filters: readonly Expression[],
): VectorTest {
  // A bound outside of what is stored leaves nothing, or everything, on its side.
  const top = BigInt(column.max);
  const from = low < 0n ? 0n : low;
  const to = high > top ? top : high;
  const empty = from > to;
  const share = empty ? 0 : Number(to - from + 1n) / (column.max + 1);
  return {
    kind: 'range',
    ordinal: column.ordinal,
    width: column.width,
    low: empty ? 1 : Number(from),
    high: empty ? 0 : Number(to),
    other: -1,
    comparison: 'eq',
    members: 0,
    shift: 0,
    otherShift: 0,
    selectivity: share,
    filters,
    zone: { ordinal: column.ordinal, min: empty ? top + 1n : from, max: to },
  };
}

function intersect(a: VectorTest, b: VectorTest, scan: Scan): VectorTest {
  const index = scan.ordinals.indexOf(a.ordinal);
  const column = narrowColumn(scan, scan.columns[index]);
  if (column === undefined) return a;
  const low = Math.max(a.low, b.low);
  const high = Math.min(a.high, b.high);
  return makeRange(column, BigInt(low), BigInt(high), [...a.filters, ...b.filters]);
}

function rangeTest(scan: Scan, filter: Expression): VectorTest | undefined {
  const columns = [...columnsOf(filter)];
  if (columns.length !== 1) return undefined;
  const column = narrowColumn(scan, columns[0]);
  if (column === undefined) return undefined;
  if (column.layout.kind === 'dictionary') return dictionaryTest(column, filter);
  if (filter.kind !== 'call' || filter.args.length !== 2) return undefined;
  const [left, right] = filter.args;
  const flipped = right.kind === 'column';
  const constant = fold(flipped ? left : right);
  if ((flipped ? right : left).kind !== 'column' || typeof constant?.value !== 'bigint') {
    return undefined;
  }
  const { base } = column.layout;
  const value = constant.value - base;
  const least = -1n;
  const most = 2n ** 40n;
  const name = flipped ? flip(filter.name) : filter.name;
  switch (name) {
    case 'eq':
      return makeRange(column, value, value, [filter]);
    case 'lt':
      return makeRange(column, least, value - 1n, [filter]);
    case 'le':
      return makeRange(column, least, value, [filter]);
    case 'gt':
      return makeRange(column, value + 1n, most, [filter]);
    case 'ge':
      return makeRange(column, value, most, [filter]);
    default:
      return undefined;
  }
}

function flip(name: string): string {
  const flipped: Record<string, string> = { eq: 'eq', lt: 'gt', le: 'ge', gt: 'lt', ge: 'le' };
  return flipped[name] ?? name;
}

/** Any predicate on a dictionary column whose passing codes are adjacent, or few enough. */
function dictionaryTest(column: Narrow, filter: Expression): VectorTest | undefined {
  if (column.layout.kind !== 'dictionary' || usesParameter(filter)) return undefined;
  const passes = column.layout.dictionary.values.map(
    (text) => evaluate(filter, { ...emptyEnvironment, column: () => text }) === true,
  );
  const run = passingRun(passes);
  if (run === undefined) return setTest(column, passes, filter);
  return makeRange(column, BigInt(run.from), BigInt(run.to) - 1n, [filter]);
}

/** Codes below 16 look their answer up in a vector, one byte shuffle for sixteen rows. */
function setTest(
  column: Narrow,
  passes: readonly boolean[],
  filter: Expression,
): VectorTest | undefined {
  if (passes.length > 16 || column.width !== 1) return undefined;
  const members = passes.reduce((bits, pass, code) => (pass ? bits | (1 << code) : bits), 0);
  const share = passes.filter(Boolean).length / passes.length;
  const whole = makeRange(column, 0n, BigInt(column.max), [filter]);
  return { ...whole, kind: 'set', members, selectivity: share, zone: undefined };
}

function usesParameter(expression: Expression): boolean {
  if (expression.kind === 'parameter') return true;
  if (expression.kind === 'call') return expression.args.some(usesParameter);
  if (expression.kind === 'cast') return usesParameter(expression.input);
  if (expression.kind === 'inList') return expression.list.some(usesParameter);
  return expression.kind === 'case';
}

function columnTest(scan: Scan, filter: Expression): VectorTest | undefined {
  if (filter.kind !== 'call' || filter.args.length !== 2) return undefined;
  const [left, right] = filter.args;
  if (left.kind !== 'column' || right.kind !== 'column') return undefined;
  const swap = filter.name === 'gt' || filter.name === 'ge';
  const [x, y] = swap ? [right, left] : [left, right];
  const a = narrowColumn(scan, x.column);
  const b = narrowColumn(scan, y.column);
  if (a?.layout.kind !== 'int' || b?.layout.kind !== 'int' || a.width !== b.width) return undefined;
  const base = a.layout.base < b.layout.base ? a.layout.base : b.layout.base;
  const shift = Number(a.layout.base - base);
  const otherShift = Number(b.layout.base - base);
  const limit = 2 ** (8 * a.width);
  if (a.max + shift >= limit || b.max + otherShift >= limit) return undefined;
  const comparison = filter.name === 'eq' ? 'eq' : /^[lg]t$/.test(filter.name) ? 'ltU' : 'leU';
  if (!['eq', 'lt', 'le', 'gt', 'ge'].includes(filter.name)) return undefined;
  return {
    kind: 'columns',
    ordinal: a.ordinal,
    width: a.width,
    low: 0,
    high: 0,
    other: b.ordinal,
    comparison,
    members: 0,
    shift,
    otherShift,
    selectivity: comparison === 'eq' ? 1 / (a.max + 1) : 0.5,
    filters: [filter],
    zone: undefined,
  };
}

const lanes = { 1: i8x16, 2: i16x8, 4: i32x4 } as const;

/** An i32 whose bit i is set when row `first + i` passes all tests, 0 <= i < 16. */
export function vectorMask(
  tests: readonly VectorTest[],
  column: (ordinal: number) => ScannedColumn,
  first: Expr,
): Expr {
  const bytes = tests.map((test) => byteMask(test, column, first)).reduce((a, b) => v128.and(a, b));
  return i8x16.bitmask(bytes);
}

/** Sixteen bytes, all ones where the row passes. */
function byteMask(test: VectorTest, column: (ordinal: number) => ScannedColumn, first: Expr): Expr {
  const parts: Expr[] = [];
  const shift = Math.log2(test.width);
  const address = (ordinal: number) =>
    i32.add(column(ordinal).data, shift === 0 ? first : i32.shl(first, shift));
  for (let part = 0; part < test.width; part++) {
    const x = v128.load(address(test.ordinal), part * 16);
    if (test.kind === 'range') parts.push(withinRange(test, x));
    else if (test.kind === 'set') parts.push(i8x16.swizzle(memberBytes(test.members), x));
    else parts.push(compareColumns(test, x, v128.load(address(test.other), part * 16)));
  }
  if (test.width === 1) return parts[0];
  if (test.width === 2) return i8x16.narrowI16x8S(parts[0], parts[1]);
  return i8x16.narrowI16x8S(
    i16x8.narrowI32x4S(parts[0], parts[1]),
    i16x8.narrowI32x4S(parts[2], parts[3]),
  );
}

/** Byte i is all ones when value i is a member. */
function memberBytes(members: number): Expr {
  const bytes = Array.from({ length: 16 }, (_, i) => (((members >> i) & 1) === 1 ? 0xff : 0));
  return i8x16.const(...bytes);
}

function withinRange(test: VectorTest, x: Expr): Expr {
  const lane = lanes[test.width];
  const most = 2 ** (8 * test.width) - 1;
  const splat = (value: number) => lane.splat(i32.const(value | 0));
  if (test.low > test.high) return v128.xor(x, x);
  if (test.low === test.high) return lane.eq(x, splat(test.low));
  if (test.low === 0) return lane.leU(x, splat(test.high));
  if (test.high === most) return lane.geU(x, splat(test.low));
  return lane.leU(lane.sub(x, splat(test.low)), splat(test.high - test.low));
}

function compareColumns(test: VectorTest, x: Expr, y: Expr): Expr {
  const lane = lanes[test.width];
  const shifted = (value: Expr, by: number) =>
    by === 0 ? value : lane.add(value, lane.splat(i32.const(by | 0)));
  return lane[test.comparison](shifted(x, test.shift), shifted(y, test.otherShift));
}
