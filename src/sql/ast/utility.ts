import type { Call, Expression } from './expression.ts';
import type { Identifier, Node, QualifiedName } from './node.ts';
import type { Query } from './query.ts';
import type { Statement } from './statement.ts';
import type { TypeName } from './type-name.ts';

/** `name value`, `name = value` or a bare `name`, as COPY, EXPLAIN and ATTACH have them. */
export interface Option extends Node {
  readonly kind: 'option';
  /** Lower case. */
  readonly name: string;
  /** undefined when only the name is given, which means true. */
  readonly value: Expression | undefined;
}

export interface Copy extends Node {
  readonly kind: 'copy';
  readonly direction: 'FROM' | 'TO';
  /** The table, or undefined for COPY (query) TO. */
  readonly table: QualifiedName | undefined;
  readonly columns: readonly Identifier[];
  readonly query: Query | undefined;
  /** A path, or STDIN or STDOUT by `stream`. */
  readonly path: Expression | undefined;
  readonly stream: boolean;
  readonly options: readonly Option[];
}

export interface CallStatement extends Node {
  readonly kind: 'callStatement';
  readonly call: Call;
}

export interface Explain extends Node {
  readonly kind: 'explain';
  readonly analyze: boolean;
  readonly options: readonly Option[];
  readonly statement: Statement;
}

export interface Prepare extends Node {
  readonly kind: 'prepare';
  readonly name: Identifier;
  readonly types: readonly TypeName[];
  readonly statement: Statement;
}

export interface Execute extends Node {
  readonly kind: 'execute';
  readonly name: Identifier;
  readonly arguments: readonly { name: Identifier | undefined; value: Expression }[];
}

export interface Deallocate extends Node {
  readonly kind: 'deallocate';
  /** undefined for DEALLOCATE ALL. */
  readonly name: Identifier | undefined;
}

export interface TransactionControl extends Node {
  readonly kind: 'transaction';
  readonly action: 'BEGIN' | 'COMMIT' | 'ROLLBACK';
  readonly readOnly: boolean | undefined;
}

/** SET name = value; several values as in `SET search_path = a, b`. */
export interface SetVariable extends Node {
  readonly kind: 'setVariable';
  readonly scope: 'SESSION' | 'LOCAL' | 'GLOBAL' | undefined;
  /** Lower case, dots included. */
  readonly name: string;
  readonly values: readonly Expression[];
}

export interface Reset extends Node {
  readonly kind: 'reset';
  /** Lower case; undefined for RESET ALL. */
  readonly name: string | undefined;
}

/** SHOW name, SHOW TABLES, SHOW ALL; the name in lower case. */
export interface Show extends Node {
  readonly kind: 'show';
  readonly name: string;
}

export interface Pragma extends Node {
  readonly kind: 'pragma';
  readonly name: string;
  readonly value: Expression | undefined;
  readonly arguments: readonly Expression[];
}

export interface Describe extends Node {
  readonly kind: 'describe';
  readonly query: Query;
}

export interface Summarize extends Node {
  readonly kind: 'summarize';
  readonly query: Query;
}

export interface Attach extends Node {
  readonly kind: 'attach';
  readonly path: string;
  readonly name: Identifier | undefined;
  readonly ifNotExists: boolean;
  readonly options: readonly Option[];
}

export interface Detach extends Node {
  readonly kind: 'detach';
  readonly name: Identifier;
  readonly ifExists: boolean;
}

export interface Use extends Node {
  readonly kind: 'use';
  readonly name: QualifiedName;
}

/** ANALYZE [table]: gather statistics anew. */
export interface Analyze extends Node {
  readonly kind: 'analyze';
  readonly table: QualifiedName | undefined;
}

export interface Checkpoint extends Node {
  readonly kind: 'checkpoint';
}
