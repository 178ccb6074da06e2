import { assert } from '../../base/assert.ts';
import type { Column } from '../../plan/expression.ts';
import { i32, type Local } from '../../wasm/index.ts';
import { morselField } from '../program.ts';
import { Pipeline, type Query, Scope } from '../query.ts';
import {
  appendOwnRow,
  appendRow,
  loadField,
  type RowLayout,
  type StoredField,
  storeField,
} from '../row.ts';
import { spill, type Value } from '../value.ts';

/**
 * Appends a row with the given values to a buffer; the row's address. In a program that spills, the
 * row has strings of its own.
 */
export function storeRow(
  scope: Scope,
  buffer: number,
  layout: RowLayout,
  stored: readonly (readonly [StoredField, Value])[],
): Local {
  const { pipeline, f, query } = scope;
  if (query.options.spill !== undefined) {
    pipeline.appends.add(buffer);
    const appender = i32.add(pipeline.local, query.buffers[buffer].appender);
    return appendOwnRow(pipeline, f, pipeline.local, appender, layout.rowBytes, stored);
  }
  const row = appendRow(pipeline, f, pipeline.local, buffer, layout.rowBytes);
  for (const [field, value] of stored) storeField(f, row, field, value);
  return row;
}

/**
 * Makes the stored columns of the row at `row` known in a scope; each is loaded at its first use.
 */
export function defineStored(
  scope: Scope,
  columns: readonly Column[],
  fields: ReadonlyMap<number, StoredField>,
  row: Local,
): void {
  for (const column of columns) {
    const field = fields.get(column.id);
    if (field === undefined) continue;
    scope.define(column, () => spill(scope.f, loadField(row, field), column.name));
  }
}

/** A pipeline over the rows of a buffer; `isLast`: nobody reads them again. */
export function produceRows(
  query: Query,
  name: string,
  buffer: number,
  rowBytes: number,
  body: (scope: Scope, row: Local) => void,
  isLast = false,
): void {
  const unique = query.unique(name);
  const pipeline = buildStep(query, unique, (p) => {
    const { morsel } = p.f.param;
    const row = p.hoist(() => i32.load(morsel, morselField.rows), 'row');
    const bytes = () => i32.mul(i32.load(morsel, morselField.count), rowBytes);
    const end = p.hoist(() => i32.add(row, bytes()), 'end');
    p.f.while(i32.ltU(row, end), () => {
      body(new Scope(p), row);
      p.f.set(row, i32.add(row, rowBytes));
      p.f.checkpoint(1, { onlyResumed: true });
    });
  });
  query.steps.push({ kind: 'rows', name: unique, buffer, isLast, ...stepTail(pipeline) });
}

/** A pipeline over the numbers from 0 to a count in the frame. */
export function produceRange(
  query: Query,
  name: string,
  count: number,
  grain: number,
  body: (scope: Scope, index: Local) => void,
): void {
  const unique = query.unique(name);
  const pipeline = buildStep(query, unique, (p) => {
    const { morsel } = p.f.param;
    const index = p.hoist(() => i32.load(morsel, morselField.first), 'index');
    const size = () => i32.load(morsel, morselField.count);
    const end = p.hoist(() => i32.add(index, size()), 'end');
    p.f.while(i32.ltU(index, end), () => {
      body(new Scope(p), index);
      p.f.set(index, i32.add(index, 1));
      p.f.checkpoint(1, { onlyResumed: true });
    });
  });
  query.steps.push({ kind: 'range', name: unique, count, grain, ...stepTail(pipeline) });
}

/** Builds a step function that is one pipeline. */
export function buildStep(
  query: Query,
  name: string,
  build: (pipeline: Pipeline) => void,
): Pipeline {
  let pipeline: Pipeline | undefined;
  query.stepFunction(name, (f) => {
    pipeline = new Pipeline(query, f, name);
    build(pipeline);
    pipeline.end();
  });
  assert(pipeline !== undefined, 'the step function was built');
  return pipeline;
}

export function stepTail(pipeline: Pipeline): { appends: number[]; finish?: string } {
  const appends = [...pipeline.appends];
  return pipeline.finish === undefined ? { appends } : { appends, finish: pipeline.finish };
}

/** Columns of `available` whose ids are wanted. */
export function wanted(
  available: readonly Column[],
  ids: ReadonlySet<number> | undefined,
): Column[] {
  assert(ids !== undefined, 'the required columns of every node are known');
  return available.filter((column) => ids.has(column.id));
}
