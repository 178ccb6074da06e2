import { conjuncts, type Expression } from '../../plan/expression.ts';
import { columnIds, isCovered } from '../../plan/free-columns.ts';
import type { Aggregate, Join, Plan, Scan } from '../../plan/plan.ts';
import { combinationsIn } from './combinations.ts';
import { type ColumnFigures, scanFigures, totalFigures } from './figures.ts';
import { evenKey, type KeyFigures, keyFigures } from './key-shares.ts';
import { type SampledScan, sampleScan } from './scan-sample.ts';
import { distinctOf, type FiguresOf, selectivity } from './selectivity.ts';

/** Rounds of a recursive common table. */
const recursionDepth = 10;
/** Rows of a table function, which nothing is known of. */
const unknownRows = 1000;

/**
 * Estimates how many rows a plan gives, from the statistics of its tables. What it learns of
 * columns it keeps, so an inner node asks about columns that were made far below.
 */
export class Estimator {
  readonly #rows = new WeakMap<Plan, number>();
  readonly #figures = new Map<number, ColumnFigures>();
  /** The scan that makes a column. */
  readonly #scans = new Map<number, Scan>();
  /** Rows of common tables. */
  readonly #tables = new Map<number, Plan>();

  readonly figures: FiguresOf = (id) => this.#figures.get(id);

  /** Says what references to a common table read. */
  defineTable(id: number, definition: Plan): void {
    this.#tables.set(id, definition);
    this.rows(definition);
  }

  rows(plan: Plan): number {
    let rows = this.#rows.get(plan);
    if (rows === undefined) {
      const computed = Math.max(0, this.#estimate(plan));
      // The search for a join order knows more than two sides show.
      rows = plan.estimate ?? computed;
      this.#rows.set(plan, rows);
    }
    return rows;
  }

  /** Distinct values of an expression among `rows` rows that were picked at random. */
  distinct(expression: Expression, rows: number): number {
    const all = distinctOf(expression, this.figures);
    if (all === undefined) return Math.max(1, rows);
    return distinctAmong(all, rows);
  }

  #estimate(plan: Plan): number {
    switch (plan.kind) {
      case 'scan':
        return this.#scan(plan);
      case 'values':
        return plan.rows.length;
      case 'tableFunction':
        return unknownRows;
      case 'filter':
        return this.rows(plan.input) * selectivity([plan.predicate], this.figures);
      case 'project':
        return this.#project(plan);
      case 'sort':
      case 'window':
        return this.rows(plan.input);
      case 'limit': {
        const { limit } = plan;
        const rows = this.rows(plan.input);
        return limit?.kind === 'constant' && limit.value !== null
          ? Math.min(rows, Number(limit.value))
          : rows;
      }
      case 'aggregate':
        return this.#aggregate(plan);
      case 'join':
        return this.#join(plan);
      case 'setOperation':
        return this.#setOperation(plan);
      case 'with':
        this.defineTable(plan.id, plan.definition);
        return this.rows(plan.body);
      case 'recursive':
        // How often the step runs is not known: about as often as a chain or a tree is deep.
        this.defineTable(plan.id, plan.initial);
        return this.rows(plan.initial) + recursionDepth * this.rows(plan.step);
      case 'withReference':
        return this.#reference(plan);
    }
  }

  #scan(plan: Scan): number {
    for (const [id, figures] of scanFigures(plan)) this.#figures.set(id, figures);
    for (const { id } of plan.columns) this.#scans.set(id, plan);
    const { rowCount } = plan.table;
    if (plan.filters.length === 0) return rowCount;
    if (plan.estimate !== undefined) return plan.estimate;
    return rowCount * (this.#sampled(plan)?.share ?? selectivity(plan.filters, this.figures));
  }

