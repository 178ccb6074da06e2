import { assert } from '../../base/assert.ts';
import { type Expr, i32, i64, type Local } from '../../wasm/index.ts';
import { compareValues } from '../expressions/comparison.ts';
import { notDistinct } from '../expressions/logic.ts';
import type { Query, Scope } from '../query.ts';
import { contains, type Range } from '../range.ts';
import { loadField, type StoredField } from '../row.ts';
import type { IntValue, Value } from '../value.ts';
import { produceRows } from './materialize.ts';

/** Where to look for the rows that match a key. */
export type Index =
  | { readonly kind: 'bitmap'; readonly key: number; readonly range: Range; readonly slot: number }
  | {
      readonly kind: 'direct';
      readonly key: number;
      readonly range: Range;
      readonly slot: number;
      /** Whether that key alone tells all build rows apart, so that there are no chains. */
      readonly unique: boolean;
    }
  | {
      /** No rows, but what value each key has them with; see `sole-value.ts`. */
      readonly kind: 'sole';
      readonly key: number;
      readonly range: Range;
      readonly slot: number;
      readonly values: Range;
      readonly width: 4 | 8;
    }
  | { readonly kind: 'hashed'; readonly slot: number; readonly mask: number }
  | { readonly kind: 'all'; readonly slot: number };

/** Header of a build row: the next row of the chain; then, when hashed, the hash. */
export const nextAt = 0;
export const hashAt = 4;

interface DenseKey {
  /** Its index among the keys. */
  readonly best: number;
  readonly key: IntValue;
  readonly domain: bigint;
}

/**
 * The key that is best for an array indexed by it: an integer whose domain is not much larger than
 * the number of rows. `bytesMax`: what the array may take, if memory is short.
 */
export function denseKey(
  keys: readonly Value[],
  nullSafe: readonly boolean[],
  { rows, probes, bytesMax }: { rows: number; probes: number; bytesMax: number | undefined },
): DenseKey | undefined {
  let dense: DenseKey | undefined;
  // Many probes pay for an array that is sparse: finding no row in it takes one load.
  const sparse = Math.max(rows * 64 + 2 ** 20, probes * 4);
  const most = bytesMax === undefined ? 2 ** 28 : bytesMax / 4;
  const affordable = BigInt(Math.floor(Math.min(Math.ceil(sparse), most)));
  for (const [i, key] of keys.entries()) {
    if (key.form !== 'int' || nullSafe[i]) continue;
    const domain = key.range.max - key.range.min + 1n;
    if (domain > affordable || domain <= (dense?.domain ?? 0n)) continue;
    // With other keys beside it, chains must stay short.
    if (keys.length > 1 && Number(domain) * 8 < rows) continue;
    dense = { best: i, key, domain };
  }
  return dense;
}

/** Whether a row found has these keys; undefined if it always does. */
export function keysEqual(
  scope: Scope,
  keys: readonly Value[],
  fields: readonly (StoredField | undefined)[],
  nullSafe: readonly boolean[],
  row: Local,
  hash: Expr | undefined,
): Expr | undefined {
  const tests: Expr[] = [];
  if (hash !== undefined) tests.push(i32.eq(i32.load(row, hashAt), hash));
  fields.forEach((field, i) => {
    if (field === undefined) return;
    const stored = loadField(row, field);
    tests.push(
      nullSafe[i]
        ? notDistinct(keys[i], stored, scope)
        : compareValues('eq', keys[i], { ...stored, isNull: undefined }, scope),
    );
  });
  if (tests.length === 0) return undefined;
  return tests.reduceRight((rest, test) => i32.if(test, rest, 0));
}

/** key - min as an unsigned 32-bit index. */
export function position(key: Value, range: Range): Expr {
  assert(key.form === 'int' || key.form === 'wide', 'a dense key is an integer');
  const x = range.min === 0n ? key.x : i64.sub(key.x, i64.const(range.min));
  return i32.wrapI64(x);
}

