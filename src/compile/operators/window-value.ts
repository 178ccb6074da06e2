import { assert } from '../../base/assert.ts';
import {
  type CaseBranch,
  type CaseExpression,
  columnRef,
  constant,
  type Expression,
} from '../../plan/expression.ts';
import type { WindowCall } from '../../plan/plan.ts';
import { booleanType } from '../../value/type.ts';
import { type Expr, i32, i64, type Local } from '../../wasm/index.ts';
import { compileExpression } from '../expressions/compile.ts';
import { freshColumn, type Scope } from '../query.ts';
import { eitherNull, spill, type Value } from '../value.ts';
import type { Frame, FrameBounds, RowRange } from './window-frame.ts';
import { scratch, type WindowWalk } from './window-walk.ts';

interface RowValue {
  readonly begin: (() => void) | undefined;
  value(current: Scope): Value;
}

/** The row a function takes its value from: its index, if `found`. */
interface Target {
  readonly found: Expr;
  readonly at: Expr;
}

/** The code of a function whose value is that of some row; undefined if it is another function. */
export function rowValue(
  item: WindowCall,
  walk: WindowWalk,
  bounds: FrameBounds,
): RowValue | undefined {
  const { call, ignoreNulls } = item;
  const present = ignoreNulls ? new PresentRows(call.args[0], walk) : undefined;
  const begin = present && (() => present.begin());
  switch (call.name) {
    case 'lag':
    case 'lead':
      return { begin, value: (current) => shifted(item, walk, present, current) };
    case 'first_value':
    case 'last_value':
    case 'nth_value': {
      const frame = bounds.of(item);
      const value = (current: Scope) => inFrame(item, walk, frame, present, current);
      return { begin, value };
    }
    case 'any_value': {
      if (call.filter !== undefined) return undefined;
      const own = new PresentRows(call.args[0], walk);
      const frame = bounds.of(item);
      const first = { ...item, call: { ...call, name: 'first_value' } };
      const value = (current: Scope) => inFrame(first, walk, frame, own, current);
      return { begin: () => own.begin(), value };
    }
    default:
      return undefined;
  }
}

/** LAG and LEAD: the row so many before or after, whatever the frame. */
function shifted(
  { call }: WindowCall,
  walk: WindowWalk,
  present: PresentRows | undefined,
  current: Scope,
): Value {
  const { f, index, partitionStart, partitionEnd } = walk;
  const back = call.name === 'lag';
  const [arg, offset, otherwise] = call.args;
  const distance = offset === undefined ? undefined : compileExpression(offset, current);
  assert(distance === undefined || distance.form === 'int', 'a distance is a BIGINT');
  const x = distance?.x ?? i64.const(1n);
  const ahead = back ? i64.sub(0n, x) : x;
  // Of rows that count: those before this one, and this one itself if it does.
  const from = present === undefined ? index : present.before(index);
  const first = present === undefined ? partitionStart : i32.const(0);
  const last = present === undefined ? partitionEnd : present.count;
  const skip = present === undefined ? undefined : i64.extendI32U(present.isPresent(index));
  let place = i64.add(i64.extendI32U(from), ahead);
  // Behind a NULL, the next row that counts is already the first one ahead.
  if (skip !== undefined) {
    const toNext = i64.select(i64.gtS(ahead, 0n), i64.sub(skip, 1n), 0n);
    place = i64.add(place, toNext);
  }
  const target = f.let(place, 'target');
  // A huge distance may wrap around: then it is out of reach anyway.
  const reach = 2n ** 40n;
  const near = i64.leU(i64.add(ahead, reach), 2n * reach);
  const inside = i32.and(
    i64.geS(target, i64.extendI32U(first)),
    i64.ltS(target, i64.extendI32U(last)),
  );
  const isNull = distance?.isNull;
  const found = f.let(i32.and(near, inside), 'found');
  const exists = isNull === undefined ? found : i32.and(found, i32.eqz(isNull));
  const place32 = i32.wrapI64(target);
  const at = present === undefined ? place32 : present.rowAt(i32.select(found, place32, 0));
  const value = valueAt(arg, { found: exists, at }, walk);
  if (otherwise === undefined) return value;
  return orElse(value, exists, distance?.isNull, otherwise, arg, current);
}

/** The value where the row was found, else another one; NULL if the distance is. */
function orElse(
  value: Value,
  found: Expr,
  isNull: Expr | undefined,
  otherwise: Expression,
  arg: Expression,
  current: Scope,
): Value {
  const scope = current.child();
  const seen = freshColumn('found', booleanType, false);
  const there = freshColumn('there', arg.type, true);
  const none = freshColumn('no_distance', booleanType, false);
  scope.define(seen, { form: 'bool', x: found, isNull: undefined });
  scope.define(there, value);
  scope.define(none, { form: 'bool', x: isNull ?? i32.const(0), isNull: undefined });
  const branch = (when: Expression, then: Expression): CaseBranch => ({ when, then });
  const choice: CaseExpression = {
    kind: 'case',
    branches: [
      branch(columnRef(seen), columnRef(there)),
      branch(columnRef(none), constant(null, arg.type)),
    ],
    otherwise,
    type: arg.type,
    nullable: true,
  };
  return compileExpression(choice, scope);
}

