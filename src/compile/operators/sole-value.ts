import { assert } from '../../base/assert.ts';
import { conjunction, type Expression } from '../../plan/expression.ts';
import type { Join } from '../../plan/plan.ts';
import { type Expr, i32, i64, type Local } from '../../wasm/index.ts';
import { columnsOf } from '../expressions/compile.ts';
import type { Scope } from '../query.ts';
import type { Range } from '../range.ts';
import { spill, type Value } from '../value.ts';
import { type Index, position, withinDomain } from './directory.ts';
import type { LookUp } from './join-keys.ts';

/**
 * Whether there is a row of the same key with another value, as in
 *
 *     exists (select * from b where b.key = a.key and b.value <> a.value)
 *
 * does not depend on which rows there are: there is one if the rows of the key have several values,
 * or a single one that differs. An array indexed by the key tells that without any rows.
 */
export type SoleIndex = Extract<Index, { kind: 'sole' }>;

/** The two sides of `<>`, where that is all a join wants to know of rows of equal keys. */
export interface Difference {
  readonly left: Expression;
  readonly right: Expression;
}

export function differenceOf(join: Join, keys: LookUp): Difference | undefined {
  const { type, left, right } = join;
  if (type !== 'semi' && type !== 'anti' && type !== 'mark') return undefined;
  const residual = conjunction(keys.residual);
  if (keys.evaluated || keys.left.length !== 1 || keys.nullSafe[0]) return undefined;
  if (residual?.kind !== 'call' || residual.name !== 'ne') return undefined;
  const isOf = (expression: Expression, side: Join['left']): boolean => {
    const columns = [...columnsOf(expression)];
    return columns.length > 0 && columns.every((column) => side.columns.includes(column));
  };
  const [a, b] = residual.args;
  if (isOf(a, left) && isOf(b, right)) return { left: a, right: b };
  return isOf(a, right) && isOf(b, left) ? { left: b, right: a } : undefined;
}

/** Bytes of an entry of the array for values of a range; undefined if there are too many. */
export function soleWidth({ min, max }: Range): 4 | 8 | undefined {
  const values = max - min + 1n;
  if (values <= 2n ** 16n) return 4;
  return values <= 2n ** 32n ? 8 : undefined;
}

/**
 * A value as bits, one of each pair for a digit 0 and one for a digit 1: values of one key are put
 * together by OR, which needs no branch and can be done by several workers at once. A row of
 * another value is one with a bit that this value lacks.
 */
function encode(value: Value, { values, width }: SoleIndex): Expr {
  assert(value.form === 'int' || value.form === 'wide', 'the index is for whole numbers');
  const x = i64.sub(value.x, i64.const(values.min));
  if (width === 8) return i64.or(x, i64.shl(i64.xor(x, 0xffff_ffffn), 32n));
  const narrow = i32.wrapI64(x);
  return i32.or(narrow, i32.shl(i32.xor(narrow, 0xffff), 16));
}

function entryAddress({ pipeline }: Scope, key: Value, index: SoleIndex): Expr {
  const array = pipeline.hoist(() => i32.load(pipeline.frame, index.slot), 'directory');
  return i32.add(array, i32.shl(position(key, index.range), Math.log2(index.width)));
}

/** Notes that a key has a row of this value. */
export function noteValue(scope: Scope, index: SoleIndex, key: Value, value: Value): void {
  const { f, query } = scope;
  const ops = index.width === 8 ? i64 : i32;
  const note = () => {
    const at = f.let(entryAddress(scope, key, index), 'at');
    const bits = encode(spill(f, value, 'value'), index);
    if (query.parallel) f.drop(ops.atomic.rmwOr(at, bits));
    else f.do(ops.store(at, ops.or(ops.load(at), bits)));
  };
  if (value.isNull === undefined) note();
  else f.if(i32.eqz(value.isNull), note);
}

/** A local: whether a row of the key has a value other than this one. */
export function hasOther(scope: Scope, index: SoleIndex, key: Value, value: Value): Local {
  const { f } = scope;
  const found = f.let(i32.const(0), 'exists');
  const test = () => {
    const ops = index.width === 8 ? i64 : i32;
    const entry = ops.load(entryAddress(scope, key, index));
    // What is no value of the other side at all differs from all.
    const known = withinDomain(value, index.values);
    const bits = encode(value, index);
    const own = known === undefined ? bits : ops.if(known, bits, ops.const(0));
    f.set(found, ops.ne(ops.and(entry, ops.xor(own, ops.const(-1))), ops.const(0)));
  };
  const inside = withinDomain(key, index.range);
  const present = value.isNull && i32.eqz(value.isNull);
  const whether = inside && present ? i32.and(inside, present) : (inside ?? present);
  if (whether === undefined) test();
  else f.if(whether, test);
  return found;
}