  #sampled(scan: Scan): SampledScan | undefined {
    return sampleScan(scan, (predicate) => selectivity([predicate], this.figures));
  }

  /** The values of a key among the rows of a node: a column of it, or one cast to an integer. */
  keyFigures(plan: Plan, key: Expression): KeyFigures {
    const source = key.kind === 'cast' ? key.input : key;
    if (source.kind !== 'column') return evenKey(distinctOf(key, this.figures) ?? 100, 0);
    const { id } = source.column;
    const { distinct, nullShare } = this.#figures.get(id) ?? { distinct: 100, nullShare: 0 };
    const scan = this.#scans.get(id);
    const sample = scan?.table.data.sample;
    if (scan === undefined || sample === undefined || scanOf(plan) !== scan) {
      return evenKey(distinct, nullShare);
    }
    const ordinal = scan.ordinals[scan.columns.findIndex((column) => column.id === id)];
    const seen = scan.filters.length === 0 ? undefined : this.#sampled(scan);
    const isUnique = distinct > 0.98 * scan.table.rowCount;
    return keyFigures(sample, ordinal, seen, { distinct, nullShare, isUnique });
  }

  #setOperation(plan: Extract<Plan, { kind: 'setOperation' }>): number {
    const left = this.rows(plan.left);
    const right = this.rows(plan.right);
    if (plan.operation === 'union') return plan.all ? left + right : (left + right) * 0.8;
    return plan.operation === 'intersect' ? Math.min(left, right) : left;
  }

  #reference(plan: Extract<Plan, { kind: 'withReference' }>): number {
    const definition = this.#tables.get(plan.id);
    if (definition === undefined) return unknownRows;
    const rows = this.rows(definition);
    plan.columns.forEach((column, i) => {
      const figures = this.#figures.get(definition.columns[i].id);
      if (figures !== undefined) this.#figures.set(column.id, figures);
    });
    return rows;
  }

  #project(plan: Extract<Plan, { kind: 'project' }>): number {
    const rows = this.rows(plan.input);
    plan.expressions.forEach((expression, i) => {
      const { id } = plan.columns[i];
      if (this.#figures.has(id)) return;
      const source = expression.kind === 'cast' ? expression.input : expression;
      const known = source.kind === 'column' ? this.#figures.get(source.column.id) : undefined;
      const distinct = this.distinct(expression, rows);
      this.#figures.set(id, known ?? { distinct, min: undefined, max: undefined, nullShare: 0 });
    });
    return rows;
  }

  #aggregate(plan: Aggregate): number {
    const rows = this.rows(plan.input);
    const sets = plan.groupingSets ?? [plan.groups.map((_, i) => i)];
    let total = 0;
    for (const set of sets) {
      const keys = set.map((i) => plan.groups[i]);
      let groups = 1;
      for (const key of keys) groups *= this.#groupsBy(plan.input, key, rows);
      const together = keys.length > 1 ? this.#together(keys) : undefined;
      if (together !== undefined) groups = Math.min(groups, distinctAmong(together, rows));
      total += Math.max(1, Math.min(groups, rows));
    }
    const result = plan.groups.length === 0 ? sets.length : Math.min(total, rows * sets.length);
    this.#noteTotals(plan, rows, result);
    plan.columns.forEach((column, i) => {
      const group = plan.groups[i];
      if (this.#figures.get(column.id)?.normal !== undefined) return;
      const known = group?.kind === 'column' ? this.#figures.get(group.column.id) : undefined;
      // A group that stays the same column keeps what holds below: its values are among those.
      if (group?.kind === 'column' && group.column.id === column.id) return;
      const all = group === undefined ? result : this.#groupsBy(plan.input, group, rows);
      const distinct = Math.max(1, Math.min(all, result));
      const { min, max } = known ?? { min: undefined, max: undefined };
      this.#figures.set(column.id, { distinct, min, max, nullShare: 0 });
    });
    return result;
  }

  #groupsBy(input: Plan, key: Expression, rows: number): number {
    const distinct = this.distinct(key, rows);
    if (key.kind !== 'column') return distinct;
    return Math.max(1, Math.min(distinct, this.#valuesIn(input, key.column.id)));
  }

  /**
   * At most how many values a column has in the rows of a plan: what it was joined with has no
   * more.
   */
  #valuesIn(plan: Plan, id: number): number {
    const rows = this.rows(plan);
    if (plan.kind === 'scan') {
      return valuesLeft(this.#figures.get(id)?.distinct ?? rows, plan.table.rowCount, rows);
    }
    if (plan.kind === 'filter' || plan.kind === 'sort' || plan.kind === 'limit') {
      return Math.min(rows, this.#valuesIn(plan.input, id));
    }
    if (plan.kind === 'project') {
      const source = plan.expressions[plan.columns.findIndex((column) => column.id === id)];
      if (source?.kind !== 'column') return rows;
      return Math.min(rows, this.#valuesIn(plan.input, source.column.id));
    }
    if (plan.kind !== 'join') return rows;
    const leftIds = columnIds(plan.left);
    const isLeft = leftIds.has(id);
    let values = Math.min(rows, this.#valuesIn(isLeft ? plan.left : plan.right, id));
    if ((plan.type !== 'inner' && plan.type !== 'semi') || plan.condition === undefined)
      return values;
    for (const condition of conjuncts(plan.condition)) {
      const pair = equalPair(condition, leftIds, columnIds(plan.right));
      if (pair === undefined) continue;
      const [own, other] = isLeft ? [pair.left, pair.right] : [pair.right, pair.left];
      if (own.kind !== 'column' || own.column.id !== id || other.kind !== 'column') continue;
      values = Math.min(values, this.#valuesIn(isLeft ? plan.right : plan.left, other.column.id));
    }
    return values;
  }

  /** Combinations of values of columns of one table, by its sample. */
  #together(keys: readonly Expression[]): number | undefined {
    const ids = keys.flatMap((key) => (key.kind === 'column' ? [key.column.id] : []));
    const scan = this.#scans.get(ids[0]);
    const sample = scan?.table.data.sample;
    if (scan === undefined || sample === undefined || ids.length < keys.length) return undefined;
    const places = ids.map((id) => scan.columns.findIndex((column) => column.id === id));
    if (places.includes(-1)) return undefined;
    return combinationsIn(
      sample,
      places.map((place) => scan.ordinals[place]),
    );
  }

  /** Sums and counts have a distribution that a HAVING can be judged by. */
  #noteTotals(plan: Aggregate, rows: number, groups: number): void {
    const size = rows / Math.max(1, groups);
    plan.aggregates.forEach(({ name, args: [arg] }, i) => {
      const { id } = plan.columns[plan.groups.length + i];
      if (name === 'count') this.#figures.set(id, totalFigures(size, 1, 1, groups));
      if (name !== 'sum' || arg.kind !== 'column') return;
      const { min, max } = this.#figures.get(arg.column.id) ?? {};
      if (min === undefined || max === undefined) return;
      this.#figures.set(id, totalFigures(size, min, max, groups));
    });
  }

  #join(plan: Join): number {
    const left = this.rows(plan.left);
    const right = this.rows(plan.right);
    const conditions = plan.condition === undefined ? [] : conjuncts(plan.condition);
    if (plan.mark !== undefined) {
      const figures = { distinct: 2, min: undefined, max: undefined, nullShare: 0 };
      this.#figures.set(plan.mark.id, figures);
    }
    switch (plan.type) {
      case 'semi':
        return left * this.matchShare(plan.left, plan.right, conditions);
      case 'anti':
        return left * Math.max(0.01, 1 - this.matchShare(plan.left, plan.right, conditions));
      case 'mark':
      case 'single':
        return left;
      case 'inner':
        return left * right * this.joinShare(plan.left, plan.right, conditions);
      case 'left':
        return Math.max(left, left * right * this.joinShare(plan.left, plan.right, conditions));
      case 'right':
        return Math.max(right, left * right * this.joinShare(plan.left, plan.right, conditions));
      case 'full':
        return Math.max(
          left + right,
          left * right * this.joinShare(plan.left, plan.right, conditions),
        );
    }
  }

  /** The share of pairs of rows that meet all conditions. */
  joinShare(left: Plan, right: Plan, conditions: readonly Expression[]): number {
    const pairs: EqualPair[] = [];
    const others: Expression[] = [];
    for (const condition of conditions) {
      const pair = equalPair(condition, columnIds(left), columnIds(right));
      if (pair === undefined) others.push(condition);
      else pairs.push(pair);
    }
    return this.#pairShare(left, right, pairs) * selectivity(others, this.figures);
  }

  #pairShare(left: Plan, right: Plan, pairs: readonly EqualPair[]): number {
    if (pairs.length === 0) return 1;
    const shares = pairs.map((pair) => this.equalShare(pair.left, pair.right));
    if (shares.length === 1) return shares[0];
    const fewest = Math.min(
      this.combinations(
        left,
        pairs.map((pair) => pair.left),
      ),
      this.combinations(
        right,
        pairs.map((pair) => pair.right),
      ),
    );
    return togetherShare(shares, fewest);
  }

  /**
   * How many combinations of these keys there are at most in the table they all come from; NaN if
   * they come from several.
   */
  combinations(plan: Plan, keys: readonly Expression[]): number {
    const ids = new Set(keys.flatMap((key) => (key.kind === 'column' ? [key.column.id] : [])));
    const base = tableOf(plan, ids);
    if (base === undefined) return Number.NaN;
    const rows = base.kind === 'scan' ? base.table.rowCount : this.rows(base);
    let product = 1;
    for (const key of keys) product *= distinctOf(key, this.figures) ?? rows;
    const together = this.#together(keys) ?? rows;
    return Math.min(product, rows, together);
  }

  /**
   * The share of pairs in which two expressions are equal: the smaller set of values is in the
   * larger.
   */
  equalShare(a: Expression, b: Expression): number {
    const x = distinctOf(a, this.figures);
    const y = distinctOf(b, this.figures);
    return 1 / Math.max(1, x ?? y ?? 100, y ?? 1);
  }

  /** The share of left rows that have a match. */
  matchShare(left: Plan, right: Plan, conditions: readonly Expression[]): number {
    const rightRows = this.rows(right);
    const leftIds = columnIds(left);
    const rightIds = columnIds(right);
    let share = 1;
    let matches = rightRows;
    for (const condition of conditions) {
      const pair = equalPair(condition, leftIds, rightIds);
      if (pair === undefined) {
        // With several candidates for each row, it takes only one of them.
        share *=
          1 - (1 - selectivity([condition], this.figures)) ** Math.max(1, Math.min(matches, 8));
        continue;
      }
      const own = this.distinct(pair.right, rightRows);
      const others = distinctOf(pair.left, this.figures) ?? own;
      share *= Math.min(1, own / Math.max(1, others));
      matches /= Math.max(1, own);
    }
    return Math.min(1, share);
  }
}

