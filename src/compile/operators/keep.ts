import { maxRows } from '../../plan/max-rows.ts';
import type { Plan } from '../../plan/plan.ts';
import { estimatedRows } from '../properties.ts';
import type { Query } from '../query.ts';

/**
 * Whether what an operator makes of the rows of a plan, so many bytes of each, stays in memory. In
 * a program that does not spill, everything does.
 */
export function keeps(query: Query, plan: Plan, bytesPerRow: number): boolean {
  const { spill } = query.options;
  if (spill === undefined) {
    query.keptBytes = Math.max(query.keptBytes, estimatedRows(plan) * bytesPerRow);
    return true;
  }
  const rows = spill.certain ? Number(maxRows(plan)) : estimatedRows(plan);
  return rows * bytesPerRow <= spill.keepBytes;
}
