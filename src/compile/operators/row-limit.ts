/** LIMIT and OFFSET of rows whose addresses lie in an array. */
import { assert } from '../../base/assert.ts';
import { QuernError } from '../../base/error.ts';
import type { Limit } from '../../plan/plan.ts';
import { type Expr, type FunctionBuilder, i32, i64, type Local } from '../../wasm/index.ts';
import { compileExpression, fold } from '../expressions/compile.ts';
import { type Query, type Scope, scopeOutside } from '../query.ts';

/** The number that LIMIT or OFFSET gives, an i64; undefined if there is none. */
function numberOf(
  expression: Limit['limit'],
  name: 'LIMIT' | 'OFFSET',
  scope: Scope,
): Expr | undefined {
  if (expression === undefined || fold(expression)?.value === null) return undefined;
  const value = compileExpression(expression, scope);
  assert(value.form === 'int', 'LIMIT and OFFSET are integers');
  const folded = fold(expression)?.value;
  if (typeof folded === 'bigint' && folded < 0n) {
    throw new QuernError('2201W', `${name} must not be negative`);
  }
  return value.x;
}

function atMost(number: Expr, rows: Expr): Expr {
  return i32.wrapI64(i64.select(i64.ltU(number, rows), number, rows));
}

/** Moves the array's start past OFFSET and lowers its count to LIMIT. */
export function cut(limit: Limit, pointers: number, query: Query): void {
  query.callStep(query.unique('limit'), (f) => {
    const { frame } = f.param;
    const scope = scopeOutside(query, f);
    const count = f.let(i32.load(frame, pointers + 4), 'count');
    const offset = numberOf(limit.offset, 'OFFSET', scope);
    if (offset !== undefined) {
      const skipped = f.let(atMost(offset, i64.extendI32U(count)), 'skipped');
      const start = i32.add(i32.load(frame, pointers), i32.shl(skipped, 2));
      f.do(i32.store(frame, start, pointers));
      f.set(count, i32.sub(count, skipped));
    }
    const most = numberOf(limit.limit, 'LIMIT', scope);
    if (most !== undefined) f.set(count, atMost(most, i64.extendI32U(count)));
    f.do(i32.store(frame, count, pointers + 4));
  });
}

/** The rows that LIMIT and OFFSET leave of those in order. */
export interface RowReach {
  /** An i32: whether some of the rows from index `start` to before `end` are among them. */
  meets(frame: Expr, start: Expr, end: Expr): Expr;
}

export function rowReach(limit: Limit, query: Query): RowReach {
  const first = query.frameSlot(8, 8);
  const behind = query.frameSlot(8, 8);
  query.callStep(query.unique('reach'), (f) => {
    const { frame } = f.param;
    const scope = scopeOutside(query, f);
    const rows = i64.const(0xffffffffn);
    const most = (number: Expr | undefined, none: bigint): Expr => {
      return number === undefined ? i64.const(none) : i64.extendI32U(atMost(number, rows));
    };
    const skipped = f.let(most(numberOf(limit.offset, 'OFFSET', scope), 0n), 'skipped');
    f.do(i64.store(frame, skipped, first));
    const taken = most(numberOf(limit.limit, 'LIMIT', scope), 0xffffffffn);
    f.do(i64.store(frame, i64.add(skipped, taken), behind));
  });
  return {
    meets(frame, start, end) {
      const startsBefore = i64.ltU(i64.extendI32U(start), i64.load(frame, behind));
      return i32.and(startsBefore, i64.gtU(i64.extendI32U(end), i64.load(frame, first)));
    },
  };
}

/** The same for rows that come in several arrays, one after the other. */
export interface RunningLimit {
  /** Cuts `count` rows at `address`; sets the word at `done` of the frame after the last row. */
  cut(f: FunctionBuilder, frame: Expr, address: Local, count: Local, done: number): void;
}

export function runningLimit(limit: Limit, query: Query): RunningLimit {
  const skip = query.frameSlot(8, 8);
  const left = query.frameSlot(8, 8);
  query.callStep(query.unique('limit'), (f) => {
    const { frame } = f.param;
    const scope = scopeOutside(query, f);
    f.do(i64.store(frame, numberOf(limit.offset, 'OFFSET', scope) ?? i64.const(0), skip));
    f.do(i64.store(frame, numberOf(limit.limit, 'LIMIT', scope) ?? i64.const(-1n), left));
  });
  return {
    cut(f, frame, address, count, done) {
      const take = (slot: number, name: string): Local => {
        const number = f.let(atMost(i64.load(frame, slot), i64.extendI32U(count)), name);
        const rest = i64.sub(i64.load(frame, slot), i64.extendI32U(number));
        f.do(i64.store(frame, rest, slot));
        return number;
      };
      const skipped = take(skip, 'skipped');
      f.set(address, i32.add(address, i32.shl(skipped, 2)));
      f.set(count, i32.sub(count, skipped));
      f.set(count, take(left, 'taken'));
      f.do(i32.store(frame, i64.eqz(i64.load(frame, left)), done));
    },
  };
}
