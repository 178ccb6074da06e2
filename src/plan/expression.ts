import type { Interval } from '../value/interval.ts';
import { booleanType, type SqlType, sameType } from '../value/type.ts';
import type { Plan } from './plan.ts';

/**
 * Bound scalar expressions: names resolved to columns, overloads to functions, every implicit cast
 * explicit. Immutable.
 *
 * A {@link Column} is a value computed somewhere in the plan, known by its identity wherever it is
 * used (Umbra calls it an information unit), so moving operators about needs no renumbering. A
 * column that an operator's input does not produce is an outer reference: the expression is
 * correlated.
 */
export interface Column {
  /** Unique within a plan. */
  readonly id: number;
  /** For output and EXPLAIN only. */
  readonly name: string;
  readonly type: SqlType;
  /** False when it can be shown that no row has NULL here. */
  readonly nullable: boolean;
}

export type Expression =
  | ColumnExpression
  | ConstantExpression
  | ParameterExpression
  | CallExpression
  | CastExpression
  | CaseExpression
  | InListExpression
  | SubqueryExpression;

interface Typed {
  readonly type: SqlType;
  readonly nullable: boolean;
}

export interface ColumnExpression extends Typed {
  readonly kind: 'column';
  readonly column: Column;
}

/**
 * A literal. `value` by type: null for NULL; boolean; bigint for integers, decimals (scaled by
 * 10^scale), dates (days), times and timestamps (microseconds); number for REAL and DOUBLE; string
 * for VARCHAR; Uint8Array for BLOB; {@link Interval} for INTERVAL.
 */
export interface ConstantExpression extends Typed {
  readonly kind: 'constant';
  readonly value: ConstantValue;
}

export type ConstantValue = null | boolean | bigint | number | string | Uint8Array | Interval;

export interface ParameterExpression extends Typed {
  readonly kind: 'parameter';
  /** From 0; `$1` is 0. */
  readonly index: number;
}

/**
 * A call of a scalar function or operator, chosen by its name and the types of its arguments. The
 * names of operators: add subtract multiply divide modulo negate; eq ne lt le gt ge (both arguments
 * of one type), is_distinct_from, is_not_distinct_from; and or not (three-valued; and/or take two
 * or more arguments); is_null is_not_null; like ilike (text, pattern[, escape]); concat;
 * extract_year … Functions keep their SQL names; `functions/` has the meaning of all.
 */
export interface CallExpression extends Typed {
  readonly kind: 'call';
  readonly name: string;
  readonly args: readonly Expression[];
}

export interface CastExpression extends Typed {
  readonly kind: 'cast';
  readonly input: Expression;
  /** TRY_CAST: NULL where the cast fails. */
  readonly try: boolean;
}

/**
 * The searched form; the binder turns CASE x WHEN v into x = v. Without ELSE, `otherwise` is NULL.
 */
export interface CaseExpression extends Typed {
  readonly kind: 'case';
  readonly branches: readonly CaseBranch[];
  readonly otherwise: Expression;
}

export interface CaseBranch {
  readonly when: Expression;
  readonly then: Expression;
}

/** x IN (a, b, …) over values of one type; NOT IN is `not` of it. */
export interface InListExpression extends Typed {
  readonly kind: 'inList';
  readonly input: Expression;
  readonly list: readonly Expression[];
}

/**
 * A subquery before unnesting; the optimizer leaves none. `scalar`: the one value of its one
 * column, NULL of no row, an error for more than one row. `exists`. `any`/`all`: `operands`
 * compared by `comparison` with the columns of each row (IN is `any` with eq).
 */
export interface SubqueryExpression extends Typed {
  readonly kind: 'subquery';
  readonly mode: 'scalar' | 'exists' | 'any' | 'all';
  readonly plan: Plan;
  readonly operands: readonly Expression[];
  readonly comparison: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' | undefined;
}

/** count(*) is `count` without argument. */
export interface AggregateCall {
  readonly name: string;
  readonly args: readonly Expression[];
  readonly distinct: boolean;
  readonly filter: Expression | undefined;
  /** ORDER BY inside the call, for string_agg and list. */
  readonly order: readonly SortKey[];
  readonly type: SqlType;
  readonly nullable: boolean;
}

export interface SortKey {
  readonly expression: Expression;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

export function columnRef(column: Column): ColumnExpression {
  return { kind: 'column', column, type: column.type, nullable: column.nullable };
}

/** The column an expression is, if it is one. */
export function columnOf(expression: Expression): Column | undefined {
  return expression.kind === 'column' ? expression.column : undefined;
}

export function constant(value: ConstantValue, type: SqlType): ConstantExpression {
  return { kind: 'constant', value, type, nullable: value === null };
}

export function call(
  name: string,
  args: readonly Expression[],
  type: SqlType,
  nullable = args.some((arg) => arg.nullable),
): CallExpression {
  return { kind: 'call', name, args, type, nullable };
}

export function cast(input: Expression, type: SqlType): Expression {
  return sameType(input.type, type)
    ? input
    : { kind: 'cast', input, type, nullable: input.nullable, try: false };
}

export const trueConstant = constant(true, booleanType);

/** The direct sub-expressions, left to right; a subquery's operands but not its plan. */
export function children(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'column':
    case 'constant':
    case 'parameter':
      return [];
    case 'call':
      return expression.args;
    case 'cast':
      return [expression.input];
    case 'case':
      return [
        ...expression.branches.flatMap((branch) => [branch.when, branch.then]),
        expression.otherwise,
      ];
    case 'inList':
      return [expression.input, ...expression.list];
    case 'subquery':
      return expression.operands;
  }
}

/** Splits a predicate at its top-level ANDs. */
export function conjuncts(predicate: Expression): Expression[] {
  if (predicate.kind === 'call' && predicate.name === 'and') {
    return predicate.args.flatMap(conjuncts);
  }
  return [predicate];
}

/** The AND of some predicates; undefined of none. */
export function conjunction(predicates: readonly Expression[]): Expression | undefined {
  if (predicates.length < 2) return predicates[0];
  return call('and', predicates, booleanType);
}
