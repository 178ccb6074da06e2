import { type Expr, i32, i64 } from '../../wasm/index.ts';
import { intervalMicros } from '../expressions/intervals.ts';
import { decode } from '../expressions/strings.ts';
import { normalizedF64 } from '../kernels/radix-sort.ts';
import { emitStringPrefix } from '../kernels/string-prefix.ts';
import type { Scope } from '../query.ts';
import type { Value } from '../value.ts';
import { hashValues } from './hash.ts';

/**
 * Rows that are to be sorted get a key of at most 64 bits, ordered as unsigned: the partition
 * first, then the keys of the order, each in as many bits as its range needs. Where that is not
 * enough, the key is the beginning of a longer one, and rows are compared where keys are equal.
 */
export interface SortKeyPlan {
  /** Bits of the key; 0 if there is nothing to sort by. */
  readonly bits: number;
  /** Bits that belong to the partition, at the top; a hash of it if it is not exact. */
  readonly partitionBits: number;
  readonly isPartitionExact: boolean;
  /**
   * For each number of keys of the order, from 0: how many bits follow those of the keys, if the
   * bits before are all there is of them.
   */
  readonly bitsAfter: readonly (number | undefined)[];
  /** Whether equal keys mean equal partitions and orders. */
  readonly isExact: boolean;
  /** The key, an i64. */
  readonly key: Expr;
  /** The text of which the key ends with the first bytes, `depth` of them whole. */
  readonly text: { readonly orderIndex: number; readonly depth: number } | undefined;
}

export interface OrderedValue {
  readonly value: Value;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

/** A part of a key: `x` lies below 2^bits. */
interface Component {
  readonly bits: number;
  readonly isExact: boolean;
  readonly x: Expr;
}

const keyBitsMax = 64;
/** A partition that needs more bits is hashed. */
const partitionBitsMax = 48;
const hashBits = 32;

/** `partitionHash`: an i32 that is to stand for the partition if that needs too many bits. */
export function planSortKey(
  partition: readonly Value[],
  order: readonly OrderedValue[],
  scope: Scope,
  partitionHash?: Expr,
): SortKeyPlan {
  let components = partition.map((value) => {
    return component({ value, descending: false, nullsFirst: false }, scope);
  });
  let partitionBits = components.reduce((sum, { bits }) => sum + bits, 0);
  const isPartitionExact =
    components.every(({ isExact }) => isExact) && partitionBits <= partitionBitsMax;
  if (!isPartitionExact) {
    const hash = partitionHash ?? hashValues(partition, scope);
    components = [{ bits: hashBits, isExact: false, x: i64.extendI32U(hash) }];
    partitionBits = hashBits;
  }
  const ends: (number | undefined)[] = [partitionBits];
  let bits = partitionBits;
  let isExact = isPartitionExact;
  let text: SortKeyPlan['text'];
  for (const [orderIndex, item] of order.entries()) {
    if (isExact) {
      const part = cut(component(item, scope), keyBitsMax - bits);
      components.push(part);
      bits += part.bits;
      isExact = part.isExact;
      if (item.value.form === 'string') {
        const textBits = part.bits - (item.value.isNull === undefined ? 0 : 1);
        text = { orderIndex, depth: Math.max(0, Math.floor(textBits / 8)) };
      }
    }
    ends.push(isExact ? bits : undefined);
  }
  const key = scope.f.let(join(components), 'sort_key');
  const bitsAfter = ends.map((end) => (end === undefined ? undefined : bits - end));
  return { bits, partitionBits, isPartitionExact, bitsAfter, isExact, key, text };
}

function join(components: readonly Component[]): Expr {
  return (
    components
      .filter(({ bits }) => bits > 0)
      .reduce((key: Expr | undefined, { bits, x }): Expr => {
        return key === undefined ? x : i64.or(i64.shl(key, BigInt(bits)), x);
      }, undefined) ?? i64.const(0)
  );
}

/** The upper bits of a component that is too long. */
function cut(part: Component, bits: number): Component {
  if (part.bits <= bits) return part;
  const x = bits === 0 ? i64.const(0) : i64.shrU(part.x, BigInt(part.bits - bits));
  return { bits, isExact: false, x };
}

function component({ value, descending, nullsFirst }: OrderedValue, scope: Scope): Component {
  const { f } = scope;
  const part = presentComponent(value, scope);
  let x = part.x;
  if (descending && part.bits > 0) {
    x = i64.xor(x, i64.const(part.bits === 64 ? -1n : 2n ** BigInt(part.bits) - 1n));
  }
  if (value.isNull === undefined) return { ...part, x };
  const isNull = f.let(value.isNull, 'key_null');
  const present = i64.select(isNull, i64.const(0), x);
  const { bits, isExact } = cut({ ...part, x: present }, keyBitsMax - 1);
  const shifted = part.bits > bits ? i64.shrU(present, BigInt(part.bits - bits)) : present;
  const flag = i64.extendI32U(nullsFirst ? i32.eqz(isNull) : isNull);
  return { bits: bits + 1, isExact, x: i64.or(i64.shl(flag, BigInt(bits)), shifted) };
}

/** The component of a value that is not NULL. */
function presentComponent(value: Value, scope: Scope): Component {
  switch (value.form) {
    case 'int':
    case 'wide': {
      const { min, max } = value.range;
      const bits = (max - min).toString(2).length;
      if (bits <= 64) {
        // Modulo 2^64 the difference is right even where its parts do not fit.
        const base = i64.const(BigInt.asIntN(64, min));
        const x = i64.sub(value.x, base);
        return { bits: max === min ? 0 : bits, isExact: true, x };
      }
      if (value.form === 'int')
        return { bits: 64, isExact: true, x: i64.xor(value.x, -(2n ** 63n)) };
      return { bits: 64, isExact: false, x: i64.xor(value.y, -(2n ** 63n)) };
    }
    case 'bool':
      return { bits: 1, isExact: true, x: i64.extendI32U(value.x) };
    case 'code': {
      const most = Math.max(value.dictionary.count - 1, 1);
      return { bits: most.toString(2).length, isExact: true, x: i64.extendI32U(value.x) };
    }
    case 'interval': {
      // All but the lowest ten of at most 73 bits and a sign.
      const { lo, hi } = intervalMicros(value, scope);
      const x = i64.or(i64.shl(hi, 54n), i64.shrU(lo, 10n));
      return { bits: 64, isExact: false, x: i64.xor(x, -(2n ** 63n)) };
    }
    case 'float':
      return { bits: 64, isExact: true, x: normalizedF64(scope.f, value.x) };
    case 'string': {
      const text = decode(value, scope);
      const { isNull } = value;
      const none = (x: Expr): Expr => (isNull === undefined ? x : i32.select(isNull, 0, x));
      const x = emitStringPrefix(scope.query.module).call(none(text.x), none(text.y));
      return { bits: 64, isExact: false, x };
    }
  }
}
