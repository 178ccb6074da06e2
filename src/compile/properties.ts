import type { Column, Expression } from '../plan/expression.ts';
import { children, columnOf, conjuncts } from '../plan/expression.ts';
import type { Join, Plan } from '../plan/plan.ts';
import { eachExpression } from '../plan/rewrite.ts';
import { isUniqueOn } from '../plan/uniqueness.ts';
import { splitCondition } from './operators/join-keys.ts';

/** The ids of the expressions that are columns. */
export function keyColumns(expressions: readonly Expression[]): Set<number> {
  const ids = new Set<number>();
  for (const expression of expressions) {
    const column = columnOf(expression);
    if (column !== undefined) ids.add(column.id);
  }
  return ids;
}

function idsOf(columns: ReadonlySet<Column>): Set<number> {
  return new Set([...columns].map(({ id }) => id));
}

/**
 * All columns in the plan whose value follows from those of `columns`, in every row the plan gives:
 * through keys of tables, equalities of joins, and groupings.
 */
export function determinedBy(plan: Plan, columns: ReadonlySet<Column>): Set<Column> {
  const known = new Set(columns);
  for (let size = -1; size !== known.size; ) {
    size = known.size;
    spread(plan, known);
  }
  return known;
}

function spread(plan: Plan, known: Set<Column>): void {
  const addAll = (columns: readonly Column[]) => {
    for (const column of columns) known.add(column);
  };
  switch (plan.kind) {
    case 'scan':
      if (isUniqueOn(plan, idsOf(known))) addAll(plan.columns);
      return;
    case 'filter':
    case 'sort':
    case 'limit':
      spread(plan.input, known);
      return;
    case 'project':
      spread(plan.input, known);
      plan.columns.forEach((column, i) => {
        const source = columnOf(plan.expressions[i]);
        if (source !== undefined && known.has(source)) known.add(column);
      });
      return;
    case 'aggregate':
      if (isUniqueOn(plan, idsOf(known))) addAll(plan.columns);
      return;
    case 'join':
      spreadThroughJoin(plan, known);
      return;
    default:
      return;
  }
}

/** NULLs for missing rows follow from nothing that holds within the side they stand for. */
function spreadThroughJoin(plan: Join, known: Set<Column>): void {
  const { type, left, right } = plan;
  if (type === 'full') return;
  if (type === 'right') {
    spread(right, known);
    return;
  }
  spread(left, known);
  if (type === 'semi' || type === 'anti' || type === 'mark') return;
  const keys = splitCondition(plan.condition, left, right);
  const pairs = keys.left.map((key, i) => [columnOf(key), columnOf(keys.right[i])] as const);
  // Whether a left row has a match must follow too, before anything of the match can.
  const decided = pairs.every(([a]) => a !== undefined && known.has(a));
  if (type !== 'inner' && (keys.residual.length > 0 || !decided)) return;
  for (const [a, b] of pairs) {
    if (a === undefined || b === undefined) continue;
    if (known.has(a)) known.add(b);
    else if (known.has(b)) known.add(a);
  }
  spread(right, known);
}

/** A rough number of rows where the optimizer left no estimate. */
export function estimatedRows(plan: Plan): number {
  if (plan.estimate !== undefined) return plan.estimate;
  switch (plan.kind) {
    case 'scan':
      return plan.table.rowCount * 0.3 ** plan.filters.flatMap(conjuncts).length;
    case 'values':
      return plan.rows.length;
    case 'filter':
      return estimatedRows(plan.input) * 0.3;
    case 'aggregate':
      return plan.groups.length === 0 ? 1 : estimatedRows(plan.input) * 0.3;
    case 'join':
      return Math.max(estimatedRows(plan.left), estimatedRows(plan.right));
    case 'setOperation':
      return estimatedRows(plan.left) + estimatedRows(plan.right);
    case 'with':
      return estimatedRows(plan.body);
    case 'recursive':
      return 10 * estimatedRows(plan.initial);
    case 'tableFunction':
    case 'withReference':
      return 1000;
    default:
      return estimatedRows(plan.input);
  }
}

/** For each node, the columns of its output that something above it reads. */
export function requiredColumns(root: Plan): Map<Plan, ReadonlySet<number>> {
  const required = new Map<Plan, Set<number>>();
  visit(root, new Set(root.columns.map((column) => column.id)));
  return required;

  function visit(plan: Plan, above: ReadonlySet<number>): void {
    const known = required.get(plan);
    const here = new Set([...above, ...(known ?? [])]);
    required.set(plan, here);
    const add = (set: Set<number>, expression: Expression | undefined): Set<number> => {
      if (expression !== undefined) collect(expression, set);
      return set;
    };
    switch (plan.kind) {
      case 'filter':
        visit(plan.input, add(new Set(here), plan.predicate));
        return;
      case 'project': {
        const below = new Set<number>();
        plan.expressions.forEach((expression, i) => {
          if (here.has(plan.columns[i].id)) add(below, expression);
        });
        visit(plan.input, below);
        return;
      }
      case 'join': {
        const below = add(new Set(here), plan.condition);
        visit(plan.left, below);
        visit(plan.right, below);
        return;
      }
      case 'aggregate': {
        const below = new Set<number>();
        for (const group of plan.groups) add(below, group);
        for (const aggregate of plan.aggregates) {
          for (const arg of aggregate.args) add(below, arg);
          for (const key of aggregate.order) add(below, key.expression);
          add(below, aggregate.filter);
        }
        visit(plan.input, below);
        return;
      }
      case 'sort': {
        const below = new Set(here);
        for (const key of plan.keys) add(below, key.expression);
        visit(plan.input, below);
        return;
      }
      case 'limit':
        visit(plan.input, here);
        return;
      case 'setOperation':
        visit(plan.left, new Set(plan.left.columns.map((column) => column.id)));
        visit(plan.right, new Set(plan.right.columns.map((column) => column.id)));
        return;
      case 'recursive':
        visit(plan.initial, new Set(plan.initial.columns.map((column) => column.id)));
        visit(plan.step, new Set(plan.step.columns.map((column) => column.id)));
        return;
      case 'with':
        visit(plan.definition, new Set(plan.definition.columns.map((column) => column.id)));
        visit(plan.body, here);
        return;
      case 'window': {
        const below = new Set(here);
        eachExpression(plan, (expression) => add(below, expression));
        visit(plan.input, below);
        return;
      }
      default:
        return;
    }
  }
}

function collect(expression: Expression, into: Set<number>): void {
  if (expression.kind === 'column') into.add(expression.column.id);
  else for (const child of children(expression)) collect(child, into);
}
