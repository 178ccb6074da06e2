import { QuernError, sqlState } from '../../base/error.ts';
import type { TableEntry, ViewEntry } from '../../catalog/catalog.ts';
import { makeJoin } from '../../plan/build.ts';
import { emptyEnvironment, evaluate } from '../../plan/evaluate.ts';
import {
  type ConstantExpression,
  call,
  columnRef,
  conjunction,
  constant,
  type Expression,
} from '../../plan/expression.ts';
import type { JoinType, Plan } from '../../plan/plan.ts';
import type { Call } from '../../sql/ast/expression.ts';
import type { Identifier, QualifiedName, Span } from '../../sql/ast/node.ts';
import { nameText } from '../../sql/ast/node.ts';
import type {
  DerivedTable,
  Join,
  TableAlias,
  TableExpression,
  TableFile,
  TableFunction,
  TableName,
} from '../../sql/ast/query.ts';
import { parseSingle } from '../../sql/parse.ts';
import { varcharType } from '../../value/type.ts';
import { BindError, didYouMean, locate, notSupported, withText } from '../error.ts';
import { compare } from '../expression/arithmetic.ts';
import type { CommonTables } from '../expression/binder.ts';
import { bindCondition, bindExpression } from '../expression/expression.ts';
import { findColumn, Scope, type ScopeColumn, sameName, tableColumns } from '../scope.ts';
import { castTo } from '../types/cast.ts';
import { bindQuery, constantPlace, type QueryPlace, renameColumns } from './query.ts';
import { bindSystemTable } from './system-tables.ts';

/** A table of FROM: its plan, and the names it brings. */
export interface Source {
  readonly plan: Plan;
  readonly columns: readonly ScopeColumn[];
}

/** All tables of FROM, crossed; without any, one row of no columns. */
export function bindFrom(place: QueryPlace, tables: readonly TableExpression[]): Source {
  let source: Source | undefined;
  for (const table of tables) {
    const next = bindTable(place, table, source?.columns ?? []);
    if (source !== undefined) checkAlias(source.columns, next.columns, table.span);
    source = source === undefined ? next : cross(source, next);
  }
  return source ?? { plan: { kind: 'values', rows: [[]], columns: [] }, columns: [] };
}

function cross(left: Source, right: Source): Source {
  const plan = makeJoin('inner', left.plan, right.plan, undefined);
  return { plan, columns: [...left.columns, ...right.columns] };
}

function checkAlias(left: readonly ScopeColumn[], right: readonly ScopeColumn[], span: Span): void {
  const known = new Set(left.map((column) => column.table?.toLowerCase()));
  const double = right.find(
    (column) => column.table !== undefined && known.has(column.table.toLowerCase()),
  );
  if (double === undefined) return;
  throw new BindError(
    '42712',
    `the name "${double.table}" is used for two tables`,
    span,
    'give one of them an alias',
  );
}

/** `lateral`: names of the tables to the left, for LATERAL and for functions. */
function bindTable(
  place: QueryPlace,
  table: TableExpression,
  lateral: readonly ScopeColumn[],
): Source {
  if (table.kind !== 'join' && table.sample !== undefined) {
    notSupported('TABLESAMPLE', table.sample.span);
  }
  switch (table.kind) {
    case 'tableName':
      return bindTableName(place, table);
    case 'tableFile':
      return bindFile(place, table);
    case 'tableFunction':
      return bindTableFunction(place, table);
    case 'derivedTable':
      return bindDerived(place, table, lateral);
    case 'join':
      return bindJoin(place, table, lateral);
  }
}

function bindTableName(place: QueryPlace, node: TableName): Source {
  const parts = node.name.parts;
  const name = parts[parts.length - 1].name;
  const entry = parts.length === 1 ? findCommonTable(place.commonTables, name) : undefined;
  if (entry !== undefined) return named(entry.reference(), name, node.alias);
  const system = bindSystemTable(place.context, node.name, (view) => viewColumns(place, view));
  if (system !== undefined) return named(system, name, node.alias);
  checkSchema(node.name);
  const { catalog } = place.context;
  const table = catalog.table(name);
  if (table !== undefined) return named(scanTable(place, table), table.name, node.alias);
  const view = catalog.view(name);
  if (view !== undefined) return named(bindView(place, view, node.span), view.name, node.alias);
  const fileFunction = place.context.sources?.fileFunction(name);
  if (fileFunction !== undefined && parts[0].quoted) {
    return fileSource(place, fileFunction, name, node.alias, node.span);
  }
  throw new BindError(
    sqlState.undefinedTable,
    `there is no table "${nameText(node.name)}"`,
    node.name.span,
    didYouMean(name, [...catalog.names(), ...commonTableNames(place.commonTables)]),
  );
}

