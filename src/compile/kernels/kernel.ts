/**
 * Kernels: library routines written with the assembler. Each is a function `emitX(m, …)` that adds
 * the routine to a module once, however often it is asked for, and answers the function to call.
 */
import type { Func, ModuleBuilder } from '../../wasm/index.ts';

const emitted = new WeakMap<ModuleBuilder, Map<string, unknown>>();

/** What `emit` added to `m` under `name`, now or before: a function, or several. */
export function once<K = Func>(m: ModuleBuilder, name: string, emit: (name: string) => K): K {
  let kernels = emitted.get(m);
  if (kernels === undefined) emitted.set(m, (kernels = new Map()));
  const known = kernels.get(name) as K | undefined;
  if (known !== undefined) return known;
  const kernel = emit(name);
  kernels.set(name, kernel);
  return kernel;
}
