import { sqlState } from '../../base/error.ts';
import type { Expression } from '../../plan/expression.ts';
import type { Star } from '../../sql/ast/expression.ts';
import type { Identifier } from '../../sql/ast/node.ts';
import { BindError, didYouMean } from '../error.ts';
import type { Place } from '../expression/binder.ts';
import { bindExpression } from '../expression/expression.ts';
import { type ScopeColumn, sameName } from '../scope.ts';

export interface StarItem {
  readonly name: string;
  readonly value: Expression;
}

/** The columns that `*` or `t.*` stands for, with EXCLUDE, REPLACE and RENAME applied. */
export function expandStar(place: Place, node: Star): StarItem[] {
  const columns = starColumns(place, node);
  const known = columns.map((column) => column.name);
  const check = (name: Identifier): void => {
    if (columns.some((column) => sameName(column.name, name.name))) return;
    throw new BindError(
      sqlState.undefinedColumn,
      `"*" has no column "${name.name}"`,
      name.span,
      didYouMean(name.name, known),
    );
  };
  node.exclude.forEach(check);
  node.replace.forEach((item) => {
    check(item.column);
  });
  node.rename.forEach((item) => {
    check(item.column);
  });
  const items: StarItem[] = [];
  for (const column of columns) {
    if (node.exclude.some((name) => sameName(column.name, name.name))) continue;
    const replaced = node.replace.find((item) => sameName(column.name, item.column.name));
    const renamed = node.rename.find((item) => sameName(column.name, item.column.name));
    if (replaced === undefined && column.value.kind === 'column') {
      place.spans.set(column.value.column.id, node.span);
    }
    items.push({
      name: renamed?.name.name ?? column.name,
      value: replaced === undefined ? column.value : bindExpression(place, replaced.value),
    });
  }
  return items;
}

function starColumns(place: Place, node: Star): readonly ScopeColumn[] {
  const { scope } = place;
  if (node.qualifier === undefined) {
    const columns = scope.columns.filter((column) => !column.hidden);
    if (columns.length > 0) return columns;
    throw new BindError(sqlState.syntaxError, '"*" needs a table in FROM', node.span);
  }
  const table = node.qualifier.parts[node.qualifier.parts.length - 1];
  const columns = scope.columns.filter((column) => sameName(column.table, table.name));
  if (columns.length > 0) return columns;
  throw new BindError(
    sqlState.undefinedTable,
    `there is no table "${table.name}" in FROM`,
    table.span,
    didYouMean(table.name, scope.tableNames()),
  );
}
