import { Random } from '../src/base/random.ts';
import type { SuiteContext } from '../src/bench/suite.ts';
import {
  addToWide,
  emitWideMultiply,
  wideFromI64,
  wideLocal,
} from '../src/compile/kernels/wide.ts';
import { emitWideDivideRounded } from '../src/compile/kernels/wide-divide.ts';
import { emitWideToText } from '../src/compile/kernels/wide-text.ts';
import { type FunctionBuilder, i32, i64, type Local, ModuleBuilder } from '../src/wasm/index.ts';

export const name = 'kernels-wide';
export const description = 'arithmetic of 128-bit decimals, a million values a run';

const count = 1_000_000;
const valuesAt = 1024;

type Kernel = 'sumI64' | 'sum' | 'multiply' | 'divide' | 'text';

function compile() {
  const m = new ModuleBuilder({ name: 'bench' });
  m.defineMemory({ min: Math.ceil((valuesAt + count * 8) / 65536), export: 'memory' });
  const multiply = emitWideMultiply(m);
  const divide = emitWideDivideRounded(m);
  const text = emitWideToText(m);
  /** A loop over 64-bit values that ends with a checksum. */
  const loop = (kernel: Kernel, body: (f: FunctionBuilder, value: Local, sum: Local) => void) =>
    m.func(kernel, { results: ['i64'], export: true }, (f) => {
      const at = f.local('i32', 'at');
      const value = f.local('i64', 'value');
      const sum = f.local('i64', 'sum');
      f.for(
        at,
        valuesAt,
        valuesAt + count * 8,
        () => {
          f.set(value, i64.load(at));
          body(f, value, sum);
        },
        { step: 8 },
      );
      f.return(sum);
    });
  loop('sumI64', (f, value, sum) => f.set(sum, i64.add(sum, value)));
  loop('sum', (f, value, sum) => {
    // The loop is built once, so this is one variable outside of it.
    addToWide(f, { lo: sum, hi: f.local('i64', 'high') }, wideFromI64(value));
  });
  loop('multiply', (f, value, sum) => {
    const product = wideLocal(f, 'product');
    const overflow = f.local('i32', 'overflow');
    const call = multiply.callMulti(value, i64.shrS(value, 63), i64.or(value, 1), 12345);
    f.setMulti([product.lo, product.hi, overflow], call);
    f.set(sum, i64.add(sum, i64.xor(product.lo, product.hi)));
  });
  loop('divide', (f, value, sum) => {
    const quotient = wideLocal(f, 'quotient');
    f.setMulti([quotient.lo, quotient.hi], divide.callMulti(value, i64.shrS(value, 40), 10000, 0));
    f.set(sum, i64.add(sum, i64.xor(quotient.lo, quotient.hi)));
  });
  loop('text', (f, value, sum) => {
    const length = text.call(value, i64.shrS(value, 63), 2, 64);
    f.set(sum, i64.add(sum, i64.extendI32U(i32.add(length, i32.load8U(64)))));
  });
  return new WebAssembly.Instance(new WebAssembly.Module(m.toBytes())).exports as Record<
    Kernel,
    () => bigint
  > & { memory: WebAssembly.Memory };
}

export async function run({ measure }: SuiteContext): Promise<void> {
  const kernels = compile();
  const random = new Random(1);
  const values = new BigInt64Array(kernels.memory.buffer, valuesAt, count);
  for (let i = 0; i < count; i++) values[i] = BigInt.asIntN(64, random.u64()) >> 20n;
  const sums = () => values.reduce((sum, value) => sum + value, 0n);
  const total = sums();
  const names: [Kernel, string][] = [
    ['sumI64', 'sum, 64 bits for comparison'],
    ['sum', 'sum of 64-bit values in 128 bits'],
    ['multiply', 'product with overflow check'],
    ['divide', 'quotient of 88 bits by 10000, rounded'],
    ['text', 'decimal to text'],
  ];
  for (const [kernel, name] of names) {
    const programs = [
      {
        name: 'quern',
        run() {
          const answer = kernels[kernel]();
          const isSum = kernel === 'sum' || kernel === 'sumI64';
          if (isSum && answer !== BigInt.asIntN(64, total)) throw new Error('wrong sum');
        },
      },
    ];
    if (kernel === 'sum') programs.push({ name: 'bigint', run: () => void sums() });
    await measure({ name, amount: { value: count, unit: 'values' }, programs });
  }
}
