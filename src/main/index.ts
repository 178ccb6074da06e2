/** `quern`: a SQL database inside the program that imports it. */
import { type Database, type OpenOptions, openDatabase } from '../engine/index.ts';
import { tpchExtension } from './tpch.ts';

export { QuernError } from '../base/error.ts';
export {
  Database,
  type OpenOptions,
  type Parameters,
  type PreparedStatement,
  type QueryOptions,
  Result,
  type ResultColumnInfo,
  type ValueForm,
} from '../engine/index.ts';

/** Opens a database in memory; files come later. */
export function open(path?: string, options: OpenOptions = {}): Promise<Database> {
  return openDatabase(path, options, [tpchExtension]);
}
