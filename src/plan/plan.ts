import type { TableEntry } from '../catalog/catalog.ts';
import type { AggregateCall, Column, Expression, SortKey } from './expression.ts';

/**
 * The logical algebra. Nodes are immutable; what a node produces is `columns` (in order, for the
 * root that is the result). Binding makes a plan, optimizing rewrites it, compiling reads it.
 */
export type Plan =
  | Scan
  | TableFunction
  | Values
  | Filter
  | Project
  | Join
  | Aggregate
  | Window
  | Sort
  | Limit
  | SetOperation
  | With
  | WithReference
  | Recursive;

interface Node {
  readonly columns: readonly Column[];
  /** Estimated rows, set by the optimizer. */
  readonly estimate?: number;
}

/** Reads `columns[i]` from the table's column `ordinals[i]`; only rows that pass all `filters`. */
export interface Scan extends Node {
  readonly kind: 'scan';
  readonly table: TableEntry;
  readonly ordinals: readonly number[];
  readonly filters: readonly Expression[];
}

/** A source with arguments: range, a generator, a file. Its batches come from outside. */
export interface TableFunction extends Node {
  readonly kind: 'tableFunction';
  readonly name: string;
  readonly args: readonly Expression[];
  readonly named: ReadonlyMap<string, Expression>;
}

/** Constant rows; one row of no columns is what SELECT without FROM reads. */
export interface Values extends Node {
  readonly kind: 'values';
  readonly rows: readonly (readonly Expression[])[];
}

export interface Filter extends Node {
  readonly kind: 'filter';
  readonly input: Plan;
  readonly predicate: Expression;
}

/** Produces `columns[i]` = `expressions[i]`; passing a column on keeps its identity. */
export interface Project extends Node {
  readonly kind: 'project';
  readonly input: Plan;
  readonly expressions: readonly Expression[];
}

/**
 * - `inner`, `left`, `right`, `full`: columns of left, then right (nullable where the outer side
 *   may be missing: those are the same columns, with `nullable` set by the consumer of the join).
 * - `semi`, `anti`: the rows of left with, without a match; columns of left.
 * - `mark`: every row of left plus `mark`, a boolean: TRUE with a match; NULL if there is none, but
 *   for some row the condition is NULL; FALSE otherwise. A mark that is not nullable is FALSE
 *   instead of NULL. IN under OR and NOT IN become this.
 * - `single`: as left, but more than one match is an error (scalar subqueries).
 * `dependent`: right refers to columns of left; only before unnesting.
 */
export interface Join extends Node {
  readonly kind: 'join';
  readonly type: JoinType;
  readonly left: Plan;
  readonly right: Plan;
  /** Undefined for a cross product. */
  readonly condition: Expression | undefined;
  readonly mark: Column | undefined;
  readonly dependent: boolean;
}

export type JoinType = 'inner' | 'left' | 'right' | 'full' | 'semi' | 'anti' | 'mark' | 'single';

/** Columns: the groups, then the aggregates. No groups: one row always. */
export interface Aggregate extends Node {
  readonly kind: 'aggregate';
  readonly input: Plan;
  readonly groups: readonly Expression[];
  readonly aggregates: readonly AggregateCall[];
  /** Indexes into `groups` for each grouping set; undefined: one set of all. */
  readonly groupingSets: readonly (readonly number[])[] | undefined;
}

/**
 * Window functions over one order of the rows: windows that need several orders are several nodes.
 * Columns: those of the input, then one for each call.
 */
export interface Window extends Node {
  readonly kind: 'window';
  readonly input: Plan;
  readonly partition: readonly Expression[];
  readonly order: readonly SortKey[];
  readonly calls: readonly WindowCall[];
}

export interface WindowCall {
  /** An aggregate, or a function that only windows have. */
  readonly call: AggregateCall;
  /** How many keys of the order are the call's own: rows that agree in them are its peers. */
  readonly keys: number;
  /**
   * Undefined: from the start to the last peer, or all of the partition if the call has no order.
   */
  readonly frame: WindowFrame | undefined;
  readonly ignoreNulls: boolean;
}

export interface WindowFrame {
  readonly unit: 'rows' | 'range' | 'groups';
  readonly start: FrameBound;
  readonly end: FrameBound;
  readonly exclude: 'none' | 'currentRow' | 'group' | 'ties';
}

/**
 * `offset`: of ROWS and GROUPS how many, a BIGINT; of RANGE the value of the bound itself, the
 * first order key plus or minus the distance, of that key's type.
 */
export type FrameBound =
  | { readonly kind: 'unboundedPreceding' | 'currentRow' | 'unboundedFollowing' }
  | { readonly kind: 'preceding' | 'following'; readonly offset: Expression };

export interface Sort extends Node {
  readonly kind: 'sort';
  readonly input: Plan;
  readonly keys: readonly SortKey[];
}

/** LIMIT and OFFSET; constant or parameter expressions of type BIGINT. */
export interface Limit extends Node {
  readonly kind: 'limit';
  readonly input: Plan;
  readonly limit: Expression | undefined;
  readonly offset: Expression | undefined;
}

/** Both inputs have columns of the same types in the same order; `columns` are new ones. */
export interface SetOperation extends Node {
  readonly kind: 'setOperation';
  readonly operation: 'union' | 'intersect' | 'except';
  readonly all: boolean;
  readonly left: Plan;
  readonly right: Plan;
}

/** `definition` is computed once; `body` reads it through {@link WithReference}s of the same id. */
export interface With extends Node {
  readonly kind: 'with';
  readonly id: number;
  readonly name: string;
  readonly definition: Plan;
  readonly body: Plan;
}

/** Produces new columns, one for each column of the definition, in order. */
export interface WithReference extends Node {
  readonly kind: 'withReference';
  readonly id: number;
  readonly name: string;
  /** Ids of columns in each of which no two rows agree. */
  readonly unique?: readonly number[];
  /** A bound on the rows that there are. */
  readonly rowsMax?: bigint;
}

/**
 * A recursive common table: the rows of `initial`, then those that `step` gives of the rows that
 * were added last, until it gives none. `step` reads these through {@link WithReference}s of the
 * same id. Without `all`, only rows that were not there yet are added. `columns` are new ones of
 * the types of both inputs.
 */
export interface Recursive extends Node {
  readonly kind: 'recursive';
  readonly id: number;
  readonly name: string;
  readonly all: boolean;
  readonly initial: Plan;
  readonly step: Plan;
}

/** The inputs of a node, left to right. */
export function inputs(plan: Plan): readonly Plan[] {
  switch (plan.kind) {
    case 'scan':
    case 'tableFunction':
    case 'values':
    case 'withReference':
      return [];
    case 'filter':
    case 'project':
    case 'aggregate':
    case 'window':
    case 'sort':
    case 'limit':
      return [plan.input];
    case 'join':
    case 'setOperation':
      return [plan.left, plan.right];
    case 'with':
      return [plan.definition, plan.body];
    case 'recursive':
      return [plan.initial, plan.step];
  }
}