/** The columns of a view; none if a table that it names is there no more. */
function viewColumns(place: QueryPlace, name: string): Plan['columns'] {
  const view = place.context.catalog.view(name);
  if (view === undefined) return [];
  try {
    return bindView(place, view, { start: 0, end: 0 }).columns;
  } catch (error) {
    if (error instanceof BindError || error instanceof QuernError) return [];
    throw error;
  }
}

function findCommonTable(
  tables: CommonTables | undefined,
  name: string,
): CommonTables['entry'] | undefined {
  for (let at = tables; at !== undefined; at = at.outer) {
    if (sameName(at.entry.name, name)) return at.entry;
  }
  return undefined;
}

function* commonTableNames(tables: CommonTables | undefined): Generator<string> {
  for (let at = tables; at !== undefined; at = at.outer) yield at.entry.name;
}

/** The only schema is called main. */
export function checkSchema(name: QualifiedName): void {
  if (name.parts.length === 1) return;
  const schema = name.parts[name.parts.length - 2];
  if (name.parts.length > 2) notSupported('the name of a database', name.parts[0].span);
  if (sameName('main', schema.name)) return;
  throw new BindError('3F000', `there is no schema "${schema.name}"`, schema.span);
}

function scanTable(place: QueryPlace, table: TableEntry): Plan {
  const columns = table.columns.map((column) =>
    place.context.column(column.name, column.type, !column.notNull),
  );
  const ordinals = table.columns.map((_, i) => i);
  return { kind: 'scan', table, ordinals, filters: [], columns };
}

function bindView(place: QueryPlace, view: ViewEntry, span: Span): Plan {
  const { context } = place;
  const key = view.name.toLowerCase();
  if (context.views.includes(key)) {
    throw new BindError('42P17', `the view "${view.name}" refers to itself`, span);
  }
  context.views.push(key);
  try {
    return withText(view.sql, () => {
      const statement = parseSingle(view.sql);
      if (statement.kind !== 'query') notSupported('a view of that', statement.span);
      const plan = bindQuery(context, statement, undefined, undefined);
      const names = (view.columnNames ?? []).map(
        (name): Identifier => ({ kind: 'identifier', name, quoted: true, span: statement.span }),
      );
      return renameColumns(plan, names, view.name);
    });
  } finally {
    context.views.pop();
  }
}

/** The names a table brings, under its alias if it has one. */
function named(plan: Plan, name: string | undefined, alias: TableAlias | undefined): Source {
  const table = alias?.name.name ?? name;
  const renamed = renameColumns(plan, alias?.columns ?? [], table ?? '');
  return { plan: renamed, columns: tableColumns(table, renamed.columns) };
}

function bindFile(place: QueryPlace, node: TableFile): Source {
  const reader = place.context.sources?.fileFunction(node.path);
  if (reader === undefined) {
    const hint = 'known are .csv, .tbl, .json, .ndjson, .parquet and .arrow';
    notSupported(`reading the file "${node.path}"`, node.span, hint);
  }
  return fileSource(place, reader, node.path, node.alias, node.span);
}

function fileSource(
  place: QueryPlace,
  reader: string,
  path: string,
  alias: TableAlias | undefined,
  span: Span,
): Source {
  const args = [constant(path, varcharType)];
  const plan = sourcePlan(place, reader, args, new Map(), span);
  const base = path.replace(/^.*[\\/]/, '').replace(/\.[^.]*$/, '');
  return named(plan, base, alias);
}

function bindTableFunction(place: QueryPlace, node: TableFunction): Source {
  if (node.withOrdinality) notSupported('WITH ORDINALITY', node.span);
  const { plan, name } = bindSourceCall(place, node.call);
  return named(plan, name, node.alias);
}

