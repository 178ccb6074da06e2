import { sqlState } from '../../base/error.ts';
import type { Plan } from '../../plan/plan.ts';
import type { Values } from '../../sql/ast/query.ts';
import { nullType, varcharType } from '../../value/type.ts';
import { BindError } from '../error.ts';
import { bindExpression } from '../expression/expression.ts';
import { Scope } from '../scope.ts';
import { castTo, unifiedType } from '../types/cast.ts';
import type { QueryPlace } from './query.ts';

/** Rows written out; their columns are called col0, col1, … as in DuckDB. */
export function bindValues(place: QueryPlace, node: Values): Plan {
  const { context, parent, commonTables } = place;
  const inner = {
    context,
    scope: new Scope([], parent),
    commonTables,
    clause: 'VALUES',
    aggregates: undefined,
    windows: undefined,
    spans: new Map(),
    expanding: [],
  };
  const width = node.rows[0].length;
  for (const row of node.rows) {
    if (row.length === width) continue;
    const message = `all rows of VALUES must have as many columns: ${row.length} are not ${width}`;
    throw new BindError(sqlState.syntaxError, message, row[0].span);
  }
  const bound = node.rows.map((row) => row.map((item) => bindExpression(inner, item)));
  const types = Array.from({ length: width }, (_, i) => {
    const type = unifiedType(
      bound.map((row) => row[i]),
      (row) => node.rows[row][i].span,
    );
    return type.kind === nullType.kind ? varcharType : type;
  });
  const rows = bound.map((row, r) =>
    row.map((item, i) => castTo(context, item, types[i], node.rows[r][i].span)),
  );
  const columns = types.map((type, i) =>
    context.column(
      `col${i}`,
      type,
      rows.some((row) => row[i].nullable),
    ),
  );
  return { kind: 'values', rows, columns };
}
