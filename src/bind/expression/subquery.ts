import { sqlState } from '../../base/error.ts';
import { columnRef, type Expression, type SubqueryExpression } from '../../plan/expression.ts';
import type { Plan } from '../../plan/plan.ts';
import type {
  Exists,
  InSubquery,
  Quantified,
  ScalarSubquery,
  Expression as Syntax,
} from '../../sql/ast/expression.ts';
import type { Span } from '../../sql/ast/node.ts';
import type { Query } from '../../sql/ast/query.ts';
import { booleanType } from '../../value/type.ts';
import { BindError, notSupported } from '../error.ts';
import { castColumns } from '../query/cast-columns.ts';
import { bindQuery } from '../query/query.ts';
import { castTo } from '../types/cast.ts';
import { commonType } from '../types/common.ts';
import type { Place } from './binder.ts';
import { bindExpression, comparisonOf, negateIf } from './expression.ts';

function bindInner(place: Place, query: Query): Plan {
  return bindQuery(place.context, query, place.scope.around(place), place.commonTables);
}

export function bindScalarSubquery(place: Place, node: ScalarSubquery): Expression {
  const plan = bindInner(place, node.query);
  if (plan.columns.length !== 1) oneColumn(plan, node.span);
  const { type } = plan.columns[0];
  const operands: Expression[] = [];
  const comparison = undefined;
  return { kind: 'subquery', mode: 'scalar', plan, operands, comparison, type, nullable: true };
}

function oneColumn(plan: Plan, span: Span): never {
  throw new BindError(
    sqlState.syntaxError,
    `a subquery that stands for a value must have one column, this has ${plan.columns.length}`,
    span,
  );
}

export function bindExists(place: Place, node: Exists): Expression {
  const plan = bindInner(place, node.query);
  const type = booleanType;
  const operands: Expression[] = [];
  const comparison = undefined;
  return { kind: 'subquery', mode: 'exists', plan, operands, comparison, type, nullable: false };
}

export function bindInSubquery(place: Place, node: InSubquery): Expression {
  const operands = node.operand.kind === 'row' ? node.operand.items : [node.operand];
  const any = bindComparison(place, operands, 'any', 'eq', node.query, node.span);
  return negateIf(node.negated, any);
}

export function bindQuantified(place: Place, node: Quantified): Expression {
  if (node.query === undefined) notSupported('ANY or ALL of an array', node.span);
  const comparison = comparisonOf(node.operator);
  if (comparison === undefined) notSupported(`${node.operator} ${node.quantifier}`, node.span);
  const operands = node.left.kind === 'row' ? node.left.items : [node.left];
  if (operands.length > 1 && comparison !== 'eq' && comparison !== 'ne') {
    notSupported(`${node.operator} ${node.quantifier} of rows`, node.span);
  }
  const mode = node.quantifier === 'ANY' ? 'any' : 'all';
  return bindComparison(place, operands, mode, comparison, node.query, node.span);
}

function bindComparison(
  place: Place,
  syntax: readonly Syntax[],
  mode: 'any' | 'all',
  comparison: SubqueryExpression['comparison'],
  query: Query,
  span: Span,
): Expression {
  const plan = bindInner(place, query);
  if (plan.columns.length !== syntax.length) {
    throw new BindError(
      sqlState.syntaxError,
      `the subquery has ${plan.columns.length} columns, but ${syntax.length} are compared`,
      query.span,
    );
  }
  const operands = syntax.map((item) => bindExpression(place, item));
  const types = operands.map((operand, i) => {
    const type = commonType(operand, columnRef(plan.columns[i]));
    if (type !== undefined) return type;
    throw new BindError(
      sqlState.datatypeMismatch,
      'the subquery gives values of another type than what they are compared with',
      span,
      'convert one of them with CAST',
    );
  });
  const cast = operands.map((operand, i) => castTo(place.context, operand, types[i], span));
  const inner = castColumns(place.context, plan, types);
  const nullable = [...cast, ...inner.columns].some((part) => part.nullable);
  const type = booleanType;
  return { kind: 'subquery', mode, plan: inner, operands: cast, comparison, type, nullable };
}
