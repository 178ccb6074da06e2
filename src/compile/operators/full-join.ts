import { type Column, columnRef, constant } from '../../plan/expression.ts';
import type { Join, Plan, WithReference } from '../../plan/plan.ts';
import { columnSubstitution, substitute } from '../../plan/substitute.ts';
import { type Consume, freshColumn, freshId, type Query } from '../query.ts';
import { produce } from './produce.ts';

/**
 * FULL JOIN as what it adds up to: the left join, and below it the rows of the right side without
 * a match, with NULLs for the left. Both sides are computed once and read twice.
 */
export function produceFullJoin(join: Join, query: Query, consume: Consume): void {
  const leftId = freshId();
  const rightId = freshId();
  const [left, right] = [query.neededOf(join.left), query.neededOf(join.right)];
  const first = { left: reader(left, leftId), right: reader(right, rightId) };
  const second = { left: reader(left, leftId), right: reader(right, rightId) };
  const conditionOf = (sides: typeof first) =>
    join.condition &&
    substitute(
      join.condition,
      columnSubstitution(
        [...left.columns, ...right.columns],
        [...sides.left.columns, ...sides.right.columns],
      ),
    );
  const matched: Join = {
    ...join,
    type: 'left',
    left: first.left,
    right: first.right,
    condition: conditionOf(first),
    columns: [...first.left.columns, ...first.right.columns],
  };
  const unmatched: Join = {
    ...join,
    type: 'anti',
    left: second.right,
    right: second.left,
    condition: conditionOf(second),
    columns: second.right.columns,
  };
  const extended: Plan = {
    kind: 'project',
    input: unmatched,
    expressions: [
      ...left.columns.map((column) => constant(null, column.type)),
      ...second.right.columns.map(columnRef),
    ],
    columns: [...left.columns, ...right.columns].map(copy),
  };
  const both: Plan = {
    kind: 'setOperation',
    operation: 'union',
    all: true,
    left: matched,
    right: extended,
    columns: [...left.columns, ...right.columns],
  };
  const shared = (id: number, definition: Plan, body: Plan): Plan => ({
    kind: 'with',
    id,
    name: 'side',
    definition,
    body,
    columns: body.columns,
  });
  const plan = shared(leftId, left, shared(rightId, right, both));
  query.requireAll(plan);
  produce(plan, query, consume);
}

function copy(column: Column): Column {
  return freshColumn(column.name, column.type, true);
}

function reader(plan: Plan, id: number): WithReference {
  const columns = plan.columns.map(copy);
  const { estimate } = plan;
  return {
    kind: 'withReference',
    id,
    name: 'side',
    columns,
    ...(estimate === undefined ? {} : { estimate }),
  };
}
