import { children, type Expression } from '../../plan/expression.ts';
import { nullTolerantFunctions } from '../../plan/functions/index.ts';

/** Whether the expression is NULL whenever all columns in `ids` are. */
function isNullWith(expression: Expression, ids: ReadonlySet<number>): boolean {
  switch (expression.kind) {
    case 'column':
      return ids.has(expression.column.id);
    case 'cast':
      return isNullWith(expression.input, ids);
    case 'inList':
      return isNullWith(expression.input, ids);
    case 'call':
      if (nullTolerantFunctions.has(expression.name)) return false;
      return children(expression).some((child) => isNullWith(child, ids));
    default:
      return false;
  }
}

/** Whether no row passes the predicate in which all columns in `ids` are NULL. */
export function rejectsNulls(predicate: Expression, ids: ReadonlySet<number>): boolean {
  if (predicate.kind === 'constant') return predicate.value !== true;
  if (predicate.kind !== 'call') return isNullWith(predicate, ids);
  switch (predicate.name) {
    case 'and':
      return predicate.args.some((part) => rejectsNulls(part, ids));
    case 'or':
      return predicate.args.every((part) => rejectsNulls(part, ids));
    case 'is_not_null':
      return isNullWith(predicate.args[0], ids);
    default:
      return isNullWith(predicate, ids);
  }
}
