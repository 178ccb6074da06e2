import { QuernError, sqlState } from '../../base/error.ts';
import {
  makeDistinct,
  makeEqual,
  makeFilter,
  makeJoin,
  makeRowNumbers,
  makeSelection,
} from '../../plan/build.ts';
import {
  type Column,
  call,
  columnRef,
  conjunction,
  conjuncts,
  constant,
  type Expression,
} from '../../plan/expression.ts';
import { columnIds, freeColumns, isCovered, usedColumns } from '../../plan/free-columns.ts';
import type { Aggregate, Join, Plan } from '../../plan/plan.ts';
import { mapExpressions } from '../../plan/rewrite.ts';
import { substitute } from '../../plan/substitute.ts';
import { bigintType, booleanType, sameType } from '../../value/type.ts';
import type { OptimizerContext } from '../context.ts';
import { evaluateWith } from './evaluate-with.ts';
import { refreshPlan } from './refresh.ts';

/**
 * Takes the references to `outer` out of a plan, after Neumann and Kemper, "Unnesting Arbitrary
 * Queries" (BTW 2015). The result, joined with `outer` on what is returned beside it, gives for
 * every row of `outer` what the correlated plan would have given.
 *
 * For each outer column that a part of the plan uses, the part gets a column that stands for it
 * (its
 * *representative*): rows are then computed for all its values at once. Where a filter equates the
 * outer column with something of the part, that something represents it, and nothing is added. Else
 * the part is crossed with the *domain*: the distinct values that the outer column has.
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
  const { residual, missing } = part;
  return { plan: part.plan, equalities, residual, missing };
}

interface Representative {
  readonly column: Column;
  /** Whether NULL stands for an outer NULL, as in a domain; else NULL matches nothing. */
  readonly nullSafe: boolean;
}

function equality(outer: Expression, { column, nullSafe }: Representative): Expression {
  const inner = columnRef(column);
  if (!nullSafe || !outer.nullable) return makeEqual(outer, inner);
  return call('is_not_distinct_from', [outer, inner], booleanType, false);
}

/** A part of the plan without references to outer columns. */
interface Part {
  readonly plan: Plan;
  readonly representatives: ReadonlyMap<number, Representative>;
  readonly residual: readonly Expression[];
  readonly missing: ReadonlyMap<number, Expression> | undefined;
}

interface Allowed {
  /** Whether conditions may be handed up to the join. */
  readonly mayPull: boolean;
  readonly mayDefault: boolean;
}

const nothingAllowed: Allowed = { mayPull: false, mayDefault: false };

function whole(plan: Plan): Part {
  return { plan, representatives: new Map(), residual: [], missing: undefined };
}

class Decorrelator {
  readonly #context: OptimizerContext;
  readonly #outer: Plan;
  readonly #ids: ReadonlySet<number>;

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

  visit(plan: Plan, allowed: Allowed): Part {
    if (this.#outers(freeColumns(plan)).length === 0) return whole(plan);
    switch (plan.kind) {
      case 'filter':
        return this.#filter(plan.input, conjuncts(plan.predicate), allowed);
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
      case 'with': {
        const part = this.visit(plan.body, allowed);
        return { ...part, plan: { ...plan, body: part.plan, columns: part.plan.columns } };
      }
      default:
        return unsupported(`this use of an outer column in ${plan.kind}`);
    }
  }

  /** Crosses a part with the domain of the outer columns it does not represent yet. */
  #represent(part: Part, ids: readonly number[]): Part {
    const lacking = ids.filter((id) => !part.representatives.has(id));
    if (lacking.length === 0) return part;
    const columns = lacking.map((id) => this.outerColumn(id));
    const domain = this.#domain(columns);
    const representatives = new Map(part.representatives);
    lacking.forEach((id, i) => {
      representatives.set(id, { column: domain.columns[i], nullSafe: true });
    });
    const plan = makeJoin('inner', part.plan, domain, undefined);
    return { ...part, plan, representatives };
  }

