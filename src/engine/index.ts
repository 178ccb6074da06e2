/** The engine without the side layers; `quern` itself is put together in `src/main`. */

export type { Progress } from '../run/calling-thread.ts';
export { Database, type PreparedStatement } from './database.ts';
export type { ValueForm } from './js-values.ts';
export { type Extension, openDatabase } from './open.ts';
export type { OpenOptions, Parameters, QueryOptions } from './options.ts';
export type { CreateTableOptions, Procedure, ProcedureTarget } from './procedures.ts';
export { Result, type ResultColumnInfo } from './result.ts';
export {
  booleanArgument,
  checkArguments,
  numberArgument,
  textArgument,
} from './source-arguments.ts';
export type { SourceCall, TableFunction } from './sources.ts';
