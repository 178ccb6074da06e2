/**
 * Operators that work partition by partition, in programs that spill: their input is distributed
 * over partitions by the hash of their keys, then their steps run for one partition after the
 * other (Grace hash join; Kitsuregawa, Tanaka and Moto-oka, New Generation Computing 1983).
 */
import { assert } from '../../base/assert.ts';
import type { Column } from '../../plan/expression.ts';
import { type Expr, type FunctionBuilder, i32, type Local } from '../../wasm/index.ts';
import { columnsOf, compileExpression } from '../expressions/compile.ts';
import { appenderField, type FreedArea, type PartitionSplit, type RowsStep } from '../program.ts';
import type { Consume, Pipeline, Query, Scope } from '../query.ts';
import { appendOwnRow, loadField, type RowLayout, type StoredField } from '../row.ts';
import { spill, type Value } from '../value.ts';
import { produceRows } from './materialize.ts';

/** The header of a row in partitions: four bytes for the operator, 0 at first, and the hash. */
export const rowStateAt = 0;
export const rowHashAt = 4;
export const rowHeader = 8;

/** Rows distributed over partitions; the hash of each lies in its row. */
export class PartitionedRows {
  readonly query: Query;
  readonly layout: RowLayout;
  /** The buffer that has the rows of the partitions under way. */
  readonly window: number;
  readonly #name: string;
  readonly #first: number;
  readonly #count: number;

  /** The layout has the header of such rows and must be complete. */
  constructor(query: Query, name: string, layout: RowLayout) {
    const { spill } = query.options;
    assert(spill !== undefined, 'only programs that spill have partitions');
    this.query = query;
    this.layout = layout;
    this.#name = name;
    this.#count = spill.partitions;
    this.#first = query.movableBuffers(name, layout, this.#count);
    this.window = query.movableBuffers(`${name}_window`, layout, 1);
  }

  /** Appends a row to the partition of its hash; its address. */
  append(scope: Scope, hash: Expr, stored: readonly (readonly [StoredField, Value])[]): Local {
    return this.#append(scope.pipeline, scope.f, hash, 32 - Math.log2(this.#count), stored);
  }

  #append(
    pipeline: Pipeline,
    f: FunctionBuilder,
    hash: Expr,
    shift: Expr | number,
    stored: readonly (readonly [StoredField, Value])[],
  ): Local {
    for (let i = 0; i < this.#count; i++) pipeline.appends.add(this.#first + i);
    const partition = i32.and(i32.shrU(hash, shift), this.#count - 1);
    const { appender } = this.query.buffers[this.#first];
    const bytes = Math.log2(appenderField.bytes);
    const at = i32.add(i32.add(pipeline.local, appender), i32.shl(partition, bytes));
    const row = appendOwnRow(pipeline, f, pipeline.local, at, this.layout.rowBytes, stored);
    f.do(i32.store(row, 0, rowStateAt));
    f.do(i32.store(row, hash, rowHashAt));
    return row;
  }

  /** The step that distributes the rows of the window once more, by other bits of their hash. */
  #distribute(shift: number): RowsStep {
    const { query } = this;
    const outer = query.steps;
    query.steps = [];
    const name = `distribute_${this.#name}`;
    produceRows(query, name, this.window, this.layout.rowBytes, (scope, row) => {
      const { f, pipeline } = scope;
      const stored = this.layout.fields.map((field): [StoredField, Value] => [
        field,
        loadField(row, field),
      ]);
      const bits = pipeline.hoist(() => i32.load(pipeline.frame, shift), 'shift');
      const hash = f.let(i32.load(row, rowHashAt), 'hash');
      this.#append(pipeline, f, hash, bits, stored);
    });
    const [step] = query.steps;
    query.steps = outer;
    assert(step.kind === 'rows', 'rows are distributed in a step over rows');
    return step;
  }

  /** This as an input of a loop over partitions. */
  input(whole: boolean, extraBytes: number, shift: number) {
    const distribute = this.#distribute(shift);
    return { first: this.#first, window: this.window, whole, extraBytes, distribute };
  }
}

/** The operator that works on partitions. */
export interface PartitionLoop {
  readonly name: string;
  /** Emits its steps; the rows of the operator go to `outgoing`. */
  build(outgoing: Consume): void;
  /** What is known once these are built. */
  finish(): {
    readonly inputs: readonly {
      readonly rows: PartitionedRows;
      readonly whole: boolean;
      readonly extraBytes: number;
    }[];
    readonly pieces?: PartitionSplit['pieces'];
    readonly canSplit: boolean;
    /** What the steps leave behind that the next partition must not find. */
    readonly buffers: readonly number[];
    readonly areas: readonly FreedArea[];
  };
}

export function producePartitions(query: Query, consume: Consume, loop: PartitionLoop): void {
  const outer = query.steps;
  const inner: typeof outer = [];
  let outgoing = '';
  query.steps = inner;
  loop.build((scope) => {
    // What the next operators need is made once, before the loop, and is not the loop's to free.
    query.steps = outer;
    consume(scope);
    query.steps = inner;
    outgoing = scope.pipeline.name;
  });
  query.steps = outer;
  assert(outgoing !== '', 'a loop has a step whose rows go on');
  const { inputs, pieces, canSplit, buffers, areas } = loop.finish();
  const shift = query.frameSlot(4, 4);
  inner.push({ kind: 'free', buffers, areas });
  query.steps.push({
    kind: 'partitions',
    name: query.unique(loop.name),
    inputs: inputs.map(({ rows, whole, extraBytes }) => rows.input(whole, extraBytes, shift)),
    partitions: query.options.spill?.partitions ?? 1,
    steps: inner,
    outgoing,
    split: {
      kind: 'hash',
      shift: canSplit ? shift : undefined,
      ...(pieces === undefined ? {} : { pieces }),
    },
  });
}

/** The columns among `available` whose ids are given, or that an expression uses. */
export function columnsToKeep(
  available: readonly Column[],
  ids: ReadonlySet<number>,
  expressions: readonly Parameters<typeof columnsOf>[0][],
): Column[] {
  const wanted = new Set(ids);
  for (const expression of expressions) {
    for (const column of columnsOf(expression)) wanted.add(column.id);
  }
  return available.filter(({ id }) => wanted.has(id));
}

/** Columns of a row as stored fields of a layout, and back. */
export class StoredColumns {
  readonly columns: readonly Column[];
  readonly #fields = new Map<number, StoredField>();

  constructor(columns: readonly Column[]) {
    this.columns = columns;
  }

  /** Adds the columns to a layout; gives what to store. */
  store(scope: Scope, layout: RowLayout): [StoredField, Value][] {
    return this.columns.map((column) => {
      const reference = { kind: 'column', column, type: column.type, nullable: true } as const;
      const value = compileExpression(reference, scope);
      const field = layout.add(value);
      this.#fields.set(column.id, field);
      return [field, value];
    });
  }

  define(scope: Scope, row: Local): void {
    for (const column of this.columns) {
      const field = this.#fields.get(column.id);
      assert(field !== undefined, 'the columns were stored');
      scope.define(column, () => spill(scope.f, loadField(row, field), column.name));
    }
  }
}
