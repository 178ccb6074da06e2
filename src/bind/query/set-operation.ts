import { sqlState } from '../../base/error.ts';
import { columnRef } from '../../plan/expression.ts';
import type { Plan } from '../../plan/plan.ts';
import type { SetOperation } from '../../sql/ast/query.ts';
import { nullType, type SqlType, typeName, varcharType } from '../../value/type.ts';
import { BindError, notSupported } from '../error.ts';
import { commonType } from '../types/common.ts';
import { castColumns } from './cast-columns.ts';
import { bindBody, type QueryPlace } from './query.ts';

export function bindSetOperation(place: QueryPlace, node: SetOperation): Plan {
  if (node.byName) notSupported(`${node.operator} BY NAME`, node.span);
  const { context } = place;
  const left = bindBody(place, node.left);
  const right = bindBody(place, node.right);
  if (left.columns.length !== right.columns.length) {
    throw new BindError(
      sqlState.syntaxError,
      `both sides of ${node.operator} must have as many columns: ` +
        `there are ${left.columns.length} and ${right.columns.length}`,
      node.right.span,
    );
  }
  const types = left.columns.map((column, i) => {
    const other = right.columns[i];
    const type = commonType(columnRef(column), columnRef(other));
    if (type === undefined) mismatch(node, i, column.type, other.type);
    return type.kind === nullType.kind ? varcharType : type;
  });
  const columns = left.columns.map((column, i) =>
    context.column(column.name, types[i], column.nullable || right.columns[i].nullable),
  );
  return {
    kind: 'setOperation',
    operation: node.operator.toLowerCase() as 'union' | 'intersect' | 'except',
    all: node.all,
    left: castColumns(context, left, types),
    right: castColumns(context, right, types),
    columns,
  };
}

function mismatch(node: SetOperation, index: number, a: SqlType, b: SqlType): never {
  throw new BindError(
    sqlState.datatypeMismatch,
    `column ${index + 1} of ${node.operator} is ${typeName(a)} on the left and ${typeName(b)} on the right`,
    node.right.span,
    'convert one of them with CAST',
  );
}
