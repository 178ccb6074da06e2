import { sameType } from '../value/type.ts';
import { type AggregateCall, type ConstantValue, children, type Expression } from './expression.ts';
import { samePlan } from './same-plan.ts';

/** Whether two expressions are the same computation on the same columns. */
export function sameExpression(a: Expression, b: Expression): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind || !sameType(a.type, b.type)) return false;
  switch (a.kind) {
    case 'column':
      return b.kind === 'column' && a.column.id === b.column.id;
    case 'constant':
      return b.kind === 'constant' && sameValue(a.value, b.value);
    case 'parameter':
      return b.kind === 'parameter' && a.index === b.index;
    case 'call':
      if (b.kind !== 'call' || a.name !== b.name) return false;
      break;
    case 'cast':
      if (b.kind !== 'cast' || a.try !== b.try) return false;
      break;
    case 'subquery':
      if (b.kind !== 'subquery' || a.mode !== b.mode || a.comparison !== b.comparison) return false;
      return sameExpressions(a.operands, b.operands) && samePlan(a.plan, b.plan);
    default:
  }
  return sameExpressions(children(a), children(b));
}

export function sameExpressions(a: readonly Expression[], b: readonly Expression[]): boolean {
  return a.length === b.length && a.every((item, i) => sameExpression(item, b[i]));
}

export function sameAggregate(a: AggregateCall, b: AggregateCall): boolean {
  if (a.name !== b.name || a.distinct !== b.distinct || !sameExpressions(a.args, b.args))
    return false;
  if (a.order.length > 0 || b.order.length > 0) return false;
  if (a.filter === undefined || b.filter === undefined) return a.filter === b.filter;
  return sameExpression(a.filter, b.filter);
}

function sameValue(a: ConstantValue, b: ConstantValue): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    if (!(a instanceof Uint8Array && b instanceof Uint8Array)) return false;
    return a.length === b.length && a.every((byte, i) => byte === b[i]);
  }
  return a.months === b.months && a.days === b.days && a.micros === b.micros;
}
