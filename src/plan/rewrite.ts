import type { AggregateCall, Expression, SortKey } from './expression.ts';
import type { FrameBound, Plan, WindowCall, WindowFrame } from './plan.ts';

/**
 * Rebuilding immutable trees. Each function applies `change` to the direct parts of a node and
 * returns the very same node when no part changed, so unchanged subtrees are shared and a rewrite
 * that does nothing costs no memory.
 */
export type ExpressionChange = (expression: Expression) => Expression;

export function mapList<T>(items: readonly T[], change: (item: T) => T): readonly T[] {
  let changed: T[] | undefined;
  for (let i = 0; i < items.length; i++) {
    const item = change(items[i]);
    if (item === items[i]) continue;
    changed ??= [...items];
    changed[i] = item;
  }
  return changed ?? items;
}

/**
 * Applies `change` to the direct sub-expressions; `plan`, when given, to the plan of a subquery.
 */
export function mapChildren(
  expression: Expression,
  change: ExpressionChange,
  plan?: (plan: Plan) => Plan,
): Expression {
  switch (expression.kind) {
    case 'column':
    case 'constant':
    case 'parameter':
      return expression;
    case 'call': {
      const args = mapList(expression.args, change);
      return args === expression.args ? expression : { ...expression, args };
    }
    case 'cast': {
      const input = change(expression.input);
      return input === expression.input ? expression : { ...expression, input };
    }
    case 'case': {
      const branches = mapList(expression.branches, (branch) => {
        const when = change(branch.when);
        const then = change(branch.then);
        return when === branch.when && then === branch.then ? branch : { when, then };
      });
      const otherwise = change(expression.otherwise);
      const same = branches === expression.branches && otherwise === expression.otherwise;
      return same ? expression : { ...expression, branches, otherwise };
    }
    case 'inList': {
      const input = change(expression.input);
      const list = mapList(expression.list, change);
      const same = input === expression.input && list === expression.list;
      return same ? expression : { ...expression, input, list };
    }
    case 'subquery': {
      const operands = mapList(expression.operands, change);
      const inner = plan === undefined ? expression.plan : plan(expression.plan);
      const same = operands === expression.operands && inner === expression.plan;
      return same ? expression : { ...expression, operands, plan: inner };
    }
  }
}

/** The expression with `change` applied from the leaves up, subqueries' operands included. */
export function rewriteExpression(expression: Expression, change: ExpressionChange): Expression {
  return change(mapChildren(expression, (child) => rewriteExpression(child, change)));
}

/** Applies `change` to the inputs of a node. */
export function mapInputs(plan: Plan, change: (plan: Plan) => Plan): Plan {
  switch (plan.kind) {
    case 'scan':
    case 'tableFunction':
    case 'values':
    case 'withReference':
      return plan;
    case 'filter':
    case 'project':
    case 'aggregate':
    case 'sort':
    case 'limit': {
      const input = change(plan.input);
      return input === plan.input ? plan : { ...plan, input };
    }
    case 'window': {
      // Which columns are those of the calls is told by their place behind the input's.
      const input = change(plan.input);
      if (input === plan.input) return plan;
      const added = plan.columns.slice(plan.input.columns.length);
      return { ...plan, input, columns: [...input.columns, ...added] };
    }
    case 'join':
    case 'setOperation': {
      const left = change(plan.left);
      const right = change(plan.right);
      return left === plan.left && right === plan.right ? plan : { ...plan, left, right };
    }
    case 'with': {
      const definition = change(plan.definition);
      const body = change(plan.body);
      const same = definition === plan.definition && body === plan.body;
      return same ? plan : { ...plan, definition, body };
    }
    case 'recursive': {
      const initial = change(plan.initial);
      const step = change(plan.step);
      return initial === plan.initial && step === plan.step ? plan : { ...plan, initial, step };
    }
  }
}

function mapOptional(
  expression: Expression | undefined,
  change: ExpressionChange,
): Expression | undefined {
  return expression === undefined ? undefined : change(expression);
}

