import { assert } from '../../src/base/assert.ts';
import { QuernError } from '../../src/base/error.ts';
import { compareValues } from '../../src/plan/compare.ts';
import { sameExpression } from '../../src/plan/equal.ts';
import { evaluate } from '../../src/plan/evaluate.ts';
import {
  type AggregateCall,
  type ConstantValue,
  constant,
  type Expression,
  type SortKey,
  type SubqueryExpression,
} from '../../src/plan/expression.ts';
import type {
  Aggregate,
  Join,
  Plan,
  Recursive,
  SetOperation,
  Window,
} from '../../src/plan/plan.ts';
import { mapChildren } from '../../src/plan/rewrite.ts';
import { aggregateValue } from './aggregate.ts';
import { windowRows } from './window.ts';

/**
 * The meaning of plans, written for clarity: rows are arrays, joins are nested loops, a subquery is
 * computed anew for every row. It runs bound plans as well as optimized ones, so that the one can
 * be checked against the other.
 */
export type Row = readonly ConstantValue[];

/** The rows of a table by its name, with all columns of the table in order. */
export type TableRows = (table: string) => readonly Row[];

export function interpret(plan: Plan, tables: TableRows): Row[] {
  return new Interpreter(tables).rows(plan, new Map());
}

/** Values of the columns in reach. */
type Environment = ReadonlyMap<number, ConstantValue>;

class Interpreter {
  readonly #tables: TableRows;
  readonly #shared = new Map<number, Row[]>();

  constructor(tables: TableRows) {
    this.#tables = tables;
  }

