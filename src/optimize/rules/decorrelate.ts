import { QuernError, sqlState } from '../../base/error.ts';
import {
  makeDistinct,
  makeFilter,
  makeJoin,
  makeRowNumbers,
  makeSelection,
} from '../../plan/build.ts';
import {
  type Column,
  type ColumnExpression,
  call,
  columnRef,
  conjunction,
  conjuncts,
  constant,
  type Expression,
} from '../../plan/expression.ts';
import {
  columnIds,
  freeColumns,
  freeTables,
  isCovered,
  usedColumns,
} from '../../plan/free-columns.ts';
import type { Aggregate, Join, Plan, With, WithReference } from '../../plan/plan.ts';
import { mapExpressions } from '../../plan/rewrite.ts';
import { substitute } from '../../plan/substitute.ts';
import { bigintType, booleanType, sameType } from '../../value/type.ts';
import type { OptimizerContext } from '../context.ts';
import { equalPair } from '../estimate/estimator.ts';
import {
  type Allowed,
  equality,
  nothingAllowed,
  type Part,
  type PlacedRepresentative,
  type Representative,
  whole,
} from './decorrelated-part.ts';
import { evaluateWith } from './evaluate-with.ts';
import { SharedTable } from './shared-table.ts';

/**
 * Takes the references to `outer` out of a plan, after Neumann and Kemper, "Unnesting Arbitrary
 * Queries" (BTW 2015). The result, joined with `outer` on what is returned beside it, gives for
 * every row of `outer` what the correlated plan would have given.
 *
 * For each outer column that a part of the plan uses, the part gets a column that stands for it
 * (its
 * *representative*): rows are then computed for all its values at once. Where a filter equates the
 * outer column with something of the part, that something represents it, and nothing is added. Else
 * the part is joined with the *domain*: the distinct values that the outer columns have. The outer
 * side is then read twice, and computed once: if both copied it, subqueries within each other would
 * double it for each level. (Neumann's "Improving Unnesting of Complex Queries", BTW 2025, shares
 * it for the same reason.)
 */
export interface Decorrelated {
  readonly plan: Plan;
  /** outer column = representative. */
  readonly equalities: readonly Expression[];
  /** Conditions on both, which can only be tested in the join. */
  readonly residual: readonly Expression[];
  /**
   * Set when the plan lacks the row that an aggregate without groups gives for no input: the values
   * of its columns in that row.
   */
  readonly missing: ReadonlyMap<number, Expression> | undefined;
  /** What the join has to read in the place of the outer side. */
  readonly outer: Plan;
  /** The plan, made of the join, that defines what both sides of the join share. */
  define(body: Plan): Plan;
}

export interface DecorrelateOptions {
  /** The caller adds the row of {@link Decorrelated.missing} itself. */
  readonly mayDefault: boolean;
}

export function decorrelate(
  context: OptimizerContext,
  outer: Plan,
  plan: Plan,
  options: DecorrelateOptions,
): Decorrelated {
  const worker = new Decorrelator(context, outer);
  const part = worker.visit(plan, { mayPull: true, mayDefault: options.mayDefault });
  const equalities = [...part.representatives].map(([id, representative]) => {
    return equality(columnRef(worker.outerColumn(id)), representative);
  });
  const { plan: inner, residual, missing } = part;
  const { shared } = worker;
  const define = (body: Plan): Plan => shared?.define(body) ?? body;
  return {
    plan: inner,
    equalities,
    residual,
    missing,
    outer: shared?.original() ?? outer,
    define,
  };
}

class Decorrelator {
  readonly #context: OptimizerContext;
  readonly #outer: Plan;
  readonly #ids: ReadonlySet<number>;
  /** The outer side as a common table, once a domain is made of it. */
  shared: SharedTable | undefined;
  /** Representatives among the columns of common tables that used outer columns. */
  readonly #tables = new Map<number, ReadonlyMap<number, PlacedRepresentative>>();

  constructor(context: OptimizerContext, outer: Plan) {
    this.#context = context;
    this.#outer = outer;
    this.#ids = columnIds(outer);
  }