export interface EqualPair {
  readonly left: Expression;
  readonly right: Expression;
}

/** `a = b`, NULLs equal or not, with one side from the left and one from the right. */
export function equalPair(
  condition: Expression,
  left: ReadonlySet<number>,
  right: ReadonlySet<number>,
): EqualPair | undefined {
  if (condition.kind !== 'call' || !isEquationName(condition.name)) return undefined;
  const [a, b] = condition.args;
  if (isCovered(a, left) && isCovered(b, right)) return { left: a, right: b };
  return isCovered(a, right) && isCovered(b, left) ? { left: b, right: a } : undefined;
}

/** What rows can be looked up by. */
export function isEquationName(name: string): boolean {
  return name === 'eq' || name === 'is_not_distinct_from';
}

/**
 * The share of pairs that agree in several keys. If the keys come from one table on either side,
 * one refers to the other by all of them together, and `fewest` combinations are what there is to
 * choose from; else (NaN) each key decides by itself.
 */
export function togetherShare(shares: readonly number[], fewest: number): number {
  if (Number.isNaN(fewest)) return shares.reduce((product, share) => product * share, 1);
  return Math.min(...shares, 1 / Math.max(1, fewest));
}

/**
 * Expected values of `all`, evenly spread over a table, in `rows` of it (Yao, 1977, simplified).
 */
function valuesLeft(all: number, tableRows: number, rows: number): number {
  const left = 1 - Math.min(1, rows / Math.max(1, tableRows));
  return all * (1 - left ** (tableRows / Math.max(1, all)));
}

/** Expected distinct values in `rows` draws out of `all` values (Cardenas, 1975). */
function distinctAmong(all: number, rows: number): number {
  if (rows <= 0) return 1;
  if (all <= 1) return 1;
  return Math.max(1, Math.min(rows, all * (1 - Math.exp(-rows / all))));
}

/** The scan that a node's rows are, each at most once. */
function scanOf(plan: Plan): Scan | undefined {
  if (plan.kind === 'scan') return plan;
  return plan.kind === 'filter' || plan.kind === 'project' ? scanOf(plan.input) : undefined;
}

/** The node below filters and joins that makes all these columns. */
function tableOf(plan: Plan, ids: ReadonlySet<number>): Plan | undefined {
  const own = columnIds(plan);
  for (const id of ids) if (!own.has(id)) return undefined;
  switch (plan.kind) {
    case 'filter':
    case 'sort':
      return tableOf(plan.input, ids);
    case 'join':
      return tableOf(plan.left, ids) ?? tableOf(plan.right, ids);
    default:
      return plan;
  }
}
