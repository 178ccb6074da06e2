import { sqlState } from '../../base/error.ts';
import { sameAggregate, sameExpression } from '../../plan/equal.ts';
import {
  type AggregateCall,
  type Column,
  columnRef,
  type Expression,
  type SortKey,
} from '../../plan/expression.ts';
import type { WindowCall } from '../../plan/plan.ts';
import type { Span } from '../../sql/ast/node.ts';
import type { NamedWindow } from '../../sql/ast/query.ts';
import type { BindContext } from '../context.ts';
import { BindError } from '../error.ts';
import type { CommonTableEntry, Scope } from '../scope.ts';

/** Common tables in reach, innermost first. */
export interface CommonTables {
  readonly entry: CommonTableEntry;
  readonly outer: CommonTables | undefined;
}

/** Gathers the aggregates of a SELECT: equal ones share a column. */
export class AggregateCollector {
  readonly calls: AggregateCall[] = [];
  readonly columns: Column[] = [];

  add(context: BindContext, call: AggregateCall, name: string): Expression {
    let at = this.calls.findIndex((known) => sameAggregate(known, call));
    if (at < 0) {
      at = this.calls.push(call) - 1;
      this.columns.push(context.column(name, call.type, call.nullable));
    }
    return columnRef(this.columns[at]);
  }
}

/** A window call with the rows it looks at. */
export interface BoundWindow {
  readonly partition: readonly Expression[];
  readonly order: readonly SortKey[];
  readonly call: Omit<WindowCall, 'keys'>;
}

/** Gathers the window calls of a SELECT. */
export class WindowCollector {
  readonly calls: BoundWindow[] = [];
  readonly columns: Column[] = [];
  readonly named: readonly NamedWindow[];

  constructor(named: readonly NamedWindow[]) {
    this.named = named;
  }

  add(context: BindContext, window: BoundWindow, name: string): Expression {
    const { call } = window.call;
    const column = context.column(name, call.type, call.nullable);
    this.calls.push(window);
    this.columns.push(column);
    return columnRef(column);
  }
}

/** What an expression may refer to where it stands. */
export interface Place {
  readonly context: BindContext;
  readonly scope: Scope;
  readonly commonTables: CommonTables | undefined;
  /** For errors: `WHERE`. */
  readonly clause: string;
  /** Takes aggregates; undefined where none are allowed. */
  readonly aggregates: AggregateCollector | undefined;
  /** Takes window calls; undefined where none are allowed. */
  readonly windows: WindowCollector | undefined;
  /** Where columns of the scope were named last, for errors found later. */
  readonly spans: Map<number, Span>;
  /** Aliases being expanded, to refuse ones that refer to themselves. */
  readonly expanding: readonly string[];
}

/** The same place with aggregates and windows forbidden: inside their arguments. */
export function inside(place: Place, clause: string): Place {
  const windows = clause === 'a window function' ? undefined : place.windows;
  const aggregates = clause === 'a window function' ? place.aggregates : undefined;
  return { ...place, clause, windows: clause === 'an aggregate' ? undefined : windows, aggregates };
}

export function forbid(place: Place, what: string, span: Span): never {
  throw new BindError(
    sqlState.groupingError,
    `${what} is not allowed in ${place.clause}`,
    span,
    place.clause === 'WHERE' ? 'conditions on groups belong in HAVING' : undefined,
  );
}

/** The index of the expression in a list, or -1. */
export function indexOfSame(list: readonly Expression[], expression: Expression): number {
  return list.findIndex((item) => sameExpression(item, expression));
}
