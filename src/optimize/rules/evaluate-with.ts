import { QuernError } from '../../base/error.ts';
import { emptyEnvironment, evaluate } from '../../plan/evaluate.ts';
import { children, constant, type Expression } from '../../plan/expression.ts';
import { usedColumns } from '../../plan/free-columns.ts';
import { isEvaluable } from '../../plan/functions/index.ts';
import { substitute } from '../../plan/substitute.ts';

/** The value of an expression once some of its columns are known, if it is a constant then. */
export function evaluateWith(
  expression: Expression,
  values: ReadonlyMap<number, Expression>,
): Expression | undefined {
  const filled = substitute(expression, values);
  if (usedColumns(filled).size > 0 || !isConstantExpression(filled)) return undefined;
  try {
    return constant(evaluate(filled, emptyEnvironment), expression.type);
  } catch (error) {
    if (error instanceof QuernError) return undefined;
    throw error;
  }
}

function isConstantExpression(expression: Expression): boolean {
  if (expression.kind === 'subquery' || expression.kind === 'parameter') return false;
  if (expression.kind === 'call' && !isEvaluable(expression.name)) return false;
  return children(expression).every(isConstantExpression);
}