/** A call in FROM, whose arguments must be constants. */
function bindSourceCall(place: QueryPlace, node: Call): { plan: Plan; name: string } {
  const name = node.name.parts[node.name.parts.length - 1].name.toLowerCase();
  if (node.over !== undefined || node.filter !== undefined || node.distinct || node.star) {
    notSupported('such a call in FROM', node.span);
  }
  const { args, named: byName } = bindSourceArguments(place, node);
  return { plan: sourcePlan(place, name, args, byName, node.name.span), name };
}

export function bindSourceArguments(
  place: Pick<QueryPlace, 'context'>,
  node: Call,
): { args: ConstantExpression[]; named: Map<string, ConstantExpression> } {
  const inner = constantPlace(place.context, 'the arguments of a table function');
  const args: ConstantExpression[] = [];
  const byName = new Map<string, ConstantExpression>();
  for (const argument of node.arguments) {
    const { span } = argument.value;
    const bound = bindExpression(inner, argument.value);
    if (bound.kind === 'parameter') notSupported('a parameter of a table function', span);
    const value = locate(span, () => evaluate(bound, emptyEnvironment));
    const folded = constant(value, bound.type);
    if (argument.name === undefined) args.push(folded);
    else byName.set(argument.name.name.toLowerCase(), folded);
  }
  return { args, named: byName };
}

function sourcePlan(
  place: QueryPlace,
  name: string,
  args: readonly ConstantExpression[],
  byName: ReadonlyMap<string, ConstantExpression>,
  span: Span,
): Plan {
  const { context } = place;
  const { sources } = context;
  const schema = locate(span, () => sources?.tableFunction(name, args, byName));
  if (schema === undefined) {
    throw new BindError(
      sqlState.undefinedFunction,
      `there is no table function "${name}"`,
      span,
      didYouMean(name, sources?.tableFunctionNames() ?? []),
    );
  }
  const columns = schema.map((field) => context.column(field.name, field.type, field.nullable));
  return { kind: 'tableFunction', name, args, named: byName, columns };
}

function bindDerived(
  place: QueryPlace,
  node: DerivedTable,
  lateral: readonly ScopeColumn[],
): Source {
  const parent = node.lateral ? new Scope(lateral, place.parent) : place.parent;
  const plan = bindQuery(place.context, node.query, parent, place.commonTables);
  return named(plan, undefined, node.alias);
}

const joinTypes: Readonly<Record<string, JoinType>> = {
  INNER: 'inner',
  LEFT: 'left',
  RIGHT: 'right',
  FULL: 'full',
  CROSS: 'inner',
  SEMI: 'semi',
  ANTI: 'anti',
};

function bindJoin(place: QueryPlace, node: Join, lateral: readonly ScopeColumn[]): Source {
  const type = joinTypes[node.type];
  if (type === undefined) notSupported(`${node.type} JOIN`, node.span);
  if (node.asof) notSupported('ASOF JOIN', node.span);
  const left = bindTable(place, node.left, lateral);
  const right = bindTable(place, node.right, [...lateral, ...left.columns]);
  checkAlias(left.columns, right.columns, node.right.span);
  const shared = node.natural ? sharedNames(left, right) : node.using;
  const both = [...left.columns, ...right.columns];
  const predicates: Expression[] = [];
  if (node.on !== undefined) predicates.push(bindOn(place, node.on, both));
  const pairs = shared.map((name) => usingPair(place, left, right, name, node.span));
  predicates.push(...pairs.map((pair) => pair.condition));
  const plan = makeJoin(type, left.plan, right.plan, conjunction(predicates));
  const columns = joinedColumns(place, type, left, right, pairs);
  if (node.alias === undefined) return { plan, columns };
  return aliasJoin(plan, columns, node.alias);
}

function bindOn(
  place: QueryPlace,
  syntax: NonNullable<Join['on']>,
  columns: readonly ScopeColumn[],
): Expression {
  const { context, parent, commonTables } = place;
  const scope = new Scope(columns, parent);
  const rest = { aggregates: undefined, windows: undefined, spans: new Map(), expanding: [] };
  return bindCondition({ context, scope, commonTables, clause: 'ON', ...rest }, syntax);
}