  outerColumn(id: number): Column {
    return this.#outer.columns.find((column) => column.id === id)!;
  }

  #outers(columns: ReadonlyMap<number, Column>): number[] {
    return [...columns.keys()].filter((id) => this.#ids.has(id));
  }

  /** The outer columns that a plan uses itself, or by a common table that did. */
  #outersOf(plan: Plan): number[] {
    const ids = new Set(this.#outers(freeColumns(plan)));
    for (const table of freeTables(plan)) {
      for (const id of this.#tables.get(table)?.keys() ?? []) ids.add(id);
    }
    return [...ids];
  }

  #outersIn(expressions: readonly Expression[]): number[] {
    return expressions.flatMap((expression) => this.#outers(usedColumns(expression)));
  }

  visit(plan: Plan, allowed: Allowed): Part {
    if (this.#outersOf(plan).length === 0) return whole(plan);
    switch (plan.kind) {
      case 'filter':
        return this.#filter(
          this.visit(plan.input, { ...allowed, mayDefault: false }),
          conjuncts(plan.predicate),
          allowed,
        );
      case 'project':
        return this.#project(plan, allowed);
      case 'join':
        return this.#join(plan, allowed);
      case 'aggregate':
        return this.#aggregate(plan, allowed);
      case 'sort':
        // Without a limit above, the order within a subquery means nothing.
        return this.visit(plan.input, allowed);
      case 'limit':
        return this.#limit(plan);
      case 'window':
        return this.#window(plan);
      case 'setOperation':
        return this.#setOperation(plan);
      case 'values':
        return this.#values(plan);
      case 'with':
        return this.#with(plan, allowed);
      case 'withReference':
        return this.#withReference(plan);
      default:
        return unsupported(`this use of an outer column in ${plan.kind}`);
    }
  }

  /**
   * Joins a part with the domain of the outer columns it does not represent yet. What it does
   * represent says which of their values go with which row.
   */
  #represent(part: Part, ids: readonly number[]): Part {
    const lacking = [...new Set(ids)].filter((id) => !part.representatives.has(id));
    if (lacking.length === 0) return part;
    const present = [...part.representatives];
    const domain = this.#domain([...present.map(([id]) => id), ...lacking]);
    const matched = present.map(([, representative], i) =>
      equality(columnRef(domain.columns[i]), representative),
    );
    const representatives = new Map(part.representatives);
    lacking.forEach((id, i) => {
      representatives.set(id, { column: domain.columns[present.length + i], nullSafe: true });
    });
    const plan = makeJoin('inner', part.plan, domain, conjunction(matched));
    return { ...part, plan, representatives };
  }

  /** The distinct values of some outer columns, as new columns. */
  #domain(ids: readonly number[]): Plan {
    this.shared ??= new SharedTable(this.#context, this.#outer, 'outer');
    const { plan, by } = this.shared.copy();
    const columns = ids.map((id) => (by.get(id) as ColumnExpression).column);
    return makeDistinct(makeSelection(plan, columns));
  }

