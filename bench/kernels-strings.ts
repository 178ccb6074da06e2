import { Random } from '../src/base/random.ts';
import type { SuiteContext } from '../src/bench/suite.ts';
import { caseTable, emitChangeCase } from '../src/compile/kernels/string-case.ts';
import {
  emitStringCompare,
  emitStringEqual,
  emitStringFind,
} from '../src/compile/kernels/string-compare.ts';
import { emitStringHash } from '../src/compile/kernels/string-hash.ts';
import {
  emitCharacterCount,
  emitStringCopy,
  emitSubstring,
} from '../src/compile/kernels/string-text.ts';
import { type Expr, i32, ModuleBuilder } from '../src/wasm/index.ts';

export const name = 'kernels-strings';
export const description = 'functions of strings, a call for each of half a million';

const count = 500_000;
const offsetsAt = 65536;
const heapAt = offsetsAt + 4 * (count + 1) + 64;
const outAt = 64;
const tableAt = 8192;
const lengthMax = 80;

const names = ['hash', 'equal', 'compare', 'find', 'characters', 'substring', 'upper', 'copy'];

function compile() {
  const m = new ModuleBuilder({ name: 'bench' });
  const pages = Math.ceil((heapAt + count * lengthMax + 64) / 65536);
  m.defineMemory({ min: pages, export: 'memory' });
  const word = new TextEncoder().encode('requests');
  m.data(16, word);
  const hash = emitStringHash(m);
  const equal = emitStringEqual(m);
  const compare = emitStringCompare(m);
  const find = emitStringFind(m);
  const characters = emitCharacterCount(m);
  const substring = emitSubstring(m);
  m.data(tableAt, caseTable('upper'));
  const upper = emitChangeCase(m, 'upper');
  const copy = emitStringCopy(m);
  const tail = m.func(
    'substring_length',
    { params: { address: 'i32', length: 'i32' }, results: ['i32'] },
    (f) => {
      const [address, length] = [f.local('i32'), f.local('i32')];
      f.setMulti([address, length], substring.callMulti(f.param.address, f.param.length, 5, 10));
      f.return(length);
    },
  );
  const bodies: Record<string, (address: Expr, length: Expr, out: Expr) => Expr> = {
    hash: (address, length) => i32.wrapI64(hash.call(address, length)),
    equal: (address, length) => equal.call(address, length, address, length),
    compare: (address, length) => compare.call(address, length, address, length),
    find: (address, length) => find.call(address, length, 16, word.length),
    characters: (address, length) => characters.call(address, length),
    substring: (address, length) => tail.call(address, length),
    upper: (address, length, out) => upper.call(address, length, out, tableAt),
    copy: (_, length) => length,
  };
  for (const name of names) {
    m.func(name, { results: ['i32'], export: true }, (f) => {
      const sum = f.local('i32', 'sum');
      const at = f.local('i32', 'at');
      const body = () => {
        const start = f.let(i32.load(at), 'start');
        const address = f.let(i32.add(start, heapAt), 'address');
        const length = f.let(i32.sub(i32.load(at, 4), start), 'length');
        if (name === 'copy') f.call(copy, outAt, address, length);
        f.set(sum, i32.add(sum, bodies[name](address, length, i32.const(outAt))));
      };
      f.for(at, offsetsAt, offsetsAt + 4 * count, body, { step: 4 });
      f.return(sum);
    });
  }
  return new WebAssembly.Instance(new WebAssembly.Module(m.toBytes())).exports as Record<
    string,
    () => number
  > & { memory: WebAssembly.Memory };
}

export async function run({ measure }: SuiteContext): Promise<void> {
  const { memory, ...kernels } = compile();
  for (const [from, to] of [
    [4, 15],
    [19, 78],
  ]) {
    const random = new Random(1);
    const offsets = new Uint32Array(memory.buffer, offsetsAt, count + 1);
    const heap = new Uint8Array(memory.buffer, heapAt);
    let offset = 0;
    for (let i = 0; i < count; i++) {
      offsets[i] = offset;
      const length = random.int(from, to);
      for (let j = 0; j < length; j++) heap[offset + j] = random.int(0x61, 0x7a);
      offset += length;
    }
    offsets[count] = offset;
    for (const name of names) {
      const expected = kernels[name]();
      const run = () => {
        if (kernels[name]() !== expected) throw new Error('another answer than before');
      };
      await measure({
        name: `${name}, ${from} to ${to} bytes`,
        amount: { value: count, unit: 'strings' },
        programs: [{ name: 'quern', run }],
      });
    }
  }
}