interface UsingPair {
  readonly name: string;
  readonly left: ScopeColumn;
  readonly right: ScopeColumn;
  readonly condition: Expression;
  readonly span: Span;
}

function sharedNames(left: Source, right: Source): Identifier[] {
  const visible = (source: Source): string[] =>
    source.columns.filter((column) => !column.hidden).map((column) => column.name);
  const names = new Set(visible(right).map((name) => name.toLowerCase()));
  const span = { start: 0, end: 0 };
  return visible(left)
    .filter((name) => names.has(name.toLowerCase()))
    .map((name) => ({ kind: 'identifier', name, quoted: true, span }));
}

function usingPair(
  place: QueryPlace,
  left: Source,
  right: Source,
  name: Identifier,
  span: Span,
): UsingPair {
  const find = (source: Source, side: string): ScopeColumn => {
    const found = findColumn(new Scope(source.columns, undefined), name.name, name.span);
    if (found !== undefined) return found;
    throw new BindError(
      sqlState.undefinedColumn,
      `the ${side} side of the join has no column "${name.name}"`,
      name.span,
      didYouMean(
        name.name,
        source.columns.map((column) => column.name),
      ),
    );
  };
  const a = find(left, 'left');
  const b = find(right, 'right');
  const condition = compare(place.context, 'eq', a.value, b.value, span);
  return { name: a.name, left: a, right: b, condition, span };
}

/** The names after a join: merged columns of USING first, then the left side, then the right. */
function joinedColumns(
  place: QueryPlace,
  type: JoinType,
  left: Source,
  right: Source,
  pairs: readonly UsingPair[],
): ScopeColumn[] {
  const leftMissing = type === 'right' || type === 'full';
  const rightMissing = type === 'left' || type === 'full';
  const leftColumns = left.columns.map((column) => (leftMissing ? optionalColumn(column) : column));
  if (type === 'semi' || type === 'anti') return leftColumns;
  const rightColumns = right.columns.map((column) =>
    rightMissing ? optionalColumn(column) : column,
  );
  const merged = pairs.map((pair): ScopeColumn => {
    const a = leftColumns[left.columns.indexOf(pair.left)];
    const b = rightColumns[right.columns.indexOf(pair.right)];
    const value = mergeValue(place, type, a.value, b.value, pair);
    return { table: undefined, name: pair.name, value, hidden: false };
  });
  const gone = new Set<ScopeColumn>(pairs.flatMap((pair) => [pair.left, pair.right]));
  const hide = (column: ScopeColumn, original: ScopeColumn): ScopeColumn =>
    gone.has(original) ? { ...column, hidden: true } : column;
  return [
    ...merged,
    ...leftColumns.map((column, i) => hide(column, left.columns[i])),
    ...rightColumns.map((column, i) => hide(column, right.columns[i])),
  ];
}

/** The side that is never missing; of a full join either, in the type in which they compare. */
function mergeValue(
  { context }: QueryPlace,
  type: JoinType,
  a: Expression,
  b: Expression,
  { condition, span }: UsingPair,
): Expression {
  if (type === 'right') return b;
  if (type !== 'full') return a;
  const common = condition.kind === 'call' ? condition.args[0].type : a.type;
  const sides = [a, b].map((side) => castTo(context, side, common, span));
  return call('coalesce', sides, common, true);
}

function optionalColumn(column: ScopeColumn): ScopeColumn {
  const { value } = column;
  const nullable =
    value.kind === 'column'
      ? columnRef({ ...value.column, nullable: true })
      : { ...value, nullable: true };
  return { ...column, value: nullable };
}

/** `(a JOIN b …) AS c`: all visible columns under one name. */
function aliasJoin(plan: Plan, columns: readonly ScopeColumn[], alias: TableAlias): Source {
  const visible = columns.filter((column) => !column.hidden);
  const table = alias.name.name;
  if (alias.columns.length > visible.length) {
    throw new BindError(
      sqlState.invalidColumnReference,
      `"${table}" has ${visible.length} columns, but ${alias.columns.length} names are given`,
      alias.name.span,
    );
  }
  const renamed = visible.map((column, i) => {
    const name = alias.columns[i]?.name ?? column.name;
    return { table, name, value: column.value, hidden: false };
  });
  return { plan, columns: renamed };
}
