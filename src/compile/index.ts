import { assert } from '../base/assert.ts';
import type { Column } from '../plan/expression.ts';
import type { Plan } from '../plan/plan.ts';
import { compileExpression } from './expressions/compile.ts';
import { storeRow } from './operators/materialize.ts';
import { produce } from './operators/produce.ts';
import { keepsOrderedRows, materializeOrdered } from './operators/sort.ts';
import type { CompileOptions, Program, ProgramResult, ResultColumn } from './program.ts';
import { requiredColumns } from './properties.ts';
import { Query } from './query.ts';
import { RowLayout, type StoredField } from './row.ts';
import type { Value } from './value.ts';

/**
 * Compiles an optimized plan, free of subqueries, to a program.
 *
 * @throws QuernError 0A000 for what is not supported yet.
 */
export function compile(plan: Plan, options: CompileOptions): Program {
  const { program } = compileQuery(plan, options);
  return program;
}

/** The resumable form of the module; what it suspends and resumes must agree with `program`. */
function resumableBytes(plan: Plan, options: CompileOptions, program: Program): Uint8Array {
  const other = compileQuery(plan, { ...options, resumable: true }).program;
  const same = other.frameBytes === program.frameBytes && other.localBytes === program.localBytes;
  assert(same && other.steps.length === program.steps.length, 'both forms have one layout');
  return other.bytes;
}

/** The module of a plan in the WebAssembly text format, for people. */
export function compileToText(plan: Plan, options: CompileOptions): string {
  return compileQuery(plan, options).query.module.toText();
}

function compileQuery(plan: Plan, options: CompileOptions): { query: Query; program: Program } {
  const query = new Query(options, requiredColumns(plan));
  const result = compileResult(plan, query);
  const constants = query.constantStep();
  const program: Program = {
    bytes: query.module.toBytes(),
    resumableBytes: () => resumableBytes(plan, options, program),
    frameBytes: query.frameBytes,
    localBytes: query.localBytes,
    parameters: query.parameters,
    buffers: query.buffers,
    counters: query.counters,
    steps: constants === undefined ? query.steps : [constants, ...query.steps],
    result,
    keptBytes: query.keptBytes,
    spills: options.spill !== undefined,
    spilling: (spill) => compile(plan, { ...options, spill }),
  };
  return { query, program };
}

/** The steps that leave the result of the root, and where it lies. */
function compileResult(root: Plan, query: Query): ProgramResult {
  const { plan, columns } = throughRenames(root);
  if ((plan.kind === 'sort' || plan.kind === 'limit') && keepsOrderedRows(plan, query)) {
    const unique = [...new Set(columns)];
    const { pointers, rowBytes, fields } = materializeOrdered(plan, unique, query);
    return {
      columns: columns.map((column, i) =>
        resultColumn(root.columns[i], fields.get(column.id) as StoredField),
      ),
      rowBytes,
      source: { kind: 'pointers', slot: pointers },
      offset: 0,
      limit: undefined,
    };
  }
  const layout = new RowLayout();
  let fields: StoredField[] = [];
  let buffer = -1;
  produce(root, query, (scope) => {
    const stored = root.columns.map((column): [StoredField, Value] => {
      const expression = { kind: 'column', column, type: column.type, nullable: true } as const;
      const value = compileExpression(expression, scope);
      return [layout.add(value), value];
    });
    fields = stored.map(([field]) => field);
    buffer = query.streamedBuffer('result', layout);
    storeRow(scope, buffer, layout, stored);
  });
  return {
    columns: root.columns.map((column, i) => resultColumn(column, fields[i])),
    rowBytes: layout.rowBytes,
    source: { kind: 'rows', buffer },
    offset: 0,
    limit: undefined,
  };
}

function resultColumn(column: Column, field: StoredField): ResultColumn {
  return { name: column.name, type: column.type, field };
}

/** Sees through projections at the root that only rename or reorder columns. */
function throughRenames(root: Plan): { plan: Plan; columns: readonly Column[] } {
  let plan = root;
  let columns = root.columns;
  while (plan.kind === 'project') {
    const { expressions, columns: own } = plan;
    const sources: Column[] = [];
    for (const column of columns) {
      const expression = expressions[own.findIndex((other) => other.id === column.id)];
      if (expression.kind !== 'column') return { plan: root, columns: root.columns };
      sources.push(expression.column);
    }
    columns = sources;
    plan = plan.input;
  }
  return { plan, columns };
}

export type { CompileOptions, Program } from './program.ts';