  /** The distinct values of some outer columns, as new columns. */
  #domain(columns: readonly Column[]): Plan {
    const fresh = columns.map((c) => this.#context.column(c.name, c.type, c.nullable));
    const expressions = columns.map(columnRef);
    const input: Plan = { kind: 'project', input: this.#outer, expressions, columns: fresh };
    const keep = new Set(fresh.map((column) => column.id));
    return makeDistinct(refreshPlan(this.#context, input, keep));
  }

  /** The expression with representatives in the place of outer columns. */
  #translate(expression: Expression, part: Part): Expression {
    const by = new Map<number, Expression>();
    for (const [id, { column }] of part.representatives) by.set(id, columnRef(column));
    return substitute(expression, by);
  }

  #filter(input: Plan, conditions: readonly Expression[], allowed: Allowed): Part {
    let part = this.visit(input, { ...allowed, mayDefault: false });
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
    for (const condition of open) {
      const lacking = this.#outers(usedColumns(condition)).some(
        (id) => !part.representatives.has(id),
      );
      if (lacking && allowed.mayPull) {
        pulled.push(condition);
        continue;
      }
      part = this.#represent(part, this.#outers(usedColumns(condition)));
      inner.push(condition);
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
    const outers = plan.expressions.flatMap((item) => this.#outers(usedColumns(item)));
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
    const right = this.visit(join.right, nothingAllowed);
    const conditions = join.condition === undefined ? [] : conjuncts(join.condition);
    const inCondition = conditions.flatMap((item) => this.#outers(usedColumns(item)));
    left = this.#represent(left, [...inCondition, ...right.representatives.keys()]);
    const matched = [...right.representatives].map(([id, representative]) => {
      return equality(columnRef(left.representatives.get(id)!.column), representative);
    });
    const own = conditions.map((item) => this.#translate(item, left));
    const condition = conjunction([...own, ...matched]);
    const plan = makeJoin(join.type, left.plan, right.plan, condition, join.mark);
    return { ...left, plan };
  }

  #innerJoin(join: Join, allowed: Allowed): Part {
    const below = { ...allowed, mayDefault: false };
    const left = this.visit(join.left, below);
    const right = this.visit(join.right, below);
    const representatives = new Map(left.representatives);
    const matched: Expression[] = [];
    for (const [id, representative] of right.representatives) {
      const other = representatives.get(id);
      if (other === undefined) representatives.set(id, representative);
      else matched.push(equality(columnRef(other.column), representative));
    }
    const plan = makeJoin('inner', left.plan, right.plan, conjunction(matched));
    const residual = [...left.residual, ...right.residual];
    const part = { plan, representatives, residual, missing: undefined };
    const conditions = join.condition === undefined ? [] : conjuncts(join.condition);
    return conditions.length === 0 ? part : this.#filterPart(part, conditions, allowed);
  }

  /** As {@link #filter}, of a part that is done already. */
  #filterPart(part: Part, conditions: readonly Expression[], allowed: Allowed): Part {
    const done = this.#filter(part.plan, conditions, allowed);
    // The plan of the part has no outer columns left, so nothing was represented twice.
    const representatives = new Map(part.representatives);
    const matched: Expression[] = [];
    for (const [id, representative] of done.representatives) {
      const other = representatives.get(id);
      if (other === undefined) representatives.set(id, representative);
      else matched.push(equality(columnRef(other.column), representative));
    }
    const residual = [...part.residual, ...done.residual];
    return { plan: makeFilter(done.plan, matched), representatives, residual, missing: undefined };
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
    const domain = this.#domain(ids.map((id) => this.outerColumn(id)));
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
    const sorted = plan.input.kind === 'sort' ? plan.input : undefined;
    const part = this.visit(sorted?.input ?? plan.input, nothingAllowed);
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

  /** Both sides get the same representatives, as further columns. */
  #setOperation(plan: Extract<Plan, { kind: 'setOperation' }>): Part {
    const ids = this.#outers(freeColumns(plan));
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
