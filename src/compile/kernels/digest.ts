/** MD5, SHA-1 and SHA-256 of a text, written in hexadecimal. */
import {
  type DigestName,
  digests,
  md5Constants,
  md5Shifts,
  md5Word,
  sha1Constants,
  sha256Constants,
} from '../../value/digest.ts';
import {
  type Expr,
  type Func,
  type FunctionBuilder,
  i8x16,
  i32,
  type Local,
  type ModuleBuilder,
  memory,
  type Operand,
  v128,
} from '../../wasm/index.ts';
import { emitHex } from './hex.ts';
import { once } from './kernel.ts';

/** Scratch memory: the last blocks with their padding, then the words of a block. */
const wordsAt = 128;
export const digestScratchBytes = wordsAt + 4 * (80 + 16);

/** The constants of SHA-256, to be put in memory; the others are in the code. */
export const sha256Table = new Uint8Array(Int32Array.from(sha256Constants).buffer);

/**
 * (address, length, out, scratch, table) → the address behind the digest, two digits a byte. Needs
 * room for 64 bytes and 16 more. `table`: for SHA-256 the address of {@link sha256Table}.
 */
export function emitDigest(m: ModuleBuilder, which: DigestName): Func {
  const hex = emitHex(m, 'lower');
  const params = {
    address: 'i32',
    length: 'i32',
    out: 'i32',
    scratch: 'i32',
    table: 'i32',
  } as const;
  return once(m, which, (name) =>
    m.func(name, { params, results: ['i32'] }, (f) => {
      const { address, length, out, scratch, table } = f.param;
      const { initial, bigEndian } = digests[which];
      const state = initial.map((word, i) => f.let(i32.const(word), `state${i}`));
      const block = f.let(address, 'block');
      const end = f.let(i32.add(address, i32.and(length, -64)), 'end');
      const isLast = f.local('i32', 'isLast');
      f.block((done) => {
        f.loop((next) => {
          f.while(i32.ltU(block, end), () => {
            emitBlock(f, which, state, block, i32.add(scratch, wordsAt), table);
            f.set(block, i32.add(block, 64));
          });
          f.brIf(done, isLast);
          f.set(isLast, 1);
          emitPadding(f, f.param, end, bigEndian);
          const long = i32.gtU(i32.and(length, 63), 55);
          f.set(end, i32.add(scratch, i32.shl(64, long)));
          f.set(block, scratch);
          f.br(next);
        });
      });
      state.forEach((word, i) => {
        f.do(i32.store(scratch, word, 4 * i));
      });
      if (bigEndian)
        for (let at = 0; at < 4 * state.length; at += 16) swapBytes(f, scratch, scratch, at);
      f.return(hex.call(scratch, 4 * state.length, out));
    }),
  );
}

/** The bytes behind the last full block, a one bit, zeros, and how many bits there are. */
function emitPadding(
  f: FunctionBuilder,
  { length, scratch }: { length: Local; scratch: Local },
  rest: Local,
  bigEndian: boolean,
): void {
  const bytes = f.let(i32.and(length, 63), 'restBytes');
  f.do(memory.fill(scratch, 0, wordsAt));
  f.do(memory.copy(scratch, rest, bytes));
  f.do(i32.store8(i32.add(scratch, bytes), 0x80));
  const last = f.let(i32.add(scratch, i32.select(i32.gtU(bytes, 55), 128 - 8, 64 - 8)), 'last');
  const [low, high] = [i32.shl(length, 3), i32.shrU(length, 29)];
  f.do(i32.store(last, bigEndian ? swapped(f, high) : low));
  f.do(i32.store(last, bigEndian ? swapped(f, low) : high, 4));
}

/** A word with its bytes in the other order. */
function swapped(f: FunctionBuilder, word: Expr): Expr {
  const x = f.let(word, 'word');
  const outer = i32.and(i32.rotl(x, 8), 0x00ff00ff);
  return i32.or(outer, i32.and(i32.rotl(x, 24), 0xff00ff00 | 0));
}

/** Copies four words with their bytes in the other order. */
function swapBytes(f: FunctionBuilder, from: Local, to: Expr, at: number): void {
  const order = [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12];
  const bytes = f.let(v128.load(from, at, 1), 'bytes');
  f.do(v128.store(to, i8x16.shuffle(order, bytes, bytes), at, 1));
}

