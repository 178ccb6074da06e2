import { booleanType } from '../value/type.ts';
import {
  type AggregateCall,
  type Column,
  call,
  columnRef,
  conjunction,
  conjuncts,
  type Expression,
  type SortKey,
} from './expression.ts';
import { freeColumns } from './free-columns.ts';
import type { Aggregate, Join, JoinType, Plan } from './plan.ts';

/** Makers of nodes that work out what follows from their parts. */

/** The columns of a join: which sides they come from, and which of them may be missing. */
function joinColumns(
  type: JoinType,
  left: Plan,
  right: Plan,
  mark: Column | undefined,
): readonly Column[] {
  const optional = (columns: readonly Column[]): readonly Column[] =>
    columns.map((column) => (column.nullable ? column : { ...column, nullable: true }));
  switch (type) {
    case 'semi':
    case 'anti':
      return left.columns;
    case 'mark':
      return mark === undefined ? left.columns : [...left.columns, mark];
    case 'inner':
      return [...left.columns, ...right.columns];
    case 'left':
    case 'single':
      return [...left.columns, ...optional(right.columns)];
    case 'right':
      return [...optional(left.columns), ...right.columns];
    case 'full':
      return [...optional(left.columns), ...optional(right.columns)];
  }
}

export function makeJoin(
  type: JoinType,
  left: Plan,
  right: Plan,
  condition: Expression | undefined,
  mark?: Column,
): Join {
  const free = freeColumns(right);
  const dependent = free.size > 0 && left.columns.some((column) => free.has(column.id));
  const columns = joinColumns(type, left, right, mark);
  return { kind: 'join', type, left, right, condition, mark, dependent, columns };
}

/** The rows that pass all predicates; the plan itself if there are none. */
export function makeFilter(input: Plan, predicates: readonly Expression[]): Plan {
  const predicate = conjunction(predicates.flatMap(conjuncts));
  if (predicate === undefined) return input;
  return { kind: 'filter', input, predicate, columns: input.columns };
}

/** Just these columns of the input. */
export function makeSelection(input: Plan, columns: readonly Column[]): Plan {
  return { kind: 'project', input, expressions: columns.map(columnRef), columns };
}

/** The distinct rows of the input. */
export function makeDistinct(input: Plan): Aggregate {
  const { columns } = input;
  const groups = columns.map(columnRef);
  return { kind: 'aggregate', input, groups, aggregates: [], groupingSets: undefined, columns };
}

export function makeNot(condition: Expression): Expression {
  return call('not', [condition], booleanType);
}

export function makeEqual(a: Expression, b: Expression): Expression {
  return call('eq', [a, b], booleanType);
}

/** The input with `number`: 1, 2, … in this order within each partition. */
export function makeRowNumbers(
  input: Plan,
  partition: readonly Expression[],
  order: readonly SortKey[],
  number: Column,
): Plan {
  const call: AggregateCall = {
    name: 'row_number',
    args: [],
    distinct: false,
    filter: undefined,
    order: [],
    type: number.type,
    nullable: false,
  };
  const calls = [{ call, keys: order.length, frame: undefined, ignoreNulls: false }];
  const columns = [...input.columns, number];
  return { kind: 'window', input, partition, order, calls, columns };
}
