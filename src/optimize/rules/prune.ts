import { makeJoin, makeSelection } from '../../plan/build.ts';
import type { Column, Expression } from '../../plan/expression.ts';
import { usedColumns } from '../../plan/free-columns.ts';
import type { Aggregate, Join, Plan, With } from '../../plan/plan.ts';
import { eachExpression, mapInputs } from '../../plan/rewrite.ts';
import { isUniqueOn, rightKeys } from '../../plan/uniqueness.ts';

/** Which columns of common tables are read, by their places; by the tables' ids. */
type ReadColumns = Map<number, Set<number>>;

/** Drops columns that nobody reads; the columns of the root all stay, in their order. */
export function pruneColumns(plan: Plan): Plan {
  const needed = new Set(plan.columns.map((column) => column.id));
  const read: ReadColumns = new Map();
  const pruned = prune(plan, needed, read);
  // Only now is it known what is read of common tables.
  const narrowed = narrowReferences(pruned, read);
  return narrowed === pruned ? pruned : prune(narrowed, needed, new Map());
}

function prune(plan: Plan, needed: ReadonlySet<number>, read: ReadColumns): Plan {
  const isNeeded = (column: Column): boolean => needed.has(column.id);
  const below = (): Set<number> => {
    const ids = new Set(needed);
    eachExpression(plan, (expression) => addUsed(ids, expression));
    return ids;
  };
  switch (plan.kind) {
    case 'scan':
      return pruneScan(plan, below());
    case 'project':
      return pruneProject(plan, isNeeded, read);
    case 'aggregate':
      return pruneAggregate(plan, isNeeded, read);
    case 'join': {
      if (isIdle(plan, needed)) return prune(plan.left, needed, read);
      const ids = below();
      const left = withoutSelection(prune(plan.left, ids, read));
      const right = withoutSelection(prune(plan.right, ids, read));
      const join = makeJoin(plan.type, left, right, plan.condition, plan.mark);
      return plan.estimate === undefined ? join : { ...join, estimate: plan.estimate };
    }
    case 'filter':
    case 'sort':
    case 'limit': {
      const input = prune(plan.input, below(), read);
      return { ...plan, input, columns: input.columns };
    }
    case 'window': {
      const input = prune(plan.input, below(), read);
      const added = plan.columns.slice(plan.input.columns.length);
      return { ...plan, input, columns: [...input.columns, ...added] };
    }
    case 'setOperation': {
      const all = (side: Plan): Set<number> => new Set(side.columns.map((column) => column.id));
      const left = prune(plan.left, all(plan.left), read);
      const right = prune(plan.right, all(plan.right), read);
      return { ...plan, left, right };
    }
    case 'recursive': {
      const all = (side: Plan): Set<number> => new Set(side.columns.map((column) => column.id));
      const initial = prune(plan.initial, all(plan.initial), read);
      return { ...plan, initial, step: prune(plan.step, all(plan.step), read) };
    }
    case 'with':
      return pruneTable(plan, needed, read);
    case 'withReference': {
      const places = read.get(plan.id);
      plan.columns.forEach((column, i) => {
        if (isNeeded(column)) places?.add(i);
      });
      return plan;
    }
    default:
      return plan;
  }
}

function pruneTable(plan: With, needed: ReadonlySet<number>, read: ReadColumns): Plan {
  const places = new Set<number>();
  read.set(plan.id, places);
  const body = prune(plan.body, needed, read);
  // Rows that are only counted have to be there as well.
  if (places.size === 0) places.add(0);
  const kept = plan.definition.columns.filter((_, i) => places.has(i));
  const inner = prune(plan.definition, new Set(kept.map(({ id }) => id)), read);
  const same =
    kept.length === inner.columns.length && kept.every(({ id }, i) => id === inner.columns[i].id);
  const definition = same ? inner : makeSelection(inner, kept);
  return { ...plan, definition, body, columns: body.columns };
}

/** Readers of common tables with the columns that are still there; other nodes as they are. */
function narrowReferences(plan: Plan, read: ReadColumns): Plan {
  if (plan.kind !== 'withReference') {
    return mapInputs(plan, (input) => narrowReferences(input, read));
  }
  const places = read.get(plan.id);
  if (places === undefined || places.size === plan.columns.length) return plan;
  return { ...plan, columns: plan.columns.filter((_, i) => places.has(i)) };
}

/** Whether a join passes every row of its left side on once, and adds nothing that is read. */
function isIdle(join: Join, needed: ReadonlySet<number>): boolean {
  if (join.type === 'mark') return join.mark !== undefined && !needed.has(join.mark.id);
  if (join.type !== 'left' || join.right.columns.some((column) => needed.has(column.id))) {
    return false;
  }
  return isUniqueOn(join.right, rightKeys(join));
}

function addUsed(ids: Set<number>, expression: Expression): void {
  for (const id of usedColumns(expression).keys()) ids.add(id);
}

function pruneScan(plan: Extract<Plan, { kind: 'scan' }>, needed: ReadonlySet<number>): Plan {
  const kept = plan.columns.map((column) => needed.has(column.id));
  if (kept.every(Boolean)) return plan;
  return {
    ...plan,
    columns: plan.columns.filter((_, i) => kept[i]),
    ordinals: plan.ordinals.filter((_, i) => kept[i]),
  };
}

function pruneProject(
  plan: Extract<Plan, { kind: 'project' }>,
  isNeeded: (column: Column) => boolean,
  read: ReadColumns,
): Plan {
  const columns = plan.columns.filter(isNeeded);
  const expressions = plan.expressions.filter((_, i) => isNeeded(plan.columns[i]));
  const ids = new Set<number>();
  for (const expression of expressions) addUsed(ids, expression);
  const input = withoutSelection(prune(plan.input, ids, read));
  return { ...plan, input, columns, expressions };
}

/** For a reader that names the columns it wants, one that only leaves some out is of no use. */
function withoutSelection(plan: Plan): Plan {
  if (plan.kind !== 'project') return plan;
  const passesOnly = plan.expressions.every(
    (expression, i) => expression.kind === 'column' && expression.column.id === plan.columns[i].id,
  );
  return passesOnly ? plan.input : plan;
}

/** Groups decide how many rows there are, so they stay; unused aggregates go. */
function pruneAggregate(
  plan: Aggregate,
  isNeeded: (column: Column) => boolean,
  read: ReadColumns,
): Plan {
  const { groups } = plan;
  const kept = plan.aggregates.filter((_, i) => isNeeded(plan.columns[groups.length + i]));
  const columns = [
    ...plan.columns.slice(0, groups.length),
    ...plan.columns.slice(groups.length).filter(isNeeded),
  ];
  const pruned: Aggregate = { ...plan, aggregates: kept, columns };
  const ids = new Set<number>();
  eachExpression(pruned, (expression) => addUsed(ids, expression));
  return { ...pruned, input: withoutSelection(prune(plan.input, ids, read)) };
}