/** An i32 that says if the key lies in the domain; undefined when it always does. */
export function withinDomain(key: Value, range: Range): Expr | undefined {
  assert(key.form === 'int' || key.form === 'wide', 'a dense key is an integer');
  if (contains(range, key.range)) return undefined;
  const span = i64.const(range.max - range.min);
  const inside = i64.leU(i64.sub(key.x, i64.const(range.min)), span);
  if (key.form === 'int') return inside;
  return i32.and(inside, i64.eq(key.y, i64.shrS(key.x, 63n)));
}

/** Puts a row at the head of its chain. */
export function link(scope: Scope, head: Expr, row: Local, unique: boolean): void {
  const { f, query } = scope;
  if (unique) {
    f.do(i32.store(head, row));
  } else if (query.parallel) {
    f.do(i32.store(row, i32.atomic.rmwXchg(head, row), nextAt));
  } else {
    const at = f.let(head, 'head');
    f.do(i32.store(row, i32.load(at), nextAt));
    f.do(i32.store(at, row));
  }
}

export function setBit(scope: Scope, bitmap: Local, at: Expr, parallel: boolean): void {
  const { f } = scope;
  const bit = f.let(at, 'bit');
  const word = f.let(i32.add(bitmap, i32.shl(i32.shrU(bit, 5), 2)), 'word');
  const mask = i32.shl(1, i32.and(bit, 31));
  if (!parallel) {
    f.do(i32.store(word, i32.or(i32.load(word), mask)));
    return;
  }
  f.if(i32.eqz(i32.and(i32.load(word), mask)), () => {
    f.drop(i32.atomic.rmwOr(word, mask));
  });
}

/** Whether the bitmap has the key. */
export function bitOf(
  { pipeline, f }: Scope,
  key: Value,
  { slot, range }: Extract<Index, { kind: 'bitmap' }>,
): Expr {
  const bitmap = pipeline.hoist(() => i32.load(pipeline.frame, slot), 'bitmap');
  const at = f.let(position(key, range), 'at');
  const byte = i32.load8U(i32.add(bitmap, i32.shrU(at, 3)));
  const bit = i32.and(i32.shrU(byte, i32.and(at, 7)), 1);
  const inside = withinDomain(key, range);
  return inside === undefined ? bit : i32.if(inside, bit, 0);
}

/** The first row of the chain for a key; 0 if there is none. */
export function directHead(
  { pipeline }: Scope,
  key: Value,
  { slot, range }: Extract<Index, { kind: 'direct' }>,
): Expr {
  const array = pipeline.hoist(() => i32.load(pipeline.frame, slot), 'directory');
  const at = i32.add(array, i32.shl(position(key, range), 2));
  const inside = withinDomain(key, range);
  return inside === undefined ? i32.load(at) : i32.if(inside, i32.load(at), 0);
}

/** Where the first row of the chain for a hash is noted. */
export function hashedHead(
  { pipeline }: Scope,
  index: Extract<Index, { kind: 'hashed' }>,
  hash: Expr,
): Expr {
  const directory = pipeline.hoist(() => i32.load(pipeline.frame, index.slot), 'directory');
  const mask = pipeline.hoist(() => i32.load(pipeline.frame, index.mask), 'mask');
  return i32.add(directory, i32.shl(i32.and(hash, mask), 2));
}

/** Makes the hash table over the rows of a buffer: at least as many slots, a power of two. */
export function fillDirectory(
  query: Query,
  index: Extract<Index, { kind: 'hashed' }>,
  buffer: number,
  rowBytes: number,
): void {
  const counted = query.frameSlot(8, 8);
  const bytes = query.frameSlot(8, 8);
  query.steps.push({ kind: 'gather', buffer, slot: counted, pointers: false });
  query.callStep('size_directory', (f) => {
    const { frame } = f.param;
    const rows = f.let(i32.load(frame, counted + 4), 'rows');
    const bits = i32.sub(32, i32.clz(i32.or(rows, 15)));
    const slots = f.let(i32.shl(1, bits), 'slots');
    f.do(i32.store(frame, i32.sub(slots, 1), index.mask));
    f.do(i32.store(frame, i32.shl(slots, 2), bytes));
  });
  query.steps.push({ kind: 'allocate', slot: index.slot, bytes: { slot: bytes } });
  produceRows(query, 'fill_directory', buffer, rowBytes, (scope, row) => {
    link(scope, hashedHead(scope, index, i32.load(row, hashAt)), row, false);
  });
}
