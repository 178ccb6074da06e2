import { type Column, conjuncts, type Expression } from '../../plan/expression.ts';
import type { Plan } from '../../plan/plan.ts';
import { columnsOf } from '../expressions/compile.ts';

/** A join condition taken apart. */
export interface JoinKeys {
  /** left[i] = right[i], each of columns of its side alone. */
  readonly left: readonly Expression[];
  readonly right: readonly Expression[];
  /** What else must hold. */
  readonly residual: readonly Expression[];
}

function isOf(expression: Expression, side: ReadonlySet<Column>): boolean {
  const columns = columnsOf(expression);
  return columns.size > 0 && [...columns].every((column) => side.has(column));
}

export function splitCondition(
  condition: Expression | undefined,
  left: Plan,
  right: Plan,
): JoinKeys {
  const leftColumns = new Set(left.columns);
  const rightColumns = new Set(right.columns);
  const keys = {
    left: [] as Expression[],
    right: [] as Expression[],
    residual: [] as Expression[],
  };
  for (const part of condition === undefined ? [] : conjuncts(condition)) {
    if (part.kind === 'call' && part.name === 'eq') {
      const [a, b] = part.args;
      if (isOf(a, leftColumns) && isOf(b, rightColumns)) {
        keys.left.push(a);
        keys.right.push(b);
        continue;
      }
      if (isOf(b, leftColumns) && isOf(a, rightColumns)) {
        keys.left.push(b);
        keys.right.push(a);
        continue;
      }
    }
    keys.residual.push(part);
  }
  return keys;
}
