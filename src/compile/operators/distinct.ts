import { QuernError, sqlState } from '../../base/error.ts';
import {
  type AggregateCall,
  type Column,
  columnRef,
  constant,
  type Expression,
} from '../../plan/expression.ts';
import type { Aggregate, Plan, Project, WithReference } from '../../plan/plan.ts';
import { columnSubstitution, substitute } from '../../plan/substitute.ts';
import { bigintType, doubleType, type SqlType } from '../../value/type.ts';
import { expressionKey, freshColumn, freshId, type Query } from '../query.ts';

/** DISTINCT changes nothing for these. */
const idempotent = new Set(['min', 'max']);

function isDistinct(call: AggregateCall): boolean {
  return call.distinct && !idempotent.has(call.name);
}

/**
 * Aggregates of DISTINCT values as a grouping of a grouping: first by the groups and the argument,
 * then by the groups alone, where each value of the argument is one row. Calls without DISTINCT
 * beside them are computed in the first and combined in the second. Undefined if no call is
 * DISTINCT.
 *
 * Several different arguments are left only where there are grouping sets: the others were split by
 * the optimizer. Then the input is read once for each of them, and once for the calls without
 * DISTINCT; the rows of one reading have NULL for the arguments of the others.
 */
export function rewriteDistinct(plan: Aggregate, query: Query): Plan | undefined {
  const distinct = plan.aggregates.filter(isDistinct);
  if (distinct.length === 0) return undefined;
  if (distinct.some((call) => call.args.length !== 1)) {
    throw new QuernError(
      sqlState.featureNotSupported,
      'DISTINCT over several arguments is not supported yet',
    );
  }
  const args = distinctArguments(distinct);
  if (args.length === 1) return groupTwice(plan, plan.input, plan.groups, args);
  return expand({ ...plan, input: query.neededOf(plan.input) }, args);
}

/** The argument of a call, NULL where its FILTER does not pass. */
function filteredArgument(call: AggregateCall): Expression {
  const [then] = call.args;
  if (call.filter === undefined) return then;
  const { type } = then;
  const branches = [{ when: call.filter, then }];
  return { kind: 'case', branches, otherwise: constant(null, type), type, nullable: true };
}

function distinctArguments(calls: readonly AggregateCall[]): Expression[] {
  const byKey = new Map<string, Expression>();
  for (const call of calls) {
    const argument = filteredArgument(call);
    byKey.set(expressionKey(argument), argument);
  }
  return [...byKey.values()];
}

/** Groups by `groups` and `args`, then by `groups`. */
function groupTwice(
  plan: Aggregate,
  input: Plan,
  groups: readonly Expression[],
  args: readonly Expression[],
  combined: Combined = combine(plan.aggregates),
): Aggregate {
  const groupColumns = groups.map((group, i) => fresh(plan.columns[i].name, group));
  const argumentColumns = args.map((arg) => fresh('distinct', arg));
  const keys = args.map(expressionKey);
  const partialColumns = combined.partial.map((call) => fresh(call.name, call));
  const aggregates = plan.aggregates.map((call, i): AggregateCall => {
    if (isDistinct(call)) {
      const column = argumentColumns[keys.indexOf(expressionKey(filteredArgument(call)))];
      return { ...call, distinct: false, args: [columnRef(column)], filter: undefined };
    }
    const { name, parts } = combined.final[i];
    const partArgs = parts.map((part) => columnRef(partialColumns[part]));
    return { ...call, name, distinct: false, args: partArgs, filter: undefined };
  });
  const inner: Aggregate = {
    kind: 'aggregate',
    input,
    groups: [...groups, ...args],
    aggregates: combined.partial,
    groupingSets: undefined,
    columns: [...groupColumns, ...argumentColumns, ...partialColumns],
  };
  return { ...plan, input: inner, groups: groupColumns.map(columnRef), aggregates };
}

export function fresh(
  name: string,
  of: { readonly type: SqlType; readonly nullable: boolean },
): Column {
  return freshColumn(name, of.type, of.nullable);
}

interface Combined {
  readonly partial: readonly AggregateCall[];
  /** For each call that is not DISTINCT: what combines which of the partial results. */
  readonly final: readonly { readonly name: string; readonly parts: readonly number[] }[];
}

