import { type Func, ModuleBuilder } from '../../src/wasm/index.ts';

export type Kernel = (...args: (number | bigint)[]) => never;

/** A module with some kernels, instantiated over a memory of its own. */
export interface Harness<N extends string> {
  readonly memory: Uint8Array;
  readonly call: Readonly<Record<N, Kernel>>;
}

/** Emits the kernels and exports them under their keys. The memory has `pages` of 64 KiB. */
export function harness<N extends string>(
  emit: (m: ModuleBuilder) => Readonly<Record<N, Func>>,
  pages = 16,
): Harness<N> {
  const m = new ModuleBuilder({ name: 'kernels' });
  m.defineMemory({ min: pages, export: 'memory' });
  for (const [name, func] of Object.entries<Func>(emit(m))) m.export(name, func);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(m.toBytes()));
  const { buffer } = exports.memory as WebAssembly.Memory;
  return { memory: new Uint8Array(buffer), call: exports as never };
}

const encoder = new TextEncoder();

/** Writes UTF-8 at `address` and answers the length in bytes. */
export function write(memory: Uint8Array, address: number, text: string): number {
  const bytes = encoder.encode(text);
  memory.set(bytes, address);
  return bytes.length;
}
