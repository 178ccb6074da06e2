import { conjunction, conjuncts, type Expression } from '../../plan/expression.ts';
import { columnIds, isCovered, usedColumns } from '../../plan/free-columns.ts';
import type { Aggregate, Join, Plan } from '../../plan/plan.ts';
import { mapInputs } from '../../plan/rewrite.ts';
import { columnSubstitution, substitute } from '../../plan/substitute.ts';
import { JoinGraph } from '../joins/graph.ts';
import { orderJoins } from '../joins/order.ts';
import { filtered, onlyColumns } from './unnest.ts';

/**
 * Moves predicates to where they can first be evaluated, down to the filters of scans, and hands
 * every region of inner joins on its way to the join order.
 */
export function pushDown(plan: Plan): Plan {
  return push(plan, []);
}

/** The plan with `predicates` applied to its rows, as deep inside as they can go. */
export function push(plan: Plan, predicates: readonly Expression[]): Plan {
  switch (plan.kind) {
    case 'scan':
      if (predicates.length === 0) return plan;
      return { ...plan, filters: [...plan.filters, ...predicates] };
    case 'filter':
      return push(plan.input, [...predicates, ...conjuncts(plan.predicate)]);
    case 'project': {
      // The predicate is evaluated on what the projection computes from.
      const by = new Map(plan.columns.map((column, i) => [column.id, plan.expressions[i]]));
      const below = predicates.map((predicate) => substitute(predicate, by));
      return { ...plan, input: push(plan.input, below) };
    }
    case 'aggregate':
      return pushIntoAggregate(plan, predicates);
    case 'join':
      return pushIntoJoin(plan, predicates);
    case 'sort': {
      return { ...plan, input: push(plan.input, predicates) };
    }
    case 'setOperation': {
      const side = (input: Plan): Plan => {
        const by = columnSubstitution(plan.columns, input.columns);
        return push(
          input,
          predicates.map((predicate) => substitute(predicate, by)),
        );
      };
      return { ...plan, left: side(plan.left), right: side(plan.right) };
    }
    case 'with':
      return { ...plan, definition: push(plan.definition, []), body: push(plan.body, predicates) };
    default:
      return filtered(
        mapInputs(plan, (input) => push(input, [])),
        predicates,
      );
  }
}

/** A predicate on the groups alone removes whole groups, so it may as well remove their rows. */
function pushIntoAggregate(plan: Aggregate, predicates: readonly Expression[]): Plan {
  const groups = new Map(plan.groups.map((group, i) => [plan.columns[i].id, group]));
  const below: Expression[] = [];
  const above: Expression[] = [];
  for (const predicate of predicates) {
    const onGroups = plan.groupingSets === undefined && plan.groups.length > 0;
    if (onGroups && isCovered(predicate, groups)) below.push(substitute(predicate, groups));
    else above.push(predicate);
  }
  return filtered({ ...plan, input: push(plan.input, below) }, above);
}

function pushIntoJoin(plan: Join, predicates: readonly Expression[]): Plan {
  const join = simplifyOuter(plan, predicates);
  switch (join.type) {
    case 'inner':
    case 'semi':
    case 'anti':
      return orderRegion(join, predicates);
    case 'left':
    case 'single':
    case 'mark':
      return pushIntoOuter(join, predicates);
    default:
      return filtered(
        { ...join, left: push(join.left, []), right: push(join.right, []) },
        predicates,
      );
  }
}

/** An outer join is an inner one if a predicate above it is never TRUE for the rows it adds. */
function simplifyOuter(join: Join, predicates: readonly Expression[]): Join {
  if (join.type !== 'left' && join.type !== 'single') return join;
  // More than one match must stay an error unless there cannot be one.
  if (join.type === 'single' && !isOneRowPerKey(join)) return join;
  const right = columnIds(join.right);
  const rejects = predicates.some((predicate) => rejectsNull(predicate, right));
  return rejects ? { ...join, type: 'inner' } : join;
}