/** FIRST_VALUE, LAST_VALUE and NTH_VALUE. */
function inFrame(
  { call }: WindowCall,
  walk: WindowWalk,
  frame: Frame,
  present: PresentRows | undefined,
  current: Scope,
): Value {
  const { f } = walk;
  const [arg, number] = call.args;
  const at = f.let(i32.const(0), 'at');
  const found = f.let(i32.const(0), 'found');
  // Rows of a part that count, as places in a list of such rows.
  const ranges = frame.ranges(current).map(({ start, end }): RowRange => {
    if (present === undefined) return { start, end };
    const from = f.let(present.before(start), 'from');
    return { start: from, end: f.let(present.before(end), 'to') };
  });
  if (call.name === 'nth_value') {
    const n = compileExpression(number, current);
    assert(n.form === 'int', 'n is a BIGINT');
    const left = f.let(i64.sub(n.x, 1n), 'left');
    if (n.isNull !== undefined) f.if(n.isNull, () => f.set(left, -1n));
    for (const { start, end } of ranges) {
      const size = i64.extendI32U(i32.sub(end, start));
      const here = i32.and(i32.eqz(found), i64.ltU(left, size));
      f.if(
        here,
        () => {
          f.set(found, 1);
          f.set(at, i32.add(start, i32.wrapI64(left)));
        },
        // A negative number stays out of reach.
        () => f.set(left, i64.select(i64.ltS(left, 0n), left, i64.sub(left, size))),
      );
    }
  } else {
    const isFirst = call.name === 'first_value';
    for (const { start, end } of isFirst ? ranges : [...ranges].reverse()) {
      f.if(i32.and(i32.eqz(found), i32.ltU(start, end)), () => {
        f.set(found, 1);
        f.set(at, isFirst ? start : i32.sub(end, 1));
      });
    }
  }
  const row = present === undefined ? at : present.rowAt(i32.select(found, at, 0));
  return valueAt(arg, { found, at: row }, walk);
}

/** The value of an expression in a row, NULL if there is none. */
function valueAt(arg: Expression, { found, at }: Target, walk: WindowWalk): Value {
  const { f, index } = walk;
  const isFound = f.let(found, 'found');
  // Some row can always be read.
  const there = walk.row(f.let(i32.select(isFound, at, index), 'at'));
  const value = spill(f, compileExpression(arg, there), 'value');
  const isNull = f.let(eitherNull(value.isNull, i32.eqz(isFound)) as Expr, 'is_null');
  if (value.form === 'bool') return { ...value, x: i32.and(value.x, i32.eqz(isNull)), isNull };
  return { ...value, isNull };
}

/** For IGNORE NULLS: the rows of the partition where an expression is not NULL. */
class PresentRows {
  readonly #arg: Expression;
  readonly #walk: WindowWalk;
  readonly #room: (bytes: Expr) => Local;
  /** For each row of the partition, how many before it count; one more at the end. */
  readonly #before: Local;
  /** The indexes of the rows that count. */
  readonly #rows: Local;
  readonly count: Local;

  constructor(arg: Expression, walk: WindowWalk) {
    this.#arg = arg;
    this.#walk = walk;
    this.#room = scratch(walk, 'present', 8);
    this.#before = walk.f.local('i32', 'present_before');
    this.#rows = walk.f.local('i32', 'present_rows');
    this.count = walk.f.local('i32', 'present_count');
  }

  begin(): void {
    const walk = this.#walk;
    const { f, partitionStart, partitionEnd } = walk;
    const entries = i32.add(i32.sub(partitionEnd, partitionStart), 2);
    f.set(this.#before, this.#room(i32.shl(entries, 3)));
    f.set(this.#rows, i32.add(this.#before, i32.shl(entries, 2)));
    f.set(this.count, 0);
    // Read where no row counts.
    f.do(i32.store(this.#rows, partitionStart));
    const at = f.let(partitionStart, 'at');
    f.while(i32.ltU(at, partitionEnd), () => {
      f.checkpoint();
      f.do(i32.store(this.#cell(at), this.count));
      const { isNull } = compileExpression(this.#arg, walk.row(at));
      f.do(i32.store(i32.add(this.#rows, i32.shl(this.count, 2)), at));
      f.set(this.count, i32.add(this.count, i32.eqz(isNull ?? i32.const(0))));
      f.set(at, i32.add(at, 1));
      f.checkpoint();
    });
    f.do(i32.store(this.#cell(at), this.count));
  }

  #cell(index: Expr): Expr {
    const place = i32.sub(index, this.#walk.partitionStart);
    return i32.add(this.#before, i32.shl(place, 2));
  }

  before(index: Expr): Expr {
    return i32.load(this.#cell(index));
  }

  isPresent(index: Expr): Expr {
    return i32.sub(i32.load(this.#cell(index), 4), i32.load(this.#cell(index)));
  }

  rowAt(place: Expr): Expr {
    return i32.load(i32.add(this.#rows, i32.shl(place, 2)));
  }
}
