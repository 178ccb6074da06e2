import { type Column, conjuncts, type Expression } from '../../plan/expression.ts';
import type { Join, Plan } from '../../plan/plan.ts';
import { type ColumnFacts, selectivity } from './selectivity.ts';

/** Estimated rows of a plan and distinct values of its columns. */
export interface Cardinality {
  readonly rows: number;
  distinct(column: Column): number;
  facts(column: Column): ColumnFacts | undefined;
}

const known = new WeakMap<Plan, Cardinality>();

/** The estimate for a plan; computed once for each node. */
export function cardinality(plan: Plan): Cardinality {
  let result = known.get(plan);
  if (result === undefined) {
    result = compute(plan);
    known.set(plan, result);
  }
  return result;
}

function limited(input: Cardinality, rows: number): Cardinality {
  const count = Math.max(rows, 1);
  return {
    rows: count,
    distinct: (column) => fewer(input.distinct(column), input.rows, count),
    facts: (column) => input.facts(column),
  };
}

/** How many of `distinct` values are left when only `kept` of `rows` rows are (Cardenas' formula). */
function fewer(distinct: number, rows: number, kept: number): number {
  if (kept >= rows || distinct <= 1) return Math.min(distinct, Math.max(kept, 1));
  const perValue = rows / distinct;
  const left = distinct * (1 - (1 - kept / rows) ** perValue);
  return Math.max(Math.min(left, kept), 1);
}

const noFacts = (): undefined => undefined;

function compute(plan: Plan): Cardinality {
  switch (plan.kind) {
    case 'scan': {
      const { table } = plan;
      const facts = (column: Column): ColumnFacts | undefined => {
        const ordinal = plan.ordinals[plan.columns.indexOf(column)];
        if (ordinal === undefined) return undefined;
        const { statistics, layout } = table.data.columns[ordinal];
        const dictionary = layout.kind === 'dictionary' ? layout.dictionary : undefined;
        return { statistics, rowCount: table.rowCount, dictionary };
      };
      const base: Cardinality = {
        rows: Math.max(table.rowCount, 1),
        distinct: (column) => facts(column)?.statistics.distinctCount ?? table.rowCount,
        facts,
      };
      if (plan.filters.length === 0) return base;
      const share = selectivityOfAll(plan.filters, base);
      return limited(base, base.rows * share);
    }
    case 'filter': {
      const input = cardinality(plan.input);
      return limited(input, input.rows * selectivity(plan.predicate, input.facts));
    }
    case 'project': {
      const input = cardinality(plan.input);
      const source = (column: Column): Column | undefined => {
        const expression = plan.expressions[plan.columns.indexOf(column)];
        return expression?.kind === 'column' ? expression.column : undefined;
      };
      return {
        rows: input.rows,
        distinct: (column) => {
          const from = source(column);
          return from === undefined ? input.rows : input.distinct(from);
        },
        facts: (column) => {
          const from = source(column);
          return from && input.facts(from);
        },
      };
    }
    case 'join':
      return joinCardinality(plan);
    case 'aggregate': {
      const input = cardinality(plan.input);
      const groups = plan.groups.map((group) =>
        group.kind === 'column' ? input.distinct(group.column) : Math.sqrt(input.rows),
      );
      const product = groups.reduce((a, b) => a * b, 1);
      const rows = plan.groups.length === 0 ? 1 : Math.max(1, Math.min(product, input.rows));
      return {
        rows,
        distinct: (column) => {
          const index = plan.columns.indexOf(column);
          return Math.min(groups[index] ?? rows, rows);
        },
        facts: noFacts,
      };
    }
    case 'limit': {
      const input = cardinality(plan.input);
      const { limit } = plan;
      const most =
        limit?.kind === 'constant' && limit.value !== null ? Number(limit.value) : Infinity;
      return limited(input, Math.min(input.rows, most));
    }
    case 'sort':
    case 'window':
      return cardinality(plan.input);
    case 'setOperation': {
      const rows = cardinality(plan.left).rows + cardinality(plan.right).rows;
      return { rows, distinct: () => rows, facts: noFacts };
    }
    case 'values':
      return { rows: plan.rows.length, distinct: () => plan.rows.length, facts: noFacts };
    case 'with':
      return cardinality(plan.body);
    case 'tableFunction':
    case 'withReference':
      return { rows: plan.estimate ?? 1000, distinct: () => plan.estimate ?? 1000, facts: noFacts };
  }
}

