import type { SqlType } from '../../value/type.ts';
import { type Expr, i64 } from '../../wasm/index.ts';
import type { Scope } from '../query.ts';
import { type Range, rangeOf } from '../range.ts';
import type { IntValue } from '../value.ts';

/** Digits behind the point that the integers of a type stand for. */
export const scaleOf = (type: SqlType): number => (type.kind === 'decimal' ? type.scale : 0);

/** The quotient rounded down, for a positive divisor. */
export function floorDivide(value: IntValue, divisor: bigint): Expr {
  if (divisor === 1n) return value.x;
  if (value.range.min >= 0n) return i64.divU(value.x, i64.const(divisor));
  const adjusted = i64.sub(value.x, i64.and(i64.shrS(value.x, 63n), i64.const(divisor - 1n)));
  return i64.divS(adjusted, i64.const(divisor));
}

/** value / divisor to the nearest, halves away from zero. */
export function roundQuotient(value: IntValue, divisor: bigint, scope: Scope): IntValue {
  const { f } = scope;
  const x = f.let(value.x, 'dividend');
  const half = divisor / 2n;
  const quotient = f.let(i64.divS(x, i64.const(divisor)), 'quotient');
  const rest = f.let(i64.sub(x, i64.mul(quotient, i64.const(divisor))), 'rest');
  const up = i64.extendI32U(i64.geS(rest, i64.const(half)));
  const down = i64.extendI32U(i64.leS(rest, i64.const(-half)));
  const range = roundedRange(value.range, divisor);
  return { form: 'int', x: i64.sub(i64.add(quotient, up), down), range, isNull: value.isNull };
}

/** Division cuts towards zero: what is below zero may round down, what is above it up. */
export function roundedRange({ min, max }: Range, divisor: bigint): Range {
  return rangeOf(min / divisor - (min < 0n ? 1n : 0n), max / divisor + (max > 0n ? 1n : 0n));
}
