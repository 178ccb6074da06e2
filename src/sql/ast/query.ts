import type { Call, Expression, WindowSpecification } from './expression.ts';
import type { Identifier, Node, QualifiedName } from './node.ts';
import type { DataChange } from './statement.ts';

/** A body with what may stand before and after it: WITH, ORDER BY, LIMIT. */
export interface Query extends Node {
  readonly kind: 'query';
  readonly with: With | undefined;
  readonly body: QueryBody;
  readonly orderBy: readonly OrderItem[];
  /** ORDER BY ALL: by every column, from left to right. */
  readonly orderByAll: OrderDirection | undefined;
  readonly limit: Limit | undefined;
  readonly offset: Expression | undefined;
}

/** A nested query is one in parentheses that has clauses of its own. */
export type QueryBody = Select | SetOperation | Values | Query;

export interface With extends Node {
  readonly kind: 'with';
  readonly recursive: boolean;
  readonly tables: readonly CommonTable[];
}

export interface CommonTable extends Node {
  readonly kind: 'commonTable';
  readonly name: Identifier;
  readonly columns: readonly Identifier[];
  readonly materialized: boolean | undefined;
  readonly query: Query | DataChange;
}

export interface OrderDirection {
  readonly descending: boolean;
  /** undefined: the default, which is NULLS LAST in both directions, as in DuckDB. */
  readonly nullsFirst: boolean | undefined;
}

export interface OrderItem extends Node, OrderDirection {
  readonly kind: 'orderItem';
  readonly value: Expression;
}

export interface Limit extends Node {
  readonly kind: 'limit';
  /** undefined for LIMIT ALL. */
  readonly count: Expression | undefined;
  readonly percent: boolean;
  /** FETCH FIRST n ROWS WITH TIES. */
  readonly withTies: boolean;
}

export interface SetOperation extends Node {
  readonly kind: 'setOperation';
  readonly operator: 'UNION' | 'INTERSECT' | 'EXCEPT';
  readonly all: boolean;
  readonly byName: boolean;
  readonly left: QueryBody;
  readonly right: QueryBody;
}

export interface Values extends Node {
  readonly kind: 'values';
  readonly rows: readonly (readonly Expression[])[];
}

export interface Select extends Node {
  readonly kind: 'select';
  readonly distinct: boolean;
  /** The expressions of DISTINCT ON; empty for plain DISTINCT. */
  readonly distinctOn: readonly Expression[];
  readonly items: readonly SelectItem[];
  /** The tables between the commas of FROM. */
  readonly from: readonly TableExpression[];
  readonly where: Expression | undefined;
  readonly groupBy: GroupBy | undefined;
  readonly having: Expression | undefined;
  readonly windows: readonly NamedWindow[];
  readonly qualify: Expression | undefined;
  /** USING SAMPLE after the other clauses. */
  readonly sample: Sample | undefined;
}

export interface SelectItem extends Node {
  readonly kind: 'selectItem';
  readonly value: Expression;
  readonly alias: Identifier | undefined;
}

export interface NamedWindow {
  readonly name: Identifier;
  readonly window: WindowSpecification;
}

export interface GroupBy extends Node {
  readonly kind: 'groupBy';
  /** GROUP BY ALL: by every select item without an aggregate. */
  readonly all: boolean;
  readonly elements: readonly GroupElement[];
}

export type GroupElement = Expression | GroupingSets;

export interface GroupingSets extends Node {
  readonly kind: 'groupingSets';
  readonly form: 'GROUPING SETS' | 'CUBE' | 'ROLLUP';
  /** Each is an expression, a row `(a, b)` or, within GROUPING SETS, another set. */
  readonly sets: readonly GroupElement[];
}

export type TableExpression = TableName | TableFile | TableFunction | DerivedTable | Join;

export interface TableAlias {
  readonly name: Identifier;
  readonly columns: readonly Identifier[];
}

export interface TableName extends Node {
  readonly kind: 'tableName';
  readonly name: QualifiedName;
  readonly alias: TableAlias | undefined;
  readonly sample: Sample | undefined;
}

/** `FROM 'orders.csv'`. */
export interface TableFile extends Node {
  readonly kind: 'tableFile';
  readonly path: string;
  readonly alias: TableAlias | undefined;
  readonly sample: Sample | undefined;
}

export interface TableFunction extends Node {
  readonly kind: 'tableFunction';
  readonly call: Call;
  readonly lateral: boolean;
  readonly withOrdinality: boolean;
  readonly alias: TableAlias | undefined;
  readonly sample: Sample | undefined;
}

export interface DerivedTable extends Node {
  readonly kind: 'derivedTable';
  readonly query: Query;
  readonly lateral: boolean;
  readonly alias: TableAlias | undefined;
  readonly sample: Sample | undefined;
}

export type JoinType =
  | 'INNER'
  | 'LEFT'
  | 'RIGHT'
  | 'FULL'
  | 'CROSS'
  | 'SEMI'
  | 'ANTI'
  | 'POSITIONAL';

export interface Join extends Node {
  readonly kind: 'join';
  readonly type: JoinType;
  readonly natural: boolean;
  /** ASOF: the last match by the one inequality of the condition. */
  readonly asof: boolean;
  readonly left: TableExpression;
  readonly right: TableExpression;
  readonly on: Expression | undefined;
  readonly using: readonly Identifier[];
  /** For `(a JOIN b ON …) AS c`. */
  readonly alias: TableAlias | undefined;
}

export interface Sample extends Node {
  readonly kind: 'sample';
  readonly method: 'BERNOULLI' | 'SYSTEM' | 'RESERVOIR' | undefined;
  readonly size: number;
  readonly unit: 'PERCENT' | 'ROWS';
  readonly seed: number | undefined;
}

/** `SELECT items FROM from`, and nothing else. */
export function plainQuery(
  items: readonly SelectItem[],
  from: TableExpression,
  span: Node['span'],
): Query {
  const body: Select = {
    kind: 'select',
    span,
    distinct: false,
    distinctOn: [],
    items,
    from: [from],
    where: undefined,
    groupBy: undefined,
    having: undefined,
    windows: [],
    qualify: undefined,
    sample: undefined,
  };
  return {
    kind: 'query',
    span,
    with: undefined,
    body,
    orderBy: [],
    orderByAll: undefined,
    limit: undefined,
    offset: undefined,
  };
}