/** Whether the right side, an aggregate, has at most one row for each value of the join's keys. */
function isOneRowPerKey(join: Join): boolean {
  let plan = join.right;
  while (plan.kind === 'project' || plan.kind === 'filter' || plan.kind === 'sort')
    plan = plan.input;
  if (plan.kind !== 'aggregate' || join.condition === undefined) return false;
  const keys = new Set<number>();
  for (const part of conjuncts(join.condition)) {
    if (part.kind !== 'call' || part.name !== 'eq') continue;
    for (const arg of part.args) if (arg.kind === 'column') keys.add(arg.column.id);
  }
  return plan.groups.every((_, i) => keys.has((plan as Aggregate).columns[i].id));
}

/** Comparisons and arithmetic on a NULL are NULL, which no filter lets through. */
const strict = new Set([
  'eq',
  'ne',
  'lt',
  'le',
  'gt',
  'ge',
  'add',
  'subtract',
  'multiply',
  'divide',
  'modulo',
  'negate',
  'like',
  'ilike',
]);

function rejectsNull(predicate: Expression, columns: ReadonlySet<number>): boolean {
  const nullWithout = (expression: Expression): boolean => {
    switch (expression.kind) {
      case 'column':
        return columns.has(expression.column.id);
      case 'cast':
        return nullWithout(expression.input);
      case 'inList':
        return nullWithout(expression.input);
      case 'call':
        return strict.has(expression.name) && expression.args.some(nullWithout);
      default:
        return false;
    }
  };
  if (predicate.kind === 'call' && predicate.name === 'is_not_null') {
    return nullWithout(predicate.args[0]);
  }
  if (predicate.kind === 'call' && (predicate.name === 'and' || predicate.name === 'or')) {
    const each = predicate.args.map((arg) => rejectsNull(arg, columns));
    return predicate.name === 'and' ? each.some(Boolean) : each.every(Boolean);
  }
  return nullWithout(predicate);
}

/** LEFT, single, mark: predicates on the left go there, the right side takes those of ON. */
function pushIntoOuter(join: Join, predicates: readonly Expression[]): Plan {
  const leftIds = columnIds(join.left);
  const rightIds = columnIds(join.right);
  const left: Expression[] = [];
  const above: Expression[] = [];
  for (const predicate of predicates) {
    (isCovered(predicate, leftIds) ? left : above).push(predicate);
  }
  const right: Expression[] = [];
  const condition: Expression[] = [];
  for (const part of join.condition === undefined ? [] : conjuncts(join.condition)) {
    // A mark join must see the rows whose comparison is NULL.
    const movable = join.type !== 'mark' && isCovered(part, rightIds) && usedColumns(part).size > 0;
    (movable ? right : condition).push(part);
  }
  const pushed: Join = {
    ...join,
    left: push(join.left, left),
    right: push(join.right, right),
    condition: conjunction(condition),
  };
  return filtered(pushed, above);
}

/** Collects a region of inner, semi and anti joins and puts it in a good order. */
function orderRegion(join: Join, predicates: readonly Expression[]): Plan {
  const graph = new JoinGraph();
  collect(join, graph);
  for (const predicate of predicates) graph.addPredicate(predicate);
  graph.deriveEqualities();
  for (const relation of graph.relations) {
    const own = graph.takePredicates(relation.columns);
    relation.plan = push(relation.plan, own);
  }
  for (const reducer of graph.reducers) reducer.right = push(reducer.right, reducer.rightOnly);
  return onlyColumns(orderJoins(graph), join.columns);
}

function collect(plan: Plan, graph: JoinGraph): void {
  if (plan.kind === 'filter') {
    for (const part of conjuncts(plan.predicate)) graph.addPredicate(part);
    collect(plan.input, graph);
    return;
  }
  if (plan.kind === 'project' && isRenaming(plan)) {
    collect(plan.input, graph);
    return;
  }
  if (plan.kind === 'join' && plan.type === 'inner') {
    collect(plan.left, graph);
    collect(plan.right, graph);
    for (const part of plan.condition === undefined ? [] : conjuncts(plan.condition)) {
      graph.addPredicate(part);
    }
    return;
  }
  if (plan.kind === 'join' && (plan.type === 'semi' || plan.type === 'anti')) {
    collect(plan.left, graph);
    graph.addReducer(plan);
    return;
  }
  graph.addRelation(plan);
}

/** A projection that only drops columns changes nothing that predicates could see. */
function isRenaming(plan: Extract<Plan, { kind: 'project' }>): boolean {
  return plan.expressions.every((e, i) => e.kind === 'column' && e.column === plan.columns[i]);
}
