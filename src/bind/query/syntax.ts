import type { Expression } from '../../sql/ast/expression.ts';
import { printExpression } from '../../sql/print/expression.ts';
import { isAggregate } from '../functions/aggregate.ts';

/** Whether an aggregate stands in the expression, outside of subqueries and windows. */
export function containsAggregate(node: Expression): boolean {
  if (node.kind === 'call' && node.over === undefined) {
    if (isAggregate(node.name.parts[node.name.parts.length - 1].name)) return true;
  }
  return subexpressions(node).some(containsAggregate);
}

/** The direct parts that are expressions; a subquery is no part. */
function subexpressions(node: Expression): Expression[] {
  const parts: Expression[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) {
      for (const item of value) visit(item);
    } else if (typeof value === 'object' && value !== null) {
      if (!('kind' in value)) for (const item of Object.values(value)) visit(item);
      else if (value.kind !== 'query') parts.push(value as Expression);
    }
  };
  for (const [key, value] of Object.entries(node)) if (key !== 'span') visit(value);
  return parts;
}

/** The name of a result column without an alias: of a column its own, else the text. */
export function itemName(node: Expression): string {
  switch (node.kind) {
    case 'columnReference':
      return node.parts[node.parts.length - 1].name;
    case 'fieldAccess':
      return node.field.name;
    default:
      return printExpression(node);
  }
}
