import { type Expr, type Func, i32, i64, type ModuleBuilder } from '../../wasm/index.ts';
import { once } from './kernel.ts';

/** Odd multipliers with evenly mixed bits: from the golden ratio, √2 and √3. */
const multiplierA = 0x9e3779b97f4a7c15n;
const multiplierB = 0xb5297a4d3f84d5b5n;
const multiplierC = 0xbb67ae8584caa73bn;

/** The low `count` bytes of `word`; all of them from 8 on, none up to 0. */
function lowBytes(word: Expr, count: Expr): Expr {
  const bits = i64.extendI32U(i32.shl(count, 3));
  const some = i64.sub(i64.shl(1n, bits), 1n);
  const mask = i64.select(i32.geS(count, 8), -1n, i64.select(i32.leS(count, 0), 0n, some));
  return i64.and(word, mask);
}

/**
 * (address: i32, length: i32) → i64: a hash of the bytes, all 64 bits of which are good. Two lanes
 * of 8 bytes are multiplied in each step, as in wyhash, but WebAssembly has no product of 128 bits:
 * the high half is folded down by a shift instead. Not for adversaries. Reads up to 16 bytes past
 * the end.
 */
export function emitStringHash(m: ModuleBuilder): Func {
  return once(m, 'string_hash', (name) =>
    m.func(name, { params: { address: 'i32', length: 'i32' }, results: ['i64'] }, (f) => {
      const { address, length } = f.param;
      const a = f.let(i64.mul(i64.extendI32U(length), multiplierC), 'a');
      const b = f.let(i64.const(multiplierB), 'b');
      const folded = (lane: Expr, multiplier: bigint): Expr => {
        const product = f.let(i64.mul(lane, multiplier), 'product');
        return i64.xor(product, i64.shrU(product, 32));
      };
      f.while(i32.gtU(length, 16), () => {
        f.set(a, folded(i64.xor(a, i64.load(address, 0, 1)), multiplierA));
        f.set(b, folded(i64.xor(b, i64.load(address, 8, 1)), multiplierB));
        f.set(address, i32.add(address, 16));
        f.set(length, i32.sub(length, 16));
      });
      f.set(a, folded(i64.xor(a, lowBytes(i64.load(address, 0, 1), length)), multiplierA));
      const rest = lowBytes(i64.load(address, 8, 1), i32.sub(length, 8));
      f.set(b, folded(i64.xor(b, rest), multiplierB));
      f.set(a, folded(i64.add(a, i64.rotl(b, 29)), multiplierC));
      f.set(a, folded(a, multiplierA));
      f.return(a);
    }),
  );
}