function selectivityOfAll(filters: readonly Expression[], input: Cardinality): number {
  const all = filters.flatMap(conjuncts);
  if (all.length === 0) return 1;
  const [first] = all;
  if (all.length === 1) return selectivity(first, input.facts);
  const predicate: Expression = {
    kind: 'call',
    name: 'and',
    args: all,
    type: first.type,
    nullable: true,
  };
  return selectivity(predicate, input.facts);
}

/** Share of the pairs of rows that a join condition lets through. */
export function joinSelectivity(
  condition: Expression | undefined,
  left: Cardinality,
  right: Cardinality,
  isLeft: (column: Column) => boolean,
): number {
  if (condition === undefined) return 1;
  let share = 1;
  const keys: number[] = [];
  for (const part of conjuncts(condition)) {
    const distinct = equalityDistinct(part, left, right, isLeft);
    if (distinct !== undefined) keys.push(distinct);
    else share *= selectivity(part, (column) => left.facts(column) ?? right.facts(column));
  }
  // Several keys to one side are seldom independent: together they tell no more rows apart than
  // that side has.
  const most = Math.max(left.rows, right.rows);
  const product = keys.reduce((a, b) => a * b, 1);
  return share / Math.max(1, keys.length > 1 ? Math.min(product, most) : product);
}

function equalityDistinct(
  part: Expression,
  left: Cardinality,
  right: Cardinality,
  isLeft: (column: Column) => boolean,
): number | undefined {
  if (part.kind !== 'call' || (part.name !== 'eq' && part.name !== 'is_not_distinct_from')) {
    return undefined;
  }
  const [a, b] = part.args;
  if (a.kind !== 'column' || b.kind !== 'column') return undefined;
  const [x, y] = isLeft(a.column) ? [a.column, b.column] : [b.column, a.column];
  if (!isLeft(x) || isLeft(y)) return undefined;
  return Math.max(left.distinct(x), right.distinct(y));
}

function joinCardinality(join: Join): Cardinality {
  const left = cardinality(join.left);
  const right = cardinality(join.right);
  const leftColumns = new Set(join.left.columns);
  const isLeft = (column: Column): boolean => leftColumns.has(column);
  const share = joinSelectivity(join.condition, left, right, isLeft);
  const matches = left.rows * right.rows * share;
  const both: Cardinality = {
    rows: matches,
    distinct: (column) => (isLeft(column) ? left : right).distinct(column),
    facts: (column) => (isLeft(column) ? left : right).facts(column),
  };
  switch (join.type) {
    case 'inner':
      return joined(both, left, right, isLeft, matches);
    case 'left':
    case 'single':
      return joined(both, left, right, isLeft, Math.max(matches, left.rows));
    case 'right':
      return joined(both, left, right, isLeft, Math.max(matches, right.rows));
    case 'full':
      return joined(both, left, right, isLeft, Math.max(matches, left.rows, right.rows));
    case 'semi':
      return limited(left, existing(join, left, right, isLeft));
    case 'anti':
      return limited(
        left,
        Math.max(left.rows - existing(join, left, right, isLeft), left.rows * 0.05),
      );
    case 'mark':
      return left;
  }
}

function joined(
  both: Cardinality,
  left: Cardinality,
  right: Cardinality,
  isLeft: (column: Column) => boolean,
  rows: number,
): Cardinality {
  const count = Math.max(rows, 1);
  return {
    rows: count,
    distinct: (column) => {
      const side = isLeft(column) ? left : right;
      const distinct = side.distinct(column);
      return count < side.rows ? fewer(distinct, side.rows, count) : Math.min(distinct, count);
    },
    facts: both.facts,
  };
}

/** Rows of the left that have a match: the share of its key values that the right side has. */
function existing(
  join: Join,
  left: Cardinality,
  right: Cardinality,
  isLeft: (column: Column) => boolean,
): number {
  let share = 1;
  for (const part of join.condition === undefined ? [] : conjuncts(join.condition)) {
    if (part.kind !== 'call' || part.name !== 'eq') continue;
    const [a, b] = part.args;
    if (a.kind !== 'column' || b.kind !== 'column') continue;
    const [x, y] = isLeft(a.column) ? [a.column, b.column] : [b.column, a.column];
    share = Math.min(share, right.distinct(y) / Math.max(left.distinct(x), right.distinct(y)));
  }
  return left.rows * share;
}
