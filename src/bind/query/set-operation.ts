import { sqlState } from '../../base/error.ts';
import { type Column, columnRef, constant, type Expression } from '../../plan/expression.ts';
import type { Plan } from '../../plan/plan.ts';
import type { SetOperation } from '../../sql/ast/query.ts';
import { nullType, type SqlType, typeName, varcharType } from '../../value/type.ts';
import type { BindContext } from '../context.ts';
import { BindError } from '../error.ts';
import { commonType } from '../types/common.ts';
import { castColumns } from './cast-columns.ts';
import { bindBody, type QueryPlace } from './query.ts';

export function bindSetOperation(place: QueryPlace, node: SetOperation): Plan {
  const { context } = place;
  const bound = [bindBody(place, node.left), bindBody(place, node.right)] as const;
  const [left, right] = node.byName ? alignByName(context, ...bound, node) : bound;
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

/** BY NAME: both sides get the columns of the left, then those only the right has. */
function alignByName(
  context: BindContext,
  left: Plan,
  right: Plan,
  node: SetOperation,
): [Plan, Plan] {
  const find = (side: Plan, name: string): Column | undefined => {
    const found = side.columns.filter((column) => column.name.toLowerCase() === name.toLowerCase());
    if (found.length < 2) return found[0];
    throw new BindError(
      sqlState.ambiguousColumn,
      `${node.operator} BY NAME needs names that differ: there are two columns "${name}"`,
      node.span,
    );
  };
  const added = right.columns.filter(({ name }) => find(left, name) === undefined);
  const names = [...left.columns, ...added];
  const align = (side: Plan): Plan => {
    const expressions = names.map(({ name, type }): Expression => {
      const column = find(side, name);
      return column === undefined ? constant(null, type) : columnRef(column);
    });
    const columns = expressions.map((item, i) => context.columnFor(item, names[i].name, side));
    return { kind: 'project', input: side, expressions, columns };
  };
  return [align(left), align(right)];
}

function mismatch(node: SetOperation, index: number, a: SqlType, b: SqlType): never {
  throw new BindError(
    sqlState.datatypeMismatch,
    `column ${index + 1} of ${node.operator} is ${typeName(a)} on the left and ${typeName(b)} on the right`,
    node.right.span,
    'convert one of them with CAST',
  );
}
