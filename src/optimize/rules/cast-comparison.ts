import { castValue, checkExact } from '../../plan/cast.ts';
import {
  type CallExpression,
  type ConstantExpression,
  call,
  constant,
  type Expression,
} from '../../plan/expression.ts';
import { booleanType, isInteger, type SqlType } from '../../value/type.ts';

/**
 * A column compared with a constant of a wider type is compared in its own type instead, so that
 * scans can test stored values and zone maps apply: `CAST(day AS TIMESTAMP) < TIMESTAMP '1995-01-01
 * 12:00:00'` becomes `day <= DATE '1995-01-01'`.
 */
export function simplifyComparison(comparison: CallExpression): Expression {
  const turned = turn(comparison);
  const name = turned.name as Comparison;
  if (!(name in flipped)) return comparison;
  const [left, right] = turned.args;
  if (left.kind !== 'cast' || left.try || right.kind !== 'constant' || right.value === null) {
    return turned;
  }
  const inner = left.input;
  if (!isWidening(inner.type, left.type)) return turned;
  return narrow(name, inner, right) ?? turned;
}

const flipped = { eq: 'eq', ne: 'ne', lt: 'gt', le: 'ge', gt: 'lt', ge: 'le' } as const;
type Comparison = keyof typeof flipped;

/** Puts a constant that stands on the left to the right. */
function turn(comparison: CallExpression): CallExpression {
  const [a, b] = comparison.args;
  const name = flipped[comparison.name as Comparison];
  if (name === undefined || a.kind !== 'constant' || b.kind === 'constant') return comparison;
  return call(name, [b, a], booleanType, comparison.nullable);
}

/** Whether every value keeps its order and none is lost. */
function isWidening(from: SqlType, to: SqlType): boolean {
  if (from.kind === 'date') return to.kind === 'timestamp';
  if (isInteger(from)) return isInteger(to) || to.kind === 'decimal';
  return from.kind === 'decimal' && to.kind === 'decimal' && to.scale >= from.scale;
}

/** `inner <name> wide` in the type of `inner`; undefined if the constant is beyond its range. */
function narrow(
  name: Comparison,
  inner: Expression,
  wide: ConstantExpression,
): Expression | undefined {
  const { type } = inner;
  let low: bigint;
  let back: bigint;
  try {
    low = checkExact(floorTo(wide.value as bigint, wide.type, type), type);
    back = castValue(low, type, wide.type) as bigint;
  } catch {
    return undefined;
  }
  const exact = back === wide.value;
  const bound = constant(low, type);
  if (exact) return call(name, [inner, bound], booleanType);
  // The constant lies between `low` and the next value.
  if (name === 'lt' || name === 'le') return call('le', [inner, bound], booleanType);
  if (name === 'gt' || name === 'ge') return call('gt', [inner, bound], booleanType);
  return undefined;
}

const microsPerDay = 86_400_000_000n;

/** The greatest value of type `to` that is not above `value`. */
function floorTo(value: bigint, from: SqlType, to: SqlType): bigint {
  if (from.kind === 'timestamp') return floorDivide(value, microsPerDay);
  const fromScale = from.kind === 'decimal' ? from.scale : 0;
  const toScale = to.kind === 'decimal' ? to.scale : 0;
  return floorDivide(value, 10n ** BigInt(fromScale - toScale));
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}
