/**
 * `quern/wasm`: a typed assembler for WebAssembly. Build a module with {@link ModuleBuilder}, its
 * expressions with the namespaces named after types; README.md in this folder has an example.
 */

export type { EncodeOptions } from './encode.ts';
export type { Func, Global, Label, Local, Memory, MultiExpr, Segment, Table } from './entities.ts';
export { AssemblerError } from './error.ts';
export type { Effect, Expr, Operand } from './expr.ts';
export type { FunctionBuilder, LoopLabels, Params, Slot } from './function.ts';
export { atomic, f32, f64, i32, i64, memory, ref } from './instructions.ts';
export {
  type Declared,
  type Entity,
  type FuncOptions,
  type MemoryOptions,
  ModuleBuilder,
} from './module.ts';
export { isPlain } from './plain.ts';
export type { Suspension } from './suspension.ts';
export { suspensionState } from './suspension-state.ts';
export type { FuncType, Limits, ValueType } from './types.ts';
export { f32x4, f64x2, i8x16, i16x8, i32x4, i64x2, v128 } from './vectors.ts';