  rows(plan: Plan, outer: Environment): Row[] {
    switch (plan.kind) {
      case 'scan': {
        const rows = this.#tables(plan.table.name).map((row) => plan.ordinals.map((i) => row[i]));
        return rows.filter((row) => {
          const environment = bind(plan, row, outer);
          return plan.filters.every((filter) => this.#value(filter, environment) === true);
        });
      }
      case 'values':
        return plan.rows.map((row) => row.map((item) => this.#value(item, outer)));
      case 'filter':
        return this.rows(plan.input, outer).filter(
          (row) => this.#value(plan.predicate, bind(plan.input, row, outer)) === true,
        );
      case 'project':
        return this.rows(plan.input, outer).map((row) => {
          const environment = bind(plan.input, row, outer);
          return plan.expressions.map((expression) => this.#value(expression, environment));
        });
      case 'join':
        return this.#join(plan, outer);
      case 'aggregate':
        return this.#aggregate(plan, outer);
      case 'window':
        return this.#window(plan, outer);
      case 'recursive':
        return this.#recursive(plan, outer);
      case 'sort':
        return this.#sort(this.rows(plan.input, outer), plan.keys, plan.input, outer);
      case 'limit': {
        const offset = plan.offset ? Number(this.#value(plan.offset, outer)) : 0;
        const count = plan.limit ? this.#value(plan.limit, outer) : null;
        const end = count === null ? undefined : offset + Number(count);
        return this.rows(plan.input, outer).slice(offset, end);
      }
      case 'setOperation':
        return this.#setOperation(plan, outer);
      case 'with':
        this.#shared.set(plan.id, this.rows(plan.definition, outer));
        return this.rows(plan.body, outer);
      case 'withReference':
        return this.#shared.get(plan.id)!;
      default:
        assert(false, `${plan.kind} has no interpreter`);
    }
  }

  #value(expression: Expression, environment: Environment): ConstantValue {
    const closed = this.#close(expression, environment);
    return evaluate(closed, {
      column: (id) => {
        const value = environment.get(id);
        assert(value !== undefined, `column ${id} is in reach`);
        return value;
      },
      parameter: () => assert(false, 'no parameters') as never,
    });
  }

  /** The expression with the values of its subqueries in their place. */
  #close(expression: Expression, environment: Environment): Expression {
    const inner = mapChildren(expression, (child) => this.#close(child, environment));
    if (inner.kind !== 'subquery') return inner;
    return constant(this.#subquery(inner, environment), inner.type);
  }

  #subquery(node: SubqueryExpression, environment: Environment): ConstantValue {
    const rows = this.rows(node.plan, environment);
    if (node.mode === 'exists') return rows.length > 0;
    if (node.mode === 'scalar') {
      if (rows.length > 1) throw new QuernError('21000', 'more than one row');
      return rows[0]?.[0] ?? null;
    }
    const operands = node.operands.map((operand) => this.#value(operand, environment));
    const compared = rows.map((row) => compareRow(node, operands, row));
    const decisive = node.mode === 'any';
    if (compared.includes(decisive)) return decisive;
    return compared.includes(null) ? null : !decisive;
  }

  #join(plan: Join, outer: Environment): Row[] {
    const left = this.rows(plan.left, outer);
    const matchedRight = new Set<Row>();
    const result: Row[] = [];
    let fixed: Row[] | undefined;
    for (const row of left) {
      const environment = bind(plan.left, row, outer);
      const right = plan.dependent
        ? this.rows(plan.right, environment)
        : (fixed ??= this.rows(plan.right, outer));
      const conditions = right.map((other) => {
        if (plan.condition === undefined) return true;
        return this.#value(plan.condition, bind(plan.right, other, environment));
      });
      const matches = right.filter((_, i) => conditions[i] === true);
      for (const match of matches) matchedRight.add(match);
      result.push(...joinRow(plan, row, matches, conditions));
    }
    if (plan.type === 'right' || plan.type === 'full') {
      const missing = plan.left.columns.map(() => null);
      for (const row of (fixed ??= this.rows(plan.right, outer))) {
        if (!matchedRight.has(row)) result.push([...missing, ...row]);
      }
    }
    return result;
  }

  /** Each grouping set by itself. */
  #aggregate(plan: Aggregate, outer: Environment): Row[] {
    const rows = this.rows(plan.input, outer);
    const sets = plan.groupingSets ?? [plan.groups.map((_, i) => i)];
    return sets.flatMap((set) => this.#groupingSet(plan, set, rows, outer));
  }

  #groupingSet(plan: Aggregate, set: readonly number[], input: Row[], outer: Environment): Row[] {
    const groups = new Map<string, { key: Row; rows: Row[] }>();
    const none = plan.groups.map(() => null);
    if (set.length === 0) groups.set(keyText(none), { key: none, rows: [] });
    for (const row of input) {
      const environment = bind(plan.input, row, outer);
      const key = plan.groups.map((group, i) =>
        set.includes(i) ? this.#value(group, environment) : null,
      );
      const text = keyText(key);
      const group = groups.get(text);
      if (group === undefined) groups.set(text, { key, rows: [row] });
      else group.rows.push(row);
    }
    return [...groups.values()].map(({ key, rows }) => [
      ...key,
      ...plan.aggregates.map((call) => {
        if (call.name === 'grouping') return groupingBits(call, plan, set);
        return this.#call(call, rows, plan.input, outer);
      }),
    ]);
  }

  #call(call: AggregateCall, all: Row[], input: Plan, outer: Environment): ConstantValue {
    const { filter } = call;
    const passing = all.filter((row) => {
      return filter === undefined || this.#value(filter, bind(input, row, outer)) === true;
    });
    let rows = this.#sort(passing, call.order, input, outer).map((row) =>
      call.args.map((arg) => this.#value(arg, bind(input, row, outer))),
    );
    if (call.distinct) rows = [...new Map(rows.map((row) => [keyText(row), row])).values()];
    return aggregateValue(call, rows);
  }

  #window(plan: Window, outer: Environment): Row[] {
    return windowRows(plan, this.rows(plan.input, outer), {
      value: (expression, row) => this.#value(expression, bind(plan.input, row, outer)),
      aggregate: (call, rows) => this.#call(call, rows, plan.input, outer),
      sort: (rows, keys) => this.#sort(rows, keys, plan.input, outer),
      keyText,
    });
  }

  #recursive(plan: Recursive, outer: Environment): Row[] {
    const seen = new Set<string>();
    const fresh = (rows: Row[]): Row[] => {
      if (plan.all) return rows;
      return rows.filter((row) => {
        const text = keyText(row);
        const isNew = !seen.has(text);
        seen.add(text);
        return isNew;
      });
    };
    const result: Row[] = [];
    let added = fresh(this.rows(plan.initial, outer));
    while (added.length > 0) {
      result.push(...added);
      this.#shared.set(plan.id, added);
      added = fresh(this.rows(plan.step, outer));
    }
    return result;
  }

