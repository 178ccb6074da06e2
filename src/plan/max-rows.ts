import type { Plan } from './plan.ts';
import { isUniqueOn, leftKeys, rightKeys } from './uniqueness.ts';

/** More than there is room for. */
const unbounded = 2n ** 64n;

/** A bound on the rows a plan can give; sums rely on it, so it is never too low. */
export function maxRows(plan: Plan): bigint {
  switch (plan.kind) {
    case 'scan':
      return BigInt(plan.table.rowCount);
    case 'values':
      return BigInt(plan.rows.length);
    case 'filter':
    case 'project':
    case 'sort':
    case 'limit':
    case 'window':
      return maxRows(plan.input);
    case 'aggregate':
      return plan.groups.length === 0 ? 1n : maxRows(plan.input);
    case 'join': {
      const left = maxRows(plan.left);
      if (plan.type === 'semi' || plan.type === 'anti' || plan.type === 'mark') return left;
      if (plan.type === 'single') return left;
      const right = maxRows(plan.right);
      const outer = plan.type === 'inner' ? 0n : left + right;
      if (isUniqueOn(plan.right, rightKeys(plan))) return left + outer;
      if (isUniqueOn(plan.left, leftKeys(plan))) return right + outer;
      return left * right + outer;
    }
    case 'setOperation':
      return maxRows(plan.left) + maxRows(plan.right);
    case 'with':
      return maxRows(plan.body);
    case 'withReference':
      return plan.rowsMax ?? unbounded;
    case 'tableFunction':
    case 'recursive':
      return unbounded;
  }
}
