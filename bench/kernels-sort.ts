import { Random } from '../src/base/random.ts';
import type { Program, SuiteContext } from '../src/bench/suite.ts';
import { emitSortByKey } from '../src/compile/kernels/key-sort.ts';
import {
  emitRadixSort,
  entryBytes,
  payloadOffset,
  radixScratchBytes,
} from '../src/compile/kernels/radix-sort.ts';
import { emitSort, type Less, lessBy } from '../src/compile/kernels/sort.ts';
import { emitTopK } from '../src/compile/kernels/top-k.ts';
import { type Expr, i32, i64, ModuleBuilder } from '../src/wasm/index.ts';

export const name = 'kernels-sort';
export const description = 'sorting a million rows by a 64-bit key, and finding the first of them';

const rows = 1_000_000;
const rowBytes = 16;
const rowsAt = 64;
const arrayAt = rowsAt + rows * rowBytes;
const scratchAt = arrayAt + rows * rowBytes + 64;
const memoryBytes = scratchAt + rows * rowBytes + radixScratchBytes(8);
const payloadAt = payloadOffset[8];

interface Kernels {
  readonly memory: WebAssembly.Memory;
  inline(array: number, count: number, scratch: number): void;
  called(array: number, count: number, scratch: number): void;
  byKey(entries: number, count: number, scratch: number, out: number): void;
  radix(entries: number, count: number, scratch: number): void;
  top(k: number): number;
}

function compile(): Kernels {
  const m = new ModuleBuilder({ name: 'bench' });
  m.defineMemory({ min: Math.ceil(memoryBytes / 65536), export: 'memory' });
  const less: Less = (_, a, b) => i64.ltU(i64.load(a), i64.load(b));
  const params = { a: 'i32', b: 'i32' } as const;
  const compare = m.func('compare', { params, results: ['i32'] }, (f) => {
    const a = f.let(i64.load(f.param.a), 'a');
    const b = f.let(i64.load(f.param.b), 'b');
    f.return(i32.sub(i64.gtU(a, b), i64.ltU(a, b)));
  });
  m.export('inline', emitSort(m, 'inline', less));
  m.export('called', emitSort(m, 'called', lessBy(compare)));
  const keyOf = (row: Expr) => i64.load(i32.add(rowsAt, i32.mul(row, rowBytes)));
  const tied: Less = (_, a, b) => i64.ltU(keyOf(a), keyOf(b));
  m.export('byKey', emitSortByKey(m, 'byKey', 8, { less: tied }));
  m.export('radix', emitRadixSort(m, 8));
  const offer = emitTopK(m, 'offer', less);
  m.func('top', { params: { k: 'i32' }, results: ['i32'], export: true }, (f) => {
    const row = f.local('i32', 'row');
    const kept = f.local('i32', 'kept');
    const options = { step: rowBytes, unsigned: true };
    f.for(
      row,
      rowsAt,
      rowsAt + rows * rowBytes,
      () => {
        const answer = offer.call(arrayAt, kept, f.param.k, row);
        f.set(kept, i32.add(kept, i32.eqz(answer)));
      },
      options,
    );
    f.return(kept);
  });
  return new WebAssembly.Instance(new WebAssembly.Module(m.toBytes())).exports as never;
}

/** The rows of the bench, and the ways to sort them. */
class Sorting {
  readonly #kernels: Kernels;
  readonly #view: DataView;
  readonly #array: Uint32Array;
  #keys = new BigUint64Array(rows);

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
    this.#view = new DataView(kernels.memory.buffer);
    this.#array = new Uint32Array(kernels.memory.buffer, arrayAt, rows);
  }

  fill(key: (i: number) => bigint): void {
    this.#keys = BigUint64Array.from({ length: rows }, (_, i) => key(i));
    this.#keys.forEach((key, i) => {
      this.#view.setBigUint64(rowsAt + i * rowBytes, key, true);
      this.#view.setUint32(rowsAt + i * rowBytes + payloadAt, i, true);
    });
  }

  /** Times only the sorting, and checks the order of what it gives. */
  #program(
    name: string,
    prepare: () => void,
    sort: () => void,
    keyAt: (i: number) => bigint,
  ): Program {
    const run = () => {
      prepare();
      const start = performance.now();
      sort();
      const time = performance.now() - start;
      for (let i = 1; i < rows; i += 997) {
        if (keyAt(i - 1) > keyAt(i)) throw new Error('not in order');
      }
      return time;
    };
    return { name, run };
  }

  programs(): Program[] {
    const view = this.#view;
    const array = this.#array;
    const keys = this.#keys;
    const { inline, called, radix, byKey } = this.#kernels;
    const pointers = () => {
      for (let i = 0; i < rows; i++) array[i] = rowsAt + i * rowBytes;
    };
    const entries = () =>
      new Uint8Array(view.buffer).copyWithin(arrayAt, rowsAt, rowsAt + rows * entryBytes[8]);
    const entryKey = (i: number) => view.getBigUint64(arrayAt + i * rowBytes, true);
    const rowKey = (i: number) => view.getBigUint64(array[i], true);
    const args = [arrayAt, rows, scratchAt] as const;
    let copy = keys;
    const copyKeys = () => {
      copy = keys.slice();
    };
    return [
      this.#program('radix sort of keys', entries, () => radix(...args), entryKey),
      this.#program(
        'radix sort, ties compared',
        entries,
        () => byKey(...args, arrayAt),
        (i) => keys[array[i]],
      ),
      this.#program('merge sort of addresses', pointers, () => inline(...args), rowKey),
      this.#program('the same, comparison called', pointers, () => called(...args), rowKey),
      this.#program(
        'BigUint64Array.sort, keys alone',
        copyKeys,
        () => copy.sort(),
        (i) => copy[i],
      ),
    ];
  }
}

export async function run({ measure, note }: SuiteContext): Promise<void> {
  const kernels = compile();
  const sorting = new Sorting(kernels);
  const random = new Random(1);
  const shapes: [string, (i: number) => bigint][] = [
    ['random keys of 64 bits', () => random.u64()],
    ['random keys of 24 bits', () => random.u64() & 0xffffffn],
    ['keys in order', (i) => BigInt(i)],
  ];
  const amount = { value: rows, unit: 'rows' };
  for (const [shape, key] of shapes) {
    sorting.fill(key);
    await measure({ name: shape, amount, programs: sorting.programs() });
  }
  sorting.fill(() => random.u64());
  for (const k of [10, 1000]) {
    const program = {
      name: 'quern',
      run() {
        if (kernels.top(k) !== k) throw new Error('not enough');
      },
    };
    await measure({ name: `the first ${k}, random keys`, amount, programs: [program] });
  }
  note('rows have 16 bytes; the addresses are in the order of the rows at first');
}
