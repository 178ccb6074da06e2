import { assert } from '../../base/assert.ts';
import { columnRef } from '../../plan/expression.ts';
import type { With, WithReference } from '../../plan/plan.ts';
import { compileExpression } from '../expressions/compile.ts';
import type { Consume, Query } from '../query.ts';
import { loadField, RowLayout, type StoredField } from '../row.ts';
import { spill, type Value } from '../value.ts';
import { produceRows, storeRow } from './materialize.ts';
import { produce } from './produce.ts';

/** The materialised rows of a common table expression. */
export interface SharedRows {
  readonly buffer: number;
  readonly rowBytes: number;
  /** One for each column of the definition. */
  readonly fields: readonly StoredField[];
}

/** Computes the definition once, then the body, whose references read the rows kept. */
export function produceWith(plan: With, query: Query, consume: Consume): void {
  query.shared.set(plan.id, materialize(plan, query));
  produce(plan.body, query, consume);
}

function materialize(plan: With, query: Query): SharedRows {
  const layout = new RowLayout();
  let rows: SharedRows | undefined;
  produce(plan.definition, query, (scope) => {
    const stored = plan.definition.columns.map((column): [StoredField, Value] => {
      const value = compileExpression(columnRef(column), scope);
      return [layout.add(value), value];
    });
    const buffer = query.streamedBuffer(plan.name, layout);
    rows = { buffer, rowBytes: layout.rowBytes, fields: stored.map(([field]) => field) };
    storeRow(scope, buffer, layout, stored);
  });
  assert(rows !== undefined, 'the definition was compiled');
  return rows;
}

export function produceWithReference(plan: WithReference, query: Query, consume: Consume): void {
  const rows = query.shared.get(plan.id);
  assert(rows !== undefined, `${plan.name} is computed before it is read`);
  produceRows(query, 'with', rows.buffer, rows.rowBytes, (scope, row) => {
    plan.columns.forEach((column, i) => {
      scope.define(column, () => spill(scope.f, loadField(row, rows.fields[i]), column.name));
    });
    consume(scope);
  });
}