  /** The expression with representatives in the place of outer columns. */
  #translate(expression: Expression, part: Part): Expression {
    const by = new Map<number, Expression>();
    for (const [id, { column }] of part.representatives) by.set(id, columnRef(column));
    return substitute(expression, by);
  }

  /** The rows of a part that pass conditions, which may use outer columns. */
  #filter(input: Part, conditions: readonly Expression[], allowed: Allowed): Part {
    let part = input;
    const inner: Expression[] = [];
    const open: Expression[] = [];
    for (const condition of conditions) {
      const outers = this.#outers(usedColumns(condition));
      if (outers.length === 0) {
        inner.push(condition);
        continue;
      }
      const next = this.#takeEquality(part, condition);
      if (next === undefined) open.push(condition);
      else part = next;
    }
    const pulled: Expression[] = [];
    if (!allowed.mayPull) {
      part = this.#represent(part, this.#outersIn(open));
    }
    for (const condition of open) {
      const lacking = this.#outersIn([condition]).some((id) => !part.representatives.has(id));
      (lacking ? pulled : inner).push(condition);
    }
    const translated = inner.map((condition) => this.#translate(condition, part));
    const residual = [...part.residual, ...pulled];
    return { ...part, plan: makeFilter(part.plan, translated), residual };
  }

  /** `outer = inner` makes `inner` the representative of `outer`. */
  #takeEquality(part: Part, condition: Expression): Part | undefined {
    if (condition.kind !== 'call' || condition.name !== 'eq') return undefined;
    const ids = columnIds(part.plan);
    for (const [a, b] of [condition.args, [...condition.args].reverse()]) {
      if (a.kind !== 'column' || !this.#ids.has(a.column.id)) continue;
      if (part.representatives.has(a.column.id) || !isCovered(b, ids)) continue;
      if (usedColumns(b).size === 0 || !sameType(a.type, b.type)) continue;
      const added = this.#asColumn(part.plan, b);
      const representatives = new Map(part.representatives);
      representatives.set(a.column.id, { column: added.column, nullSafe: false });
      return { ...part, plan: added.plan, representatives };
    }
    return undefined;
  }

  /** The plan with the expression among its columns. */
  #asColumn(plan: Plan, expression: Expression): { plan: Plan; column: Column } {
    if (expression.kind === 'column') return { plan, column: expression.column };
    const column = this.#context.column('key', expression.type, expression.nullable);
    const expressions = [...plan.columns.map(columnRef), expression];
    const columns = [...plan.columns, column];
    return { plan: { kind: 'project', input: plan, expressions, columns }, column };
  }

  #project(plan: Extract<Plan, { kind: 'project' }>, allowed: Allowed): Part {
    let part = this.visit(plan.input, allowed);
    const outers = this.#outersIn(plan.expressions);
    if (part.missing !== undefined && outers.length > 0) {
      part = this.visit(plan.input, { ...allowed, mayDefault: false });
    }
    part = this.#represent(part, outers);
    const expressions = plan.expressions.map((item) => this.#translate(item, part));
    const missing = this.#projectMissing(plan, part);
    if (part.missing !== undefined && missing === undefined) {
      // The row for no input cannot be computed beforehand, so it has to be there.
      return this.#project(plan, { ...allowed, mayDefault: false });
    }
    const kept = this.#keptColumns(part, plan.columns);
    return {
      ...part,
      missing,
      plan: {
        kind: 'project',
        input: part.plan,
        expressions: [...expressions, ...kept.map(columnRef)],
        columns: [...plan.columns, ...kept],
      },
    };
  }

  #projectMissing(
    plan: Extract<Plan, { kind: 'project' }>,
    part: Part,
  ): ReadonlyMap<number, Expression> | undefined {
    if (part.missing === undefined) return undefined;
    const values = new Map<number, Expression>();
    for (const [i, expression] of plan.expressions.entries()) {
      const value = evaluateWith(expression, part.missing);
      if (value === undefined) return undefined;
      values.set(plan.columns[i].id, value);
    }
    return values;
  }

  /** What must pass a projection: representatives, and what handed-up conditions need. */
  #keptColumns(part: Part, present: readonly Column[]): Column[] {
    const ids = new Set(present.map((column) => column.id));
    const wanted = new Set<number>();
    for (const { column } of part.representatives.values()) wanted.add(column.id);
    for (const condition of part.residual) {
      for (const id of usedColumns(condition).keys()) wanted.add(id);
    }
    return part.plan.columns.filter((column) => wanted.has(column.id) && !ids.has(column.id));
  }

  #join(join: Join, allowed: Allowed): Part {
    if (join.type === 'full') return unsupported('a FULL JOIN in a correlated subquery');
    if (join.type === 'right') {
      return this.#join(makeJoin('left', join.right, join.left, join.condition), allowed);
    }
    if (join.type === 'inner') return this.#innerJoin(join, allowed);
    const below = { ...allowed, mayDefault: false };
    let left = this.visit(join.left, below);
    const right = this.visit(join.right, { mayPull: true, mayDefault: false });
    const conditions = join.condition === undefined ? [] : conjuncts(join.condition);
    const isLacking = [...right.representatives.keys()].some((id) => !left.representatives.has(id));
    if (join.type === 'semi' && isLacking) {
      const inner = this.#semiAsInner(left, right, conditions);
      if (inner !== undefined) return inner;
    }
    conditions.push(...right.residual.map((item) => asHeld(join, item)));
    const inCondition = this.#outersIn(conditions);
    left = this.#represent(left, [...inCondition, ...right.representatives.keys()]);
    const matched = [...right.representatives].map(([id, representative]) => {
      return equality(columnRef(left.representatives.get(id)!.column), representative);
    });
    const own = conditions.map((item) => this.#translate(item, left));
    const condition = conjunction([...own, ...matched]);
    const plan = makeJoin(join.type, left.plan, right.plan, condition, join.mark);
    return { ...left, plan };
  }

  /**
   * A semi join of which only the right side knows some outer column: joined with the distinct keys
   * of the right side, each row of the left one comes with the outer values that it is there for,
   * and needs no domain.
   */
  #semiAsInner(left: Part, right: Part, conditions: readonly Expression[]): Part | undefined {
    if (right.residual.length > 0) return undefined;
    const columns = new Set([...right.representatives.values()].map(({ column }) => column));
    const expressions: Expression[] = [...columns].map(columnRef);
    const matched: Expression[] = [];
    for (const condition of conditions) {
      const pair = equalPair(condition, columnIds(left.plan), columnIds(right.plan));
      if (pair === undefined) return undefined;
      const column = this.#context.column('key', pair.right.type, pair.right.nullable);
      columns.add(column);
      expressions.push(pair.right);
      const name = condition.kind === 'call' ? condition.name : 'eq';
      matched.push(call(name, [pair.left, columnRef(column)], booleanType));
    }
    const keys: Plan = { kind: 'project', input: right.plan, expressions, columns: [...columns] };
    return this.#cross(left, { ...right, plan: makeDistinct(keys) }, matched);
  }

  #innerJoin(join: Join, allowed: Allowed): Part {
    const below = { ...allowed, mayDefault: false };
    const part = this.#cross(this.visit(join.left, below), this.visit(join.right, below), []);
    const conditions = join.condition === undefined ? [] : conjuncts(join.condition);
    return this.#filter(part, conditions, allowed);
  }

  /** All pairs of rows of two parts for the same outer row that meet the conditions. */
  #cross(left: Part, right: Part, conditions: readonly Expression[]): Part {
    const representatives = new Map(left.representatives);
    const matched = [...conditions];
    for (const [id, representative] of right.representatives) {
      const other = representatives.get(id);
      if (other === undefined) representatives.set(id, representative);
      else matched.push(equality(columnRef(other.column), representative));
    }
    const plan = makeJoin('inner', left.plan, right.plan, conjunction(matched));
    const residual = [...left.residual, ...right.residual];
    return { plan, representatives, residual, missing: undefined };
  }

  #aggregate(plan: Aggregate, allowed: Allowed): Part {
    if (plan.groupingSets !== undefined) {
      return unsupported('GROUPING SETS in a correlated subquery');
    }
    let part = this.visit(plan.input, nothingAllowed);
    const outers: number[] = [];
    mapExpressions(plan, (expression) => {
      outers.push(...this.#outers(usedColumns(expression)));
      return expression;
    });
    part = this.#represent(part, outers);
    const translated = mapExpressions(plan, (item) => this.#translate(item, part)) as Aggregate;
    const groupIds = new Set(plan.columns.slice(0, plan.groups.length).map((column) => column.id));
    const keys = [
      ...new Set([...part.representatives.values()].map(({ column }) => column)),
    ].filter((column) => !groupIds.has(column.id));
    const grouped: Aggregate = {
      ...translated,
      input: part.plan,
      groups: [...keys.map(columnRef), ...translated.groups],
      columns: [...keys, ...translated.columns],
    };
    if (plan.groups.length > 0) return { ...part, plan: grouped };
    const missing = emptyAggregates(plan);
    if (allowed.mayDefault) return { ...part, plan: grouped, missing };
    return this.#addEmptyGroups(part, grouped, missing);
  }

  /** Every value of the domain gets a row, those without rows the one for no input. */
  #addEmptyGroups(part: Part, grouped: Aggregate, missing: ReadonlyMap<number, Expression>): Part {
    const ids = [...part.representatives.keys()];
    const domain = this.#domain(ids);
    const matched = ids.map((id, i) =>
      equality(columnRef(domain.columns[i]), part.representatives.get(id)!),
    );
    const own = grouped.columns.filter((column) => missing.has(column.id));
    // The values may differ from those of the join, so they are other columns there.
    const inside = own.map((column) => this.#context.column(column.name, column.type, true));
    const renamed: Plan = {
      kind: 'project',
      input: grouped,
      expressions: grouped.columns.map(columnRef),
      columns: grouped.columns.map((column) => inside[own.indexOf(column)] ?? column),
    };
    const values = own.map((column, i): Expression => {
      const fallback = missing.get(column.id)!;
      const value = columnRef(inside[i]);
      const none = fallback.kind === 'constant' && fallback.value === null;
      return none ? value : call('coalesce', [value, fallback], column.type, false);
    });
    const plan: Plan = {
      kind: 'project',
      input: makeJoin('left', domain, renamed, conjunction(matched)),
      expressions: [...domain.columns.map(columnRef), ...values],
      columns: [...domain.columns, ...own],
    };
    const representatives = new Map<number, Representative>();
    ids.forEach((id, i) => {
      representatives.set(id, { column: domain.columns[i], nullSafe: true });
    });
    return { plan, representatives, residual: [], missing: undefined };
  }

  /** The first rows of each: numbered within every value of the outer columns. */
  #limit(plan: Extract<Plan, { kind: 'limit' }>): Part {
    if (plan.input.kind === 'project') {
      // What is sorted by need not be selected.
      const { input } = plan.input;
      const below: Plan = { ...plan, input, columns: input.columns };
      return this.visit({ ...plan.input, input: below }, nothingAllowed);
    }
    const sorted = plan.input.kind === 'sort' ? plan.input : undefined;
    let part = this.visit(sorted?.input ?? plan.input, nothingAllowed);
    const sortedBy = sorted?.keys.flatMap(({ expression }) => [...usedColumns(expression).keys()]);
    part = this.#represent(
      part,
      (sortedBy ?? []).filter((id) => this.#ids.has(id)),
    );
    const number = this.#context.column('row_number', bigintType, false);
    const partition = [...part.representatives.values()].map(({ column }) => columnRef(column));
    const order = (sorted?.keys ?? []).map((key) => ({
      ...key,
      expression: this.#translate(key.expression, part),
    }));
    const window = makeRowNumbers(part.plan, partition, order, number);
    const offset = plan.offset ?? constant(0n, bigintType);
    const conditions = [call('gt', [columnRef(number), offset], booleanType)];
    if (plan.limit !== undefined) {
      const last = call('add', [plan.limit, offset], bigintType);
      conditions.push(call('le', [columnRef(number), last], booleanType));
    }
    const filtered = makeFilter(window, conditions);
    return { ...part, plan: makeSelection(filtered, part.plan.columns) };
  }

  #window(plan: Extract<Plan, { kind: 'window' }>): Part {
    let part = this.visit(plan.input, nothingAllowed);
    const outers: number[] = [];
    mapExpressions(plan, (expression) => {
      outers.push(...this.#outers(usedColumns(expression)));
      return expression;
    });
    part = this.#represent(part, outers);
    const keys = [...part.representatives.values()].map(({ column }) => columnRef(column));
    const translated = mapExpressions(plan, (item) => this.#translate(item, part)) as typeof plan;
    const partition = [...keys, ...translated.partition];
    const added = plan.columns.slice(plan.input.columns.length);
    const columns = [...part.plan.columns, ...added];
    return { ...part, plan: { ...translated, input: part.plan, partition, columns } };
  }

  /**
   * A common table that uses outer columns has their representatives among its columns, so that
   * each of its readers is a part like any other.
   */
  #with(plan: With, allowed: Allowed): Part {
    let { definition } = plan;
    if (this.#outersOf(definition).length > 0) {
      const part = this.visit(definition, nothingAllowed);
      const columns = [...definition.columns, ...this.#keptColumns(part, definition.columns)];
      const places = new Map<number, PlacedRepresentative>();
      for (const [id, { column, nullSafe }] of part.representatives) {
        places.set(id, { at: columns.findIndex((item) => item.id === column.id), nullSafe });
      }
      this.#tables.set(plan.id, places);
      definition = makeSelection(part.plan, columns);
    }
    const part = this.visit(plan.body, allowed);
    return { ...part, plan: { ...plan, definition, body: part.plan, columns: part.plan.columns } };
  }

  #withReference(plan: WithReference): Part {
    const columns = [...plan.columns];
    const representatives = new Map<number, Representative>();
    for (const [id, { at, nullSafe }] of this.#tables.get(plan.id)!) {
      const { name, type } = this.outerColumn(id);
      columns[at] ??= this.#context.column(name, type, true);
      representatives.set(id, { column: columns[at], nullSafe });
    }
    // By now there is a row for every outer one.
    const { unique: _, ...reference } = plan;
    return { ...whole({ ...reference, columns }), representatives };
  }

  /** Both sides get the same representatives, as further columns. */
  #setOperation(plan: Extract<Plan, { kind: 'setOperation' }>): Part {
    const ids = this.#outersOf(plan);
    const sides = [plan.left, plan.right].map((side) => {
      const part = this.#represent(this.visit(side, nothingAllowed), ids);
      const keys = ids.map((id) => part.representatives.get(id)!);
      // Above, NULL stands for an outer NULL, which an equality does not.
      const present = keys
        .filter(({ column, nullSafe }) => !nullSafe && column.nullable)
        .map(({ column }) => call('is_not_null', [columnRef(column)], booleanType, false));
      const columns = [...side.columns, ...keys.map(({ column }) => column)];
      return makeSelection(makeFilter(part.plan, present), columns);
    });
    const [left, right] = sides;
    const keys = ids.map((id) => {
      const { name, type } = this.outerColumn(id);
      return this.#context.column(name, type, true);
    });
    const columns = [...plan.columns, ...keys];
    const representatives = new Map<number, Representative>();
    ids.forEach((id, i) => {
      representatives.set(id, { column: keys[i], nullSafe: true });
    });
    return {
      plan: { ...plan, left, right, columns },
      representatives,
      residual: [],
      missing: undefined,
    };
  }

  #values(plan: Extract<Plan, { kind: 'values' }>): Part {
    if (plan.rows.length !== 1) return unsupported('an outer column in VALUES of several rows');
    const empty: Plan = { kind: 'values', rows: [[]], columns: [] };
    const [expressions] = plan.rows;
    return this.visit(
      { kind: 'project', input: empty, expressions, columns: plan.columns },
      nothingAllowed,
    );
  }
}

/**
 * A condition handed up from the right side of a join. A row for which it is NULL is not there,
 * whereas the condition of a mark join makes the mark NULL.
 */
function asHeld({ mark }: Join, condition: Expression): Expression {
  if (mark?.nullable !== true || !condition.nullable) return condition;
  const held = [condition, constant(true, booleanType)];
  return call('is_not_distinct_from', held, booleanType, false);
}

/** What aggregates give for no rows: 0 for counts, NULL for all others. */
function emptyAggregates(plan: Aggregate): ReadonlyMap<number, Expression> {
  return new Map(
    plan.aggregates.map((aggregate, i) => [
      plan.columns[plan.groups.length + i].id,
      constant(aggregate.name === 'count' ? 0n : null, aggregate.type),
    ]),
  );
}

function unsupported(what: string): never {
  throw new QuernError(sqlState.featureNotSupported, `${what} is not supported yet`);
}
