/**
 * What the database says of itself, as tables: information_schema as the SQL standard has it, and
 * the views of pg_catalog that list tables. Their rows are constants of one snapshot of the
 * catalog.
 */
import { sqlState } from '../../base/error.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { constant } from '../../plan/expression.ts';
import type { Plan } from '../../plan/plan.ts';
import type { QualifiedName } from '../../sql/ast/node.ts';
import { integerType, type SqlType, typeName, varcharType } from '../../value/type.ts';
import type { BindContext } from '../context.ts';
import { BindError, didYouMean } from '../error.ts';

/** Names and types of the columns that a view has, as far as it is valid. */
type ViewColumns = (name: string) => Plan['columns'];

interface SystemTable {
  readonly columns: readonly (readonly [name: string, type: SqlType])[];
  rows(catalog: Catalog, viewColumns: ViewColumns): (string | number | null)[][];
}

/** The database as it is called in the columns that ask for it. */
const databaseName = 'memory';

const texts = (...names: string[]) => names.map((name) => [name, varcharType] as const);
const integers = (...names: string[]) => names.map((name) => [name, integerType] as const);

/** Tables and views in the order of their names. */
function entries(catalog: Catalog) {
  const names = [...catalog.names()].sort();
  return names.flatMap((name) => catalog.table(name) ?? catalog.view(name) ?? []);
}

const tables: SystemTable = {
  columns: texts('table_catalog', 'table_schema', 'table_name', 'table_type'),
  rows: (catalog) =>
    entries(catalog).map(({ kind, name }) => {
      return [databaseName, 'main', name, kind === 'table' ? 'BASE TABLE' : 'VIEW'];
    }),
};

const columns: SystemTable = {
  columns: [
    ...texts('table_catalog', 'table_schema', 'table_name', 'column_name'),
    ...integers('ordinal_position'),
    ...texts('column_default', 'is_nullable', 'data_type'),
    ...integers('character_maximum_length', 'numeric_precision', 'numeric_scale'),
  ],
  rows: (catalog, viewColumns) =>
    entries(catalog).flatMap((entry) => {
      const own =
        entry.kind === 'table'
          ? entry.columns.map((column) => ({ ...column, nullable: !column.notNull }))
          : viewColumns(entry.name).map((column) => ({ ...column, defaultSql: undefined }));
      return own.map(({ name, type, nullable, defaultSql }, i) => [
        ...[databaseName, 'main', entry.name, name, i + 1, defaultSql ?? null],
        ...[nullable ? 'YES' : 'NO', typeName(type), null, ...precision(type)],
      ]);
    }),
};

/** Digits, of which behind the point; bits for the other numbers, as PostgreSQL counts. */
function precision(type: SqlType): [number | null, number | null] {
  if (type.kind === 'decimal') return [type.precision, type.scale];
  const bits = { tinyint: 8, smallint: 16, integer: 32, bigint: 64, hugeint: 128 };
  const binary = bits[type.kind as keyof typeof bits];
  if (binary !== undefined) return [binary, 0];
  if (type.kind === 'real') return [24, 0];
  return type.kind === 'double' ? [53, 0] : [null, null];
}

const schemata: SystemTable = {
  columns: texts('catalog_name', 'schema_name', 'schema_owner'),
  rows: () =>
    ['information_schema', 'main', 'pg_catalog'].map((name) => [databaseName, name, null]),
};

const views: SystemTable = {
  columns: texts('table_catalog', 'table_schema', 'table_name', 'view_definition'),
  rows: (catalog) =>
    entries(catalog).flatMap((entry) =>
      entry.kind === 'view' ? [[databaseName, 'main', entry.name, entry.sql]] : [],
    ),
};

const pgTables: SystemTable = {
  columns: texts('schemaname', 'tablename', 'tableowner'),
  rows: (catalog) =>
    entries(catalog).flatMap(({ kind, name }) => (kind === 'table' ? [['main', name, null]] : [])),
};

const pgViews: SystemTable = {
  columns: texts('schemaname', 'viewname', 'viewowner', 'definition'),
  rows: (catalog) =>
    entries(catalog).flatMap((entry) =>
      entry.kind === 'view' ? [['main', entry.name, null, entry.sql]] : [],
    ),
};

const schemas: Readonly<Record<string, Readonly<Record<string, SystemTable>>>> = {
  information_schema: { tables, columns, schemata, views },
  pg_catalog: { pg_tables: pgTables, pg_views: pgViews },
};

/** The rows of the system table that a name with a schema means; undefined for other schemas. */
export function bindSystemTable(
  context: BindContext,
  { parts, span }: QualifiedName,
  viewColumns: ViewColumns,
): Plan | undefined {
  if (parts.length !== 2) return undefined;
  const schema = schemas[parts[0].name.toLowerCase()];
  if (schema === undefined) return undefined;
  const name = parts[1].name.toLowerCase();
  const table = schema[name];
  if (table === undefined) {
    throw new BindError(
      sqlState.undefinedTable,
      `there is no table "${parts.map((part) => part.name).join('.')}"`,
      span,
      didYouMean(name, Object.keys(schema)),
    );
  }
  const rows = table
    .rows(context.catalog, viewColumns)
    .map((row) =>
      row.map((value, i) =>
        constant(typeof value === 'number' ? BigInt(value) : value, table.columns[i][1]),
      ),
    );
  const bound = table.columns.map(([column, type]) => context.column(column, type, true));
  return { kind: 'values', rows, columns: bound };
}
