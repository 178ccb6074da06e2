import { type Column, constant, type Expression } from '../../plan/expression.ts';
import type { Values } from '../../plan/plan.ts';
import { i32 } from '../../wasm/index.ts';
import { compileExpression } from '../expressions/compile.ts';
import { type Consume, type Query, Scope } from '../query.ts';
import type { StoredField } from '../row.ts';
import { RowLayout } from '../row.ts';
import type { Value } from '../value.ts';
import { generalValue } from './general-value.ts';
import { buildStep, defineStored, produceRows, stepTail, storeRow } from './materialize.ts';

/** Constant rows. A single one is pushed on as it is; several are materialised first. */
export function produceValues(plan: Values, query: Query, consume: Consume): void {
  if (plan.rows.length === 0) {
    // What is above needs values to be compiled, though it never runs.
    times(0, query, (scope) => {
      const row = plan.columns.map((column) => constant(null, column.type));
      defineRow(plan.columns, row, scope);
      consume(scope);
    });
    return;
  }
  if (plan.rows.length === 1) {
    times(1, query, (scope) => {
      defineRow(plan.columns, plan.rows[0], scope);
      consume(scope);
    });
    return;
  }
  const layout = new RowLayout();
  const fields = new Map<number, StoredField>();
  const buffer = query.buffer('values', 0);
  times(1, query, (scope) => {
    for (const row of plan.rows) {
      const inner = scope.child();
      const stored = plan.columns.map((column, i): [StoredField, Value] => {
        const value = generalValue(compileExpression(row[i], inner), column, inner);
        const field = fields.get(column.id) ?? layout.add(value);
        fields.set(column.id, field);
        return [field, value];
      });
      storeRow(inner, buffer, layout, stored);
    }
  });
  query.setRowBytes(buffer, layout.rowBytes);
  produceRows(query, 'values', buffer, layout.rowBytes, (scope, row) => {
    defineStored(scope, plan.columns, fields, row);
    consume(scope);
  });
}

function defineRow(columns: readonly Column[], row: readonly Expression[], scope: Scope): void {
  columns.forEach((column, i) => {
    scope.define(column, compileExpression(row[i], scope));
  });
}

/** A pipeline that runs its body one time or not at all. */
function times(count: 0 | 1, query: Query, body: Consume): void {
  const name = query.unique('values');
  const slot = query.frameSlot(4, 4);
  query.callStep(`${name}_count`, (f) => f.do(i32.store(f.param.frame, count, slot)));
  const pipeline = buildStep(query, name, (p) => body(new Scope(p)));
  query.steps.push({ kind: 'range', name, count: slot, grain: 1, ...stepTail(pipeline) });
}
