import { type Expr, f64, i32, i64 } from '../../wasm/index.ts';
import { intervalMicros } from '../expressions/intervals.ts';
import { decode, stringHash } from '../expressions/strings.ts';
import type { Scope } from '../query.ts';
import type { Value } from '../value.ts';

/**
 * Hashes. Integers are multiplied by 2^64 / golden ratio and folded, so that the low bits, which
 * choose the slot, depend on all bits of the key (Knuth's multiplicative hashing; fmix64's last
 * round).
 */
const golden = i64.const(-7046029254386353131n);

function mix(x: Expr, scope: Scope): Expr {
  const product = scope.f.let(i64.mul(x, golden), 'product');
  return i64.xor(product, i64.shrU(product, 32n));
}

/** An i64: equal for equal values; NULLs hash like 0. */
function hashValue(value: Value, scope: Scope): Expr {
  const raw = hashPresent(value, scope);
  return value.isNull === undefined ? raw : i64.select(value.isNull, i64.const(0), raw);
}

function hashPresent(value: Value, scope: Scope): Expr {
  switch (value.form) {
    case 'int':
      return value.x;
    case 'wide':
      // Equal numbers may come once as int and once as wide: the low half serves both.
      return value.x;
    case 'interval':
      return intervalMicros(value, scope).lo;
    case 'bool':
      return i64.extendI32U(value.x);
    case 'float':
      return i64.reinterpretF64(canonical(value.x));
    case 'code':
    case 'string': {
      const text = decode(value, scope);
      // The address and length of a NULL may be any.
      const y = text.isNull === undefined ? text.y : i32.select(text.isNull, 0, text.y);
      return stringHash(scope, { ...text, y });
    }
  }
}

/** -0 as 0 and every NaN as one, so that equal numbers have equal bits. */
function canonical(x: Expr): Expr {
  return f64.select(f64.ne(x, x), f64.const(Number.NaN), f64.add(x, 0));
}

/** An i32 hash of some values together. */
export function hashValues(values: readonly Value[], scope: Scope): Expr {
  const { f } = scope;
  let hash: Expr | undefined;
  for (const value of values) {
    const next = hashValue(value, scope);
    const input = hash === undefined ? next : i64.xor(i64.rotl(hash, 23n), next);
    hash = f.let(mix(input, scope), 'hash');
  }
  return hash === undefined ? i32.const(0) : f.let(i32.wrapI64(hash), 'hash32');
}
