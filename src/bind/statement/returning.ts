import type { TableEntry } from '../../catalog/catalog.ts';
import type { Plan, TableFunction } from '../../plan/plan.ts';
import type { Delete, Insert, Update } from '../../sql/ast/change.ts';
import { plainQuery } from '../../sql/ast/query.ts';
import type { BindContext } from '../context.ts';
import { bindQuery } from '../query/query.ts';
import type { BoundReturning } from './bound.ts';

/** A plan of the table's columns that the engine puts rows in the place of. */
export function rowsToCome(context: BindContext, table: TableEntry, name: string): TableFunction {
  const columns = table.columns.map((column) =>
    context.column(column.name, column.type, !column.notNull),
  );
  return { kind: 'tableFunction', name, args: [], named: new Map(), columns };
}

/**
 * RETURNING as a query over the changed rows, which have the name of the table or its alias.
 * `changed` gives those rows, if the statement does not have them anyway.
 */
export function bindReturning(
  context: BindContext,
  node: Insert | Update | Delete,
  table: TableEntry,
  changed: Plan | undefined,
): BoundReturning | undefined {
  const [first] = node.returning;
  if (first === undefined) return undefined;
  const name = node.alias?.name ?? table.name;
  const rows = rowsToCome(context, table, 'returning');
  const { span } = first;
  const identifier = { kind: 'identifier', name, quoted: true, span } as const;
  const from = {
    kind: 'tableName',
    span,
    name: { kind: 'qualifiedName', parts: [identifier], span },
    alias: undefined,
    sample: undefined,
  } as const;
  const query = plainQuery(node.returning, from, span);
  const entry = { name, reference: () => rows };
  return { rows, plan: bindQuery(context, query, undefined, { entry, outer: undefined }), changed };
}
