import { sqlState } from '../../base/error.ts';
import { columnRef } from '../../plan/expression.ts';
import { freeColumns } from '../../plan/free-columns.ts';
import type { Plan } from '../../plan/plan.ts';
import type { Span } from '../../sql/ast/node.ts';
import type { CommonTable, Query, SetOperation } from '../../sql/ast/query.ts';
import { type SqlType, typeName } from '../../value/type.ts';
import { BindError, notSupported } from '../error.ts';
import { castTo } from '../types/cast.ts';
import { commonType } from '../types/common.ts';
import { bindBody, bindQuery, type QueryPlace, renameColumns } from './query.ts';

/**
 * A common table of WITH RECURSIVE: if the right side of its UNION names the table itself, a
 * recursive plan; else a query like any other.
 */
export function bindRecursive(place: QueryPlace, table: CommonTable, query: Query): Plan {
  const { context, parent, commonTables: outer } = place;
  const name = table.name.name;
  const { body } = query;
  if (body.kind !== 'setOperation' || body.operator !== 'UNION' || body.byName) {
    const entry = { name, reference: () => circular(table) };
    return bindQuery(context, query, parent, { entry, outer });
  }
  const place2 = innerTables(place, query);
  const initial = bindBody(
    withSelf(place2, name, () => circular(table)),
    body.left,
  );
  const named = renameColumns(initial, table.columns, name);
  const id = context.nextWith();
  let references = 0;
  const reference = (): Plan => {
    references++;
    const columns = named.columns.map((column) => context.column(column.name, column.type, true));
    return { kind: 'withReference', id, name, columns };
  };
  const step = bindBody(withSelf(place2, name, reference), body.right);
  if (references === 0) return bindQuery(context, query, parent, outer);
  const simple = query.orderBy.length === 0 && !query.orderByAll && !query.limit && !query.offset;
  if (!simple) notSupported('ORDER BY or LIMIT in a recursive common table', query.span);
  const cast = castStep(place, named, step, body);
  if (freeColumns(named).size > 0 || freeColumns(cast).size > 0) {
    notSupported('an outer column in a recursive common table', table.span);
  }
  const columns = named.columns.map((column) => context.column(column.name, column.type, true));
  return { kind: 'recursive', id, name, all: body.all, initial: named, step: cast, columns };
}

/** The query's own WITH cannot be combined with recursion yet. */
function innerTables(place: QueryPlace, query: Query): QueryPlace {
  if (query.with !== undefined) notSupported('WITH inside of a recursive common table', query.span);
  return place;
}

function withSelf(place: QueryPlace, name: string, reference: () => Plan): QueryPlace {
  return { ...place, commonTables: { entry: { name, reference }, outer: place.commonTables } };
}

function circular(table: CommonTable): never {
  throw new BindError(
    '42P19',
    `"${table.name.name}" may name itself only on the right side of UNION`,
    table.span,
  );
}

/** The rows of the step in the types of the rows that were there first. */
function castStep(place: QueryPlace, initial: Plan, step: Plan, body: SetOperation): Plan {
  const { span } = body.right;
  if (initial.columns.length !== step.columns.length) {
    throw new BindError(
      sqlState.syntaxError,
      `both sides of UNION must have as many columns: ` +
        `there are ${initial.columns.length} and ${step.columns.length}`,
      span,
    );
  }
  const expressions = step.columns.map((column, i) => {
    const { type } = initial.columns[i];
    const value = columnRef(column);
    if (commonType(columnRef(initial.columns[i]), value) === undefined) {
      mismatch(i, type, column.type, span);
    }
    return castTo(place.context, value, type, span);
  });
  const columns = expressions.map((expression, i) =>
    place.context.columnFor(expression, initial.columns[i].name, step),
  );
  return { kind: 'project', input: step, expressions, columns };
}

function mismatch(index: number, a: SqlType, b: SqlType, span: Span): never {
  throw new BindError(
    sqlState.datatypeMismatch,
    `column ${index + 1} of the recursive UNION is ${typeName(a)} at first and ${typeName(b)} later`,
    span,
    'convert one of them with CAST',
  );
}
