import { Random } from '../src/base/random.ts';
import type { SuiteContext } from '../src/bench/suite.ts';
import { emitLike, emitLikeColumn } from '../src/compile/kernels/like.ts';
import { emitDynamicLike } from '../src/compile/kernels/like-dynamic.ts';
import { i32, ModuleBuilder } from '../src/wasm/index.ts';

export const name = 'kernels-like';
export const description = 'LIKE over comments of the shape of TPC-H o_comment at scale factor 1';

const rows = 1_500_000;

const words = (
  'furiously sly carefully blithely quickly fluffily slow ideas theodolites packages foxes ' +
  'instructions dependencies accounts deposits requests asymptotes pinto beans courts dolphins ' +
  'special pending regular express unusual bold even final ironic silent daring sleep wake are ' +
  'cajole haggle nag use boost affix detect integrate about above according to across after'
).split(' ');

interface Texts {
  readonly memory: WebAssembly.Memory;
  readonly offsets: number;
  readonly heap: number;
  readonly out: number;
  readonly bytes: number;
}

/** Random comments of 19 to 78 bytes, back to back, in a memory of their own. */
function comments(): Texts {
  const random = new Random(1);
  let phrase = '';
  while (phrase.length < 4_000_000) phrase += `${random.pick(words)} `;
  const source = new TextEncoder().encode(phrase);
  const memory = new WebAssembly.Memory({ initial: 1600 });
  const offsets = 64;
  const out = offsets + 4 * (rows + 1);
  const heap = out + rows + 16;
  const offsetArray = new Uint32Array(memory.buffer, offsets, rows + 1);
  const heapArray = new Uint8Array(memory.buffer, heap);
  let offset = 0;
  for (let row = 0; row < rows; row++) {
    offsetArray[row] = offset;
    const length = random.int(19, 78);
    const from = random.int(0, source.length - length);
    heapArray.set(source.subarray(from, from + length), offset);
    offset += length;
  }
  offsetArray[rows] = offset;
  return { memory, offsets, heap, out, bytes: offset };
}

/** Compiles the ways to match one pattern; each counts the matches. */
function compile({ memory, offsets, heap, out }: Texts, pattern: string) {
  const m = new ModuleBuilder({ name: 'bench' });
  m.importMemory('env', 'memory', { min: 1 });
  const column = emitLikeColumn(m, pattern);
  const like = emitLike(m, pattern);
  const dynamic = emitDynamicLike(m);
  const patternBytes = new TextEncoder().encode(pattern);
  m.data(0, patternBytes);
  const run = { results: ['i32'] as const, export: true };
  const count = (each: 'column' | 'like' | 'dynamic') =>
    m.func(`run_${each}`, run, (f) => {
      const row = f.local('i32', 'row');
      const matches = f.local('i32', 'matches');
      if (each === 'column') f.call(column, offsets, heap, rows, out);
      f.for(row, 0, rows, () => {
        const at = i32.shl(row, 2);
        const start = f.let(i32.load(at, offsets), 'start');
        const length = i32.sub(i32.load(at, offsets + 4), start);
        const address = i32.add(start, heap);
        let match = i32.load8U(row, out);
        if (each === 'like') match = like.call(address, length);
        if (each === 'dynamic') {
          match = dynamic.call(address, length, 0, patternBytes.length, '\\'.charCodeAt(0));
        }
        f.set(matches, i32.add(matches, match));
      });
      f.return(matches);
    });
  for (const each of ['column', 'like', 'dynamic'] as const) count(each);
  const module = new WebAssembly.Module(m.toBytes());
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return exports as Record<'run_column' | 'run_like' | 'run_dynamic', () => number>;
}

export async function run({ measure, note }: SuiteContext): Promise<void> {
  const texts = comments();
  for (const pattern of ['%special%requests%', '%special requests%', 'special%', '%requests']) {
    const ways = compile(texts, pattern);
    const expected = ways.run_like();
    note(`like '${pattern}': ${expected} of ${rows} rows match`);
    const check = (count: number) => {
      if (count !== expected) throw new Error(`${count} matches instead of ${expected}`);
    };
    await measure({
      name: `like '${pattern}'`,
      amount: { value: texts.bytes, unit: 'bytes' },
      programs: [
        { name: 'column', run: () => check(ways.run_column()) },
        { name: 'row by row', run: () => check(ways.run_like()) },
        { name: 'pattern at run time', run: () => check(ways.run_dynamic()) },
      ],
    });
  }
}
