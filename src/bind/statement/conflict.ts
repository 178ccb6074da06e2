import type { TableEntry } from '../../catalog/catalog.ts';
import { makeFilter, makeJoin } from '../../plan/build.ts';
import {
  type Column,
  call,
  columnRef,
  conjunction,
  type Expression,
  trueConstant,
} from '../../plan/expression.ts';
import type { Plan } from '../../plan/plan.ts';
import type { Insert, OnConflict } from '../../sql/ast/change.ts';
import { booleanType } from '../../value/type.ts';
import type { BindContext } from '../context.ts';
import { BindError, notSupported } from '../error.ts';
import { bindCondition } from '../expression/expression.ts';
import { constantPlace } from '../query/query.ts';
import { Scope, tableColumns } from '../scope.ts';
import type { BoundOnConflict } from './bound.ts';
import { targetOrdinals } from './insert.ts';
import { rowsToCome } from './returning.ts';
import { assignedValues, isTrue, updatedRows, withoutMark } from './rewrite.ts';

/**
 * ON CONFLICT, in which `excluded` names the row that was to be inserted. Undefined for a table
 * without a key, where nothing can conflict.
 */
export function bindOnConflict(
  context: BindContext,
  node: Insert,
  conflict: OnConflict,
  table: TableEntry,
): BoundOnConflict | undefined {
  if (conflict.where !== undefined) notSupported('WHERE for a conflict target', conflict.span);
  const key = keyOf(table, conflict);
  if (key === undefined) return undefined;
  const rows = rowsToCome(context, table, 'excluded');
  const scan = scanOf(context, table);
  const same = (left: readonly Column[], right: readonly Column[]): Expression =>
    conjunction(
      key.map((at) => call('eq', [columnRef(left[at]), columnRef(right[at])], booleanType, false)),
    ) as Expression;
  const added = makeJoin('anti', rows, scan, same(rows.columns, scan.columns));
  const action = conflict.action.toLowerCase() as BoundOnConflict['action'];
  const head = { action, key, rows, added };
  if (action === 'nothing') return { ...head, updated: undefined, changed: undefined };
  const found = context.column('found', booleanType, false);
  const right: Plan = {
    kind: 'project',
    input: rows,
    expressions: [...rows.columns.map(columnRef), trueConstant],
    columns: [...rows.columns, found],
  };
  const own = scanOf(context, table);
  // The new rows have each key once.
  const joined = makeJoin('single', own, right, same(own.columns, rows.columns));
  const isFound = isTrue(columnRef({ ...found, nullable: true }));
  const excluded = rows.columns.map((column) => ({ ...column, nullable: true }));
  const scope = new Scope(
    [
      ...tableColumns(node.alias?.name ?? table.name, own.columns),
      ...tableColumns('excluded', excluded),
    ],
    undefined,
  );
  const place = { ...constantPlace(context, 'ON CONFLICT'), scope };
  const values =
    action === 'replace'
      ? new Map(excluded.map((column, i) => [i, columnRef(column)]))
      : assignedValues(place, table, conflict.assignments);
  let changed = isFound;
  if (conflict.updateWhere !== undefined) {
    const where = isTrue(bindCondition({ ...place, clause: 'WHERE' }, conflict.updateWhere));
    changed = conjunction([isFound, where]) as Expression;
  }
  const mark = context.column('changed', booleanType, false);
  const marked: Plan = {
    kind: 'project',
    input: joined,
    expressions: [...joined.columns.map(columnRef), changed],
    columns: [...joined.columns, mark],
  };
  const updated = updatedRows(context, table, own.columns, marked, mark, values);
  return { ...head, updated, changed: withoutMark(makeFilter(updated, [columnRef(mark)])) };
}

/** The ordinals of the key; an error if the conflict is to be on other columns. */
function keyOf(table: TableEntry, { columns, action, span }: OnConflict) {
  const key = table.primaryKey;
  const ordinals = columns.length === 0 ? key : targetOrdinals(table, columns);
  const isKey = ordinals?.length === key?.length && ordinals?.every((at) => key?.includes(at));
  if (key !== undefined && isKey === true) return key;
  if (columns.length === 0 && action === 'NOTHING') return undefined;
  throw new BindError(
    '42P10',
    'there is no primary key of these columns that rows could conflict with',
    columns[0]?.span ?? span,
  );
}

function scanOf(context: BindContext, table: TableEntry): Plan {
  const columns = table.columns.map((column) =>
    context.column(column.name, column.type, !column.notNull),
  );
  const ordinals = columns.map((_, i) => i);
  return { kind: 'scan', table, ordinals, filters: [], columns };
}
