import { assert } from '../../base/assert.ts';
import { type Expr, i32, i64, type Local } from '../../wasm/index.ts';
import type { Scope } from '../query.ts';
import { contains, type Range } from '../range.ts';
import type { Value } from '../value.ts';

/** Header of a build row: the next row of the chain; then, when hashed, the hash. */
export const nextAt = 0;
export const hashAt = 4;

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