/** How calls without DISTINCT are computed in two steps. */
export function combine(calls: readonly AggregateCall[]): Combined {
  const partial: AggregateCall[] = [];
  const add = (call: AggregateCall): number => partial.push({ ...call, distinct: false }) - 1;
  const final = calls.map((call) => {
    if (isDistinct(call)) return { name: call.name, parts: [] };
    switch (call.name) {
      case 'count':
        return { name: 'sum_counts', parts: [add(call)] };
      case 'sum':
      case 'min':
      case 'max':
        return { name: call.name, parts: [add(call)] };
      case 'avg': {
        const count = { ...call, name: 'count', type: bigintType, nullable: false };
        const sum = { ...call, name: 'sum', type: sumType(call.args[0].type), nullable: true };
        return { name: 'avg_parts', parts: [add(sum), add(count)] };
      }
      default:
        throw new QuernError(
          sqlState.featureNotSupported,
          `${call.name} beside an aggregate of DISTINCT values is not supported yet`,
        );
    }
  });
  return { partial, final };
}

function sumType(type: SqlType): SqlType {
  if (type.kind === 'decimal') return { ...type, precision: 38 };
  return type.kind === 'real' ? doubleType : type.kind === 'double' ? type : { kind: 'hugeint' };
}

/**
 * Several arguments: the union of one reading of the input for each, tagged by what is not NULL.
 */
function expand(plan: Aggregate, args: readonly Expression[]): Plan {
  const combined = combine(plan.aggregates);
  const id = freshId();
  const own = combined.partial.flatMap((call) => (call.args.length === 0 ? [] : call.args));
  const filters = combined.partial.map((call) => call.filter);
  // The columns of every reading: groups, the number of the reading, arguments, own arguments.
  const reading = (number: number): Project => {
    const source = referenceTo(plan.input, id);
    const by = columnSubstitution(plan.input.columns, source.columns);
    const here = (expression: Expression) => substitute(expression, by);
    const only = (wanted: boolean, expression: Expression) =>
      wanted ? here(expression) : constant(null, expression.type);
    const expressions = [
      ...plan.groups.map(here),
      constant(BigInt(number), bigintType),
      ...args.map((arg, i) => only(number === i + 1, arg)),
      ...own.map((arg) => only(number === 0, arg)),
      ...filters
        .map((filter) => filter && only(number === 0, filter))
        .filter((f) => f !== undefined),
    ];
    return {
      kind: 'project',
      input: source,
      expressions,
      columns: expressions.map((expression) => fresh('part', { ...expression, nullable: true })),
    };
  };
  const readings = [0, ...args.map((_, i) => i + 1)].map(reading);
  const all = unionOf(readings);
  const refs = all.columns.map(columnRef);
  const width = plan.groups.length;
  const tag = refs[width];
  const argRefs = refs.slice(width + 1, width + 1 + args.length);
  let next = width + 1 + args.length;
  let nextFilter = next + own.length;
  const partial = combined.partial.map((call): AggregateCall => {
    const callArgs = call.args.map(() => refs[next++]);
    const ofFirst: Expression = {
      kind: 'call',
      name: 'eq',
      args: [tag, constant(0n, bigintType)],
      type: { kind: 'boolean' },
      nullable: false,
    };
    const filter: Expression =
      call.filter === undefined
        ? ofFirst
        : { ...ofFirst, name: 'and', args: [ofFirst, refs[nextFilter++]], nullable: true };
    return { ...call, args: callArgs, filter };
  });
  const renamed = plan.aggregates.map((call): AggregateCall => {
    if (!isDistinct(call)) return call;
    const keys = args.map(expressionKey);
    const at = keys.indexOf(expressionKey(filteredArgument(call)));
    return { ...call, args: [argRefs[at]], filter: undefined };
  });
  const grouped = groupTwice(
    { ...plan, aggregates: renamed },
    all,
    refs.slice(0, width),
    [...argRefs],
    { partial, final: combined.final },
  );
  return {
    kind: 'with',
    id,
    name: 'rows',
    definition: plan.input,
    body: grouped,
    columns: grouped.columns,
  };
}

export function unionOf(sides: readonly Plan[]): Plan {
  return sides.slice(1).reduce<Plan>(
    (left, right) => ({
      kind: 'setOperation',
      operation: 'union',
      all: true,
      left,
      right,
      columns: right.columns.map((column) => fresh(column.name, column)),
    }),
    sides[0],
  );
}

export function referenceTo(plan: Plan, id: number): WithReference {
  const columns = plan.columns.map((column) => fresh(column.name, column));
  const { estimate } = plan;
  const base = { kind: 'withReference', id, name: 'rows', columns } as const;
  return estimate === undefined ? base : { ...base, estimate };
}
