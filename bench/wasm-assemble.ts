import type { SuiteContext } from '../src/bench/suite.ts';
import { type Expr, i32, i64, ModuleBuilder } from '../src/wasm/index.ts';

export const name = 'wasm-assemble';
export const description = 'building and writing a WebAssembly module of the size of a query';

/** Four scans that filter and aggregate: some 1.7 kB, as one query gives. */
function buildModule(): ModuleBuilder {
  const module = new ModuleBuilder({ name: 'query' });
  module.importMemory('env', 'memory', { min: 1, max: 4, shared: true });
  for (let k = 0; k < 4; k++) buildScan(module, `scan${k}`);
  return module;
}

/**
 * How many instructions a module has: parentheses of its text that open no part of another kind.
 */
function countInstructions(module: ModuleBuilder): number {
  const instruction = /\((?!module|import|export|memory|func|param|result|local \$|then|else)/g;
  return module.toText().match(instruction)!.length;
}

function buildScan(module: ModuleBuilder, name: string): void {
  const params = { base: 'i32', count: 'i32', state: 'i32' } as const;
  module.func(name, { params, results: ['i64'], export: true }, (f) => {
    const { base, count, state } = f.param;
    const i = f.local('i32', 'i');
    const address = f.local('i32', 'address');
    const sum = f.local('i64', 'sum');
    const quantity = f.local('i64', 'quantity');
    const discount = f.local('i64', 'discount');
    f.for(i, 0, count, (loop) => {
      f.set(address, i32.add(base, i32.shl(i, 3)));
      f.set(quantity, i64.load32U(address, 1024));
      f.set(discount, i64.load8U(address, 2048));
      f.brIf(loop.continue, i32.or(i64.ltU(discount, 5), i64.gtU(discount, 7)));
      f.if(i64.ltU(quantity, 2400), () => {
        f.set(sum, i64.add(sum, i64.mul(quantity, i64.add(100, discount))));
        const group = i32.wrapI64(i64.and(discount, 15));
        for (let j = 0; j < 6; j++) accumulate(i32.add(state, i32.shl(group, 6)), j * 8);
      });
      f.do(i32.store8(i32.add(state, i), i32.wrapI64(sum), 4096));
    });
    f.return(sum);

    function accumulate(group: Expr, offset: number): void {
      const price = i64.mul(quantity, i64.sub(100, discount));
      f.do(i64.store(group, i64.add(i64.load(group, offset), price), offset));
    }
  });
}

export async function run({ measure, note }: SuiteContext): Promise<void> {
  const module = buildModule();
  const bytes = module.toBytes();
  const nodes = countInstructions(module);
  note(`the module has ${nodes} instructions in ${bytes.length} bytes, names included`);
  const repeats = 200;
  await measure({
    name: `build and write, ${repeats} times`,
    amount: { value: repeats * nodes, unit: 'nodes' },
    warmups: 10,
    programs: [
      {
        name: 'quern',
        run() {
          for (let i = 0; i < repeats; i++) {
            if (buildModule().toBytes().length !== bytes.length) throw new Error('size');
          }
        },
      },
    ],
  });
  await measure({
    name: `write alone, ${repeats} times`,
    amount: { value: repeats * nodes, unit: 'nodes' },
    warmups: 10,
    programs: [
      {
        name: 'quern',
        run() {
          for (let i = 0; i < repeats; i++) module.toBytes();
        },
      },
    ],
  });
}