  #sort(rows: Row[], keys: readonly SortKey[], input: Plan, outer: Environment): Row[] {
    const keyed = rows.map((row) => {
      const environment = bind(input, row, outer);
      return { row, values: keys.map((key) => this.#value(key.expression, environment)) };
    });
    keyed.sort((a, b) => {
      for (const [i, key] of keys.entries()) {
        const order = compareKeys(a.values[i], b.values[i], key);
        if (order !== 0) return order;
      }
      return 0;
    });
    return keyed.map(({ row }) => row);
  }

  #setOperation(plan: SetOperation, outer: Environment): Row[] {
    const left = this.rows(plan.left, outer);
    const right = this.rows(plan.right, outer);
    const counts = new Map<string, number>();
    for (const row of right) counts.set(keyText(row), (counts.get(keyText(row)) ?? 0) + 1);
    const taken = (row: Row): boolean => {
      const key = keyText(row);
      const left = counts.get(key) ?? 0;
      if (left > 0 && plan.all) counts.set(key, left - 1);
      return left > 0;
    };
    let rows = [...left, ...right];
    if (plan.operation === 'intersect') rows = left.filter(taken);
    if (plan.operation === 'except') rows = left.filter((row) => !taken(row));
    return plan.all ? rows : [...new Map(rows.map((row) => [keyText(row), row])).values()];
  }
}

function bind(plan: Plan, row: Row, outer: Environment): Environment {
  const environment = new Map(outer);
  plan.columns.forEach((column, i) => {
    environment.set(column.id, row[i]);
  });
  return environment;
}

function joinRow(
  plan: Join,
  row: Row,
  matches: readonly Row[],
  conditions: readonly ConstantValue[],
): Row[] {
  const missing = plan.right.columns.map(() => null);
  switch (plan.type) {
    case 'semi':
      return matches.length > 0 ? [row] : [];
    case 'anti':
      return matches.length > 0 ? [] : [row];
    case 'mark': {
      const unknown = plan.mark!.nullable && conditions.includes(null) ? null : false;
      return [[...row, matches.length > 0 ? true : unknown]];
    }
    case 'single':
      if (matches.length > 1) throw new QuernError('21000', 'more than one row');
      return [[...row, ...(matches[0] ?? missing)]];
    case 'inner':
    case 'right':
      return matches.map((match) => [...row, ...match]);
    case 'left':
    case 'full':
      if (matches.length === 0) return [[...row, ...missing]];
      return matches.map((match) => [...row, ...match]);
  }
}

const comparisons: Record<string, (order: number) => boolean> = {
  eq: (order) => order === 0,
  ne: (order) => order !== 0,
  lt: (order) => order < 0,
  le: (order) => order <= 0,
  gt: (order) => order > 0,
  ge: (order) => order >= 0,
};

/** The operands compared with a row: rows are equal if all columns are. */
function compareRow(
  node: SubqueryExpression,
  operands: readonly ConstantValue[],
  row: Row,
): boolean | null {
  const parts = operands.map((operand, i) => {
    if (operand === null || row[i] === null) return null;
    return comparisons[node.comparison!](compareValues(operand, row[i]));
  });
  const decisive = node.comparison === 'ne';
  if (parts.includes(decisive)) return decisive;
  return parts.includes(null) ? null : !decisive;
}

function compareKeys(a: ConstantValue, b: ConstantValue, key: SortKey): number {
  if (a === null || b === null) {
    if (a === b) return 0;
    return (a === null) === key.nullsFirst ? -1 : 1;
  }
  const order = compareValues(a, b);
  return key.descending ? -order : order;
}

/** A bit for each argument, the first one highest: 1 where the set does not have it. */
function groupingBits(call: AggregateCall, plan: Aggregate, set: readonly number[]): bigint {
  return call.args.reduce((bits, arg) => {
    const at = plan.groups.findIndex((group) => sameExpression(group, arg));
    return bits * 2n + (set.includes(at) ? 0n : 1n);
  }, 0n);
}

/** Equal for equal rows, NULLs included. */
export function keyText(row: Row): string {
  return JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
}
