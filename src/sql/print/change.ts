import { unreachable } from '../../base/assert.ts';
import type { Assignment, Delete, Insert, OnConflict, Update } from '../ast/change.ts';
import type { Identifier } from '../ast/node.ts';
import type { SelectItem, With } from '../ast/query.ts';
import type { DataChange } from '../ast/statement.ts';
import { printExpression } from './expression.ts';
import { printColumns, printIdentifier, printName } from './name.ts';
import { printQuery, printSelectItems, printTables, printWith } from './query.ts';

export function printDataChange(node: DataChange): string {
  switch (node.kind) {
    case 'insert':
      return printInsert(node);
    case 'update':
      return printUpdate(node);
    case 'delete':
      return printDelete(node);
    default:
      return unreachable(node);
  }
}

function leading(clause: With | undefined): string {
  return clause === undefined ? '' : `${printWith(clause)} `;
}

function printAs(alias: Identifier | undefined): string {
  return alias === undefined ? '' : ` AS ${printIdentifier(alias)}`;
}

function printReturning(items: readonly SelectItem[]): string {
  return items.length === 0 ? '' : ` RETURNING ${printSelectItems(items)}`;
}

function printInsert(node: Insert): string {
  const shortcut = shortcutWord(node.onConflict);
  const source = node.source === undefined ? 'DEFAULT VALUES' : printQuery(node.source);
  const conflict =
    node.onConflict === undefined || shortcut !== '' ? '' : printConflict(node.onConflict);
  return (
    `${leading(node.with)}INSERT ${shortcut}INTO ${printName(node.table)}${printAs(node.alias)}` +
    `${node.byName ? ' BY NAME' : ''}${printColumns(node.columns)} ${source}` +
    conflict +
    printReturning(node.returning)
  );
}

/** Only INSERT OR REPLACE has no other form. */
function shortcutWord(conflict: OnConflict | undefined): string {
  return conflict?.action === 'REPLACE' ? 'OR REPLACE ' : '';
}

function printConflict(node: OnConflict): string {
  const target = printColumns(node.columns);
  const where = node.where === undefined ? '' : ` WHERE ${printExpression(node.where)}`;
  const head = ` ON CONFLICT${target}${where} DO `;
  if (node.action === 'NOTHING') return `${head}NOTHING`;
  const condition =
    node.updateWhere === undefined ? '' : ` WHERE ${printExpression(node.updateWhere)}`;
  return `${head}UPDATE SET ${printAssignments(node.assignments)}${condition}`;
}

function printAssignments(assignments: readonly Assignment[]): string {
  return assignments
    .map(({ columns, value }) => {
      const names = columns.map(printIdentifier).join(', ');
      return `${columns.length === 1 ? names : `(${names})`} = ${printExpression(value)}`;
    })
    .join(', ');
}

function printUpdate(node: Update): string {
  const from = node.from.length === 0 ? '' : ` FROM ${printTables(node.from)}`;
  const where = node.where === undefined ? '' : ` WHERE ${printExpression(node.where)}`;
  return (
    `${leading(node.with)}UPDATE ${printName(node.table)}${printAs(node.alias)}` +
    ` SET ${printAssignments(node.assignments)}${from}${where}${printReturning(node.returning)}`
  );
}

function printDelete(node: Delete): string {
  const using = node.using.length === 0 ? '' : ` USING ${printTables(node.using)}`;
  const where = node.where === undefined ? '' : ` WHERE ${printExpression(node.where)}`;
  return (
    `${leading(node.with)}DELETE FROM ${printName(node.table)}${printAs(node.alias)}` +
    `${using}${where}${printReturning(node.returning)}`
  );
}
