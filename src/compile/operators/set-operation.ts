import { assert } from '../../base/assert.ts';
import { type AggregateCall, type Column, columnRef, constant } from '../../plan/expression.ts';
import type { Aggregate, Plan, Project, SetOperation } from '../../plan/plan.ts';
import { bigintType, sameType } from '../../value/type.ts';
import { i64, type Local } from '../../wasm/index.ts';
import { compileExpression } from '../expressions/compile.ts';
import { type Consume, freshColumn, type Query, type Scope } from '../query.ts';
import { loadField, RowLayout, type StoredField } from '../row.ts';
import { spill } from '../value.ts';
import { generalValue } from './general-value.ts';
import { produceRows, storeRow } from './materialize.ts';
import { produce } from './produce.ts';

/**
 * UNION ALL materialises both sides in one buffer. The other operations group the rows of both
 * sides, each marked with its side, and count: a row is in UNION once, in INTERSECT ALL as often as
 * on the side that has it less often, in EXCEPT ALL as often as the left has it more.
 */
export function produceSetOperation(plan: SetOperation, query: Query, consume: Consume): void {
  if (plan.operation === 'union' && plan.all) {
    produceUnionAll(plan, query, consume);
    return;
  }
  const grouped = groupSides(plan);
  const { columns } = plan;
  query.requireAll(grouped);
  produce(grouped, query, (scope) => {
    const [left, right] = grouped.columns.slice(columns.length).map((column) => {
      const value = scope.column(column);
      assert(value.form === 'int' || value.form === 'wide', 'counts are integers');
      return value.x;
    });
    const { f } = scope;
    if (plan.operation === 'union') {
      consume(scope);
      return;
    }
    const intersect = plan.operation === 'intersect';
    const times = intersect
      ? i64.select(i64.ltS(left, right), left, right)
      : plan.all
        ? i64.sub(left, right)
        : i64.select(i64.eqz(right), left, 0n);
    if (!plan.all) {
      f.if(i64.gtS(times, 0n), () => consume(scope.child()));
      return;
    }
    const remaining = f.let(times, 'times');
    f.while(i64.gtS(remaining, 0n), () => {
      f.checkpoint();
      consume(scope.child());
      f.set(remaining, i64.sub(remaining, 1n));
    });
  });
}

/** Both sides together, grouped by all columns, with the number of rows from the left and right. */
function groupSides(plan: SetOperation): Aggregate {
  const side = (input: Plan, left: boolean): Project => {
    const mark = (name: string): Column => freshColumn(name, bigintType, false);
    return {
      kind: 'project',
      input,
      expressions: [
        ...input.columns.map(columnRef),
        constant(left ? 1n : 0n, bigintType),
        constant(left ? 0n : 1n, bigintType),
      ],
      columns: [
        ...input.columns.map((c) => freshColumn(c.name, c.type, c.nullable)),
        mark('left'),
        mark('right'),
      ],
    };
  };
  const sides: SetOperation = {
    kind: 'setOperation',
    operation: 'union',
    all: true,
    left: side(plan.left, true),
    right: side(plan.right, false),
    columns: [
      ...plan.columns.map((c) => freshColumn(c.name, c.type, c.nullable)),
      freshColumn('left', bigintType, false),
      freshColumn('right', bigintType, false),
    ],
  };
  const width = plan.columns.length;
  const sum = (column: Column): AggregateCall => ({
    name: 'sum_counts',
    args: [columnRef(column)],
    distinct: false,
    filter: undefined,
    order: [],
    type: bigintType,
    nullable: false,
  });
  return {
    kind: 'aggregate',
    input: sides,
    groups: sides.columns.slice(0, width).map(columnRef),
    aggregates: sides.columns.slice(width).map(sum),
    groupingSets: undefined,
    columns: [
      ...plan.columns,
      freshColumn('left_rows', bigintType, false),
      freshColumn('right_rows', bigintType, false),
    ],
  };
}

/** A chain of unions is one: its rows need not be copied from union to union. */
function unionSides(plan: Plan): readonly Plan[] {
  if (plan.kind !== 'setOperation' || plan.operation !== 'union' || !plan.all) return [plan];
  const sides = [plan.left, plan.right].map((side) => {
    const below = unionSides(side);
    // Their types are those of the columns they go to.
    return below.length > 1 && sameTypes(side, plan) ? below : [side];
  });
  return sides.flat();
}

function sameTypes(a: Plan, b: Plan): boolean {
  return a.columns.every((column, i) => sameType(column.type, b.columns[i].type));
}

function produceUnionAll(plan: SetOperation, query: Query, consume: Consume): void {
  const layout = new RowLayout();
  let fields: StoredField[] | undefined;
  let buffer = -1;
  for (const side of unionSides(plan)) {
    produce(side, query, (scope) => {
      const values = side.columns.map((column, i) =>
        generalValue(compileExpression(columnRef(column), scope), plan.columns[i], scope),
      );
      if (fields === undefined) {
        fields = values.map((value) => layout.add(value));
        buffer = query.streamedBuffer('union', layout);
      }
      const made = fields;
      storeRow(
        scope,
        buffer,
        layout,
        values.map((value, i) => [made[i], value]),
      );
    });
  }
  assert(fields !== undefined, 'the sides were compiled');
  const stored: StoredField[] = fields;
  const read = (scope: Scope, row: Local) => {
    plan.columns.forEach((column, i) => {
      scope.define(column, () => spill(scope.f, loadField(row, stored[i]), column.name));
    });
    consume(scope);
  };
  produceRows(query, 'union', buffer, layout.rowBytes, read, true);
}
