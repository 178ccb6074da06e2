import type { BatchStream } from '../value/batch.ts';
import type { SourceCall } from './sources.ts';

/** Something to CALL that makes tables. */
export interface Procedure {
  readonly name: string;
  run(call: SourceCall, target: ProcedureTarget): Promise<void>;
}

/** What a procedure may do to the database. */
export interface ProcedureTarget {
  /** Threads that the session may use. */
  readonly threads: number;
  /** Makes a table and fills it; fails if there is one of that name, unless it may be replaced. */
  createTable(name: string, stream: BatchStream, options?: CreateTableOptions): Promise<void>;
}

export interface CreateTableOptions {
  readonly replace?: boolean;
  /** Ordinals of the primary key. */
  readonly primaryKey?: readonly number[];
}
