import type { Expression } from '../../plan/expression.ts';
import { usedColumns } from '../../plan/free-columns.ts';
import { inputs, type Plan } from '../../plan/plan.ts';
import { eachExpression, mapInputs } from '../../plan/rewrite.ts';

/**
 * Removes columns that nothing uses: scans read only what is needed, projections and aggregates
 * compute only that.
 */
export function prune(plan: Plan): Plan {
  const used = new Set(plan.columns.map((column) => column.id));
  collect(plan, used);
  return narrow(plan, used);
}

/** Ids of all columns that some expression, or an operator that needs all its input, uses. */
function collect(plan: Plan, used: Set<number>): void {
  if (plan.kind === 'project' || plan.kind === 'aggregate') {
    // Only the expressions of columns that are used themselves count; those above come first.
    const expressions: Expression[] = [];
    if (plan.kind === 'project') {
      plan.columns.forEach((column, i) => {
        if (used.has(column.id)) expressions.push(plan.expressions[i]);
      });
    } else {
      expressions.push(...plan.groups);
      plan.aggregates.forEach((call, i) => {
        if (!used.has(plan.columns[plan.groups.length + i].id)) return;
        expressions.push(...call.args);
        if (call.filter !== undefined) expressions.push(call.filter);
        expressions.push(...call.order.map((key) => key.expression));
      });
    }
    for (const expression of expressions) {
      for (const id of usedColumns(expression).keys()) used.add(id);
    }
  } else {
    eachExpression(plan, (expression) => {
      for (const id of usedColumns(expression).keys()) used.add(id);
    });
  }
  if (plan.kind === 'setOperation') {
    for (const input of [plan.left, plan.right]) for (const c of input.columns) used.add(c.id);
  }
  if (plan.kind === 'with') for (const column of plan.definition.columns) used.add(column.id);
  if (plan.kind === 'with') {
    collect(plan.body, used);
    collect(plan.definition, used);
    return;
  }
  for (const input of inputs(plan)) collect(input, used);
}

function narrow(plan: Plan, used: ReadonlySet<number>): Plan {
  const inner = mapInputs(plan, (input) => narrow(input, used));
  switch (inner.kind) {
    case 'scan': {
      const kept = inner.columns.map((column) => used.has(column.id));
      if (kept.every(Boolean)) return inner;
      return {
        ...inner,
        columns: inner.columns.filter((_, i) => kept[i]),
        ordinals: inner.ordinals.filter((_, i) => kept[i]),
      };
    }
    case 'project': {
      const kept = inner.columns.map((column) => used.has(column.id));
      if (kept.every(Boolean)) return inner;
      return {
        ...inner,
        columns: inner.columns.filter((_, i) => kept[i]),
        expressions: inner.expressions.filter((_, i) => kept[i]),
      };
    }
    case 'aggregate': {
      const first = inner.groups.length;
      const kept = inner.aggregates.map((_, i) => used.has(inner.columns[first + i].id));
      if (kept.every(Boolean)) return inner;
      return {
        ...inner,
        aggregates: inner.aggregates.filter((_, i) => kept[i]),
        columns: inner.columns.filter((_, i) => i < first || kept[i - first]),
      };
    }
    case 'filter':
    case 'sort':
    case 'limit':
      return { ...inner, columns: inner.input.columns };
    case 'join': {
      const { left, right, type, mark } = inner;
      if (type === 'semi' || type === 'anti') return { ...inner, columns: left.columns };
      if (type === 'mark' && mark !== undefined) {
        return { ...inner, columns: [...left.columns, mark] };
      }
      return { ...inner, columns: [...left.columns, ...right.columns] };
    }
    case 'window': {
      const added = inner.columns.slice(-inner.calls.length);
      return { ...inner, columns: [...inner.input.columns, ...added] };
    }
    case 'with':
      return { ...inner, columns: inner.body.columns };
    default:
      return inner;
  }
}