function mapKeys(keys: readonly SortKey[], change: ExpressionChange): readonly SortKey[] {
  return mapList(keys, (key) => {
    const expression = change(key.expression);
    return expression === key.expression ? key : { ...key, expression };
  });
}

export function mapAggregate(call: AggregateCall, change: ExpressionChange): AggregateCall {
  const args = mapList(call.args, change);
  const filter = mapOptional(call.filter, change);
  const order = mapKeys(call.order, change);
  const same = args === call.args && filter === call.filter && order === call.order;
  return same ? call : { ...call, args, filter, order };
}

function mapBound(bound: FrameBound, change: ExpressionChange): FrameBound {
  if (bound.kind !== 'preceding' && bound.kind !== 'following') return bound;
  const offset = change(bound.offset);
  return offset === bound.offset ? bound : { ...bound, offset };
}

function mapFrame(frame: WindowFrame, change: ExpressionChange): WindowFrame {
  const start = mapBound(frame.start, change);
  const end = mapBound(frame.end, change);
  return start === frame.start && end === frame.end ? frame : { ...frame, start, end };
}

function mapWindow(window: WindowCall, change: ExpressionChange): WindowCall {
  const call = mapAggregate(window.call, change);
  const frame = window.frame === undefined ? undefined : mapFrame(window.frame, change);
  return call === window.call && frame === window.frame ? window : { ...window, call, frame };
}

/** Applies `change` to the expressions that stand in this node itself. */
export function mapExpressions(plan: Plan, change: ExpressionChange): Plan {
  switch (plan.kind) {
    case 'withReference':
    case 'setOperation':
    case 'with':
    case 'recursive':
      return plan;
    case 'scan': {
      const filters = mapList(plan.filters, change);
      return filters === plan.filters ? plan : { ...plan, filters };
    }
    case 'tableFunction': {
      const args = mapList(plan.args, change);
      const named = new Map([...plan.named].map(([name, value]) => [name, change(value)]));
      const same =
        args === plan.args && [...named].every(([n, value]) => plan.named.get(n) === value);
      return same ? plan : { ...plan, args, named };
    }
    case 'values': {
      const rows = mapList(plan.rows, (row) => mapList(row, change));
      return rows === plan.rows ? plan : { ...plan, rows };
    }
    case 'filter': {
      const predicate = change(plan.predicate);
      return predicate === plan.predicate ? plan : { ...plan, predicate };
    }
    case 'project': {
      const expressions = mapList(plan.expressions, change);
      return expressions === plan.expressions ? plan : { ...plan, expressions };
    }
    case 'join': {
      const condition = mapOptional(plan.condition, change);
      return condition === plan.condition ? plan : { ...plan, condition };
    }
    case 'aggregate': {
      const groups = mapList(plan.groups, change);
      const aggregates = mapList(plan.aggregates, (item) => mapAggregate(item, change));
      const same = groups === plan.groups && aggregates === plan.aggregates;
      return same ? plan : { ...plan, groups, aggregates };
    }
    case 'window': {
      const partition = mapList(plan.partition, change);
      const order = mapKeys(plan.order, change);
      const calls = mapList(plan.calls, (item) => mapWindow(item, change));
      const same = partition === plan.partition && order === plan.order && calls === plan.calls;
      return same ? plan : { ...plan, partition, order, calls };
    }
    case 'sort': {
      const keys = mapKeys(plan.keys, change);
      return keys === plan.keys ? plan : { ...plan, keys };
    }
    case 'limit': {
      const limit = mapOptional(plan.limit, change);
      const offset = mapOptional(plan.offset, change);
      return limit === plan.limit && offset === plan.offset ? plan : { ...plan, limit, offset };
    }
  }
}

/** Calls `visit` with each expression that stands in this node itself. */
export function eachExpression(plan: Plan, visit: (expression: Expression) => void): void {
  mapExpressions(plan, (expression) => {
    visit(expression);
    return expression;
  });
}

/** The plan with `change` applied from the leaves up; plans of subqueries are left alone. */
export function rewritePlan(plan: Plan, change: (plan: Plan) => Plan): Plan {
  return change(mapInputs(plan, (input) => rewritePlan(input, change)));
}