function emitBlock(
  f: FunctionBuilder,
  which: DigestName,
  state: readonly Local[],
  block: Local,
  words: Expr,
  table: Local,
): void {
  const now = state.map((word, i) => f.let(word, 'abcdefgh'[i]));
  if (which === 'md5') md5Block(f, now, block);
  else {
    const at = f.let(words, 'words');
    for (let part = 0; part < 64; part += 16) swapBytes(f, block, at, part);
    if (which === 'sha1') sha1Block(f, now, at);
    else sha256Block(f, now, at, table);
  }
  state.forEach((word, i) => {
    f.set(word, i32.add(word, now[i]));
  });
}

function sum(...terms: Operand[]): Expr {
  return (terms as Expr[]).reduce((total, term) => i32.add(total, term));
}

/** The bits of b where those of a are set, else those of c. */
function choose(a: Expr, b: Expr, c: Expr): Expr {
  return i32.xor(c, i32.and(a, i32.xor(b, c)));
}

function majority(a: Expr, b: Expr, c: Expr): Expr {
  return i32.or(i32.and(a, b), i32.and(c, i32.or(a, b)));
}

function parity(a: Expr, b: Expr, c: Expr): Expr {
  return i32.xor(a, i32.xor(b, c));
}

function md5Block(f: FunctionBuilder, now: Local[], block: Local): void {
  for (let i = 0; i < 64; i++) {
    const [a, b, c, d] = now;
    const mixes = [
      () => choose(b, c, d),
      () => choose(d, b, c),
      () => parity(b, c, d),
      () => i32.xor(c, i32.or(b, i32.xor(d, -1))),
    ];
    const word = i32.load(block, 4 * md5Word(i), 1);
    const total = sum(a, mixes[i >> 4](), md5Constants[i], word);
    f.set(a, i32.add(b, i32.rotl(total, md5Shifts[i >> 4][i & 3])));
    // The words change names instead of places; behind 64 steps all are back.
    now.unshift(now.pop()!);
  }
}

function sha1Block(f: FunctionBuilder, now: Local[], words: Local): void {
  const mixes = [choose, parity, majority, parity];
  const at = f.let(words, 'word');
  mixes.forEach((mix, round) => {
    f.for(f.local('i32', 'step'), 0, 4, () => {
      for (let i = 0; i < 5; i++) {
        const [a, b, c, d, e] = now;
        const total = sum(i32.rotl(a, 5), mix(b, c, d), e, sha1Constants[round], i32.load(at));
        f.set(e, total);
        f.set(b, i32.rotl(b, 30));
        // The word of sixteen steps later; those of the last ones are not used.
        const mixed = i32.xor(
          parity(i32.load(at, 52), i32.load(at, 32), i32.load(at, 8)),
          i32.load(at),
        );
        f.do(i32.store(at, i32.rotl(mixed, 1), 64));
        f.set(at, i32.add(at, 4));
        now.unshift(now.pop()!);
      }
    });
  });
}

function sha256Block(f: FunctionBuilder, now: Local[], words: Local, table: Local): void {
  const turns = (word: Expr, x: number, y: number, z: number) =>
    parity(i32.rotr(word, x), i32.rotr(word, y), i32.rotr(word, z));
  const at = f.let(words, 'word');
  const constants = f.let(table, 'constants');
  f.for(f.local('i32', 'step'), 0, 8, () => {
    for (let i = 0; i < 8; i++) {
      const [a, b, c, d, e, g, h, k] = now;
      const terms = [k, turns(e, 6, 11, 25), choose(e, g, h), i32.load(constants), i32.load(at)];
      const first = f.let(sum(...terms), 'first');
      f.set(d, i32.add(d, first));
      f.set(k, sum(first, turns(a, 2, 13, 22), majority(a, b, c)));
      const w1 = f.let(i32.load(at, 4), 'w1');
      const w14 = f.let(i32.load(at, 56), 'w14');
      const low = parity(i32.rotr(w1, 7), i32.rotr(w1, 18), i32.shrU(w1, 3));
      const high = parity(i32.rotr(w14, 17), i32.rotr(w14, 19), i32.shrU(w14, 10));
      f.do(i32.store(at, sum(i32.load(at), low, i32.load(at, 36), high), 64));
      f.set(at, i32.add(at, 4));
      f.set(constants, i32.add(constants, 4));
      now.unshift(now.pop()!);
    }
  });
}
