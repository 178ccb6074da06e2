/**
 * Operators that work partition by partition, in programs that spill: their input is distributed
 * over partitions by the hash of their keys, then their steps run for one partition after the
 * other (Grace hash join; Kitsuregawa, Tanaka and Moto-oka, New Generation Computing 1983).
 */
import { assert } from '../../base/assert.ts';
import type { Column } from '../../plan/expression.ts';
import { type Expr, type FunctionBuilder, i32, type Local } from '../../wasm/index.ts';
import { columnsOf, compileExpression } from '../expressions/compile.ts';
import {
  appenderField,
  type FreedArea,
  type HashSplit,
  type PartitionedInput,
  type PartitionSplit,
  type RowsStep,
} from '../program.ts';
import type { Consume, Pipeline, Query, Scope } from '../query.ts';
import { appendOwnRow, loadField, type RowLayout, type StoredField } from '../row.ts';
import { spill, type Value } from '../value.ts';
import { produceRows } from './materialize.ts';

/** The header of a row in partitions: four bytes for the operator, 0 at first, and the hash. */
export const rowStateAt = 0;
export const rowHashAt = 4;
export const rowHeader = 8;

/** Buffers of rows, one for each partition, and the one that has the rows under way. */
export class PartitionBuffers {
  readonly query: Query;
  readonly layout: RowLayout;
  /** The buffer that has the rows of the partitions under way. */
  readonly window: number;
  readonly first: number;
  readonly count: number;
  readonly #name: string;

  /** The layout must be complete. */
  constructor(query: Query, name: string, layout: RowLayout) {
    const { spill } = query.options;
    assert(spill !== undefined, 'only programs that spill have partitions');
    this.query = query;
    this.layout = layout;
    this.#name = name;
    this.count = spill.partitions;
    this.first = query.movableBuffers(name, layout, this.count);
    this.window = query.movableBuffers(`${name}_window`, layout, 1);
  }

  /** Appends a row to a partition; its address. */
  appendTo(
    pipeline: Pipeline,
    partition: Expr,
    stored: readonly (readonly [StoredField, Value])[],
  ): Local {
    for (let i = 0; i < this.count; i++) pipeline.appends.add(this.first + i);
    const { appender } = this.query.buffers[this.first];
    const bytes = Math.log2(appenderField.bytes);
    const at = i32.add(i32.add(pipeline.local, appender), i32.shl(partition, bytes));
    return appendOwnRow(pipeline, pipeline.f, pipeline.local, at, this.layout.rowBytes, stored);
  }

  /** The step that distributes the rows of the window. */
  distribute(partitionOf: (scope: Scope, row: Local) => Expr, copyHeader: CopyHeader): RowsStep {
    const { query } = this;
    const outer = query.steps;
    query.steps = [];
    const name = `distribute_${this.#name}`;
    produceRows(query, name, this.window, this.layout.rowBytes, (scope, row) => {
      const stored = this.layout.fields.map((field): [StoredField, Value] => [
        field,
        loadField(row, field),
      ]);
      const partition = partitionOf(scope, row);
      copyHeader(scope, row, this.appendTo(scope.pipeline, partition, stored));
    });
    const [step] = query.steps;
    query.steps = outer;
    assert(step.kind === 'rows', 'rows are distributed in a step over rows');
    return step;
  }
}

/** Code that copies what a row has besides its fields. */
type CopyHeader = (scope: Scope, from: Local, to: Local) => void;

/** Rows distributed over partitions by their hash, which lies in the row. */
export class PartitionedRows {
  readonly layout: RowLayout;
  readonly window: number;
  readonly #buffers: PartitionBuffers;
  readonly #copyMore: CopyHeader | undefined;

  /**
   * The layout has the header of such rows and must be complete. `copyMore`: code that copies what
   * a row has besides its fields and that header.
   */
  constructor(query: Query, name: string, layout: RowLayout, copyMore?: CopyHeader) {
    this.#copyMore = copyMore;
    this.#buffers = new PartitionBuffers(query, name, layout);
    this.layout = layout;
    this.window = this.#buffers.window;
  }

  /** Appends a row to the partition of its hash; its address. */
  append(
    { pipeline }: Scope,
    hash: Expr,
    stored: readonly (readonly [StoredField, Value])[],
  ): Local {
    const shift = 32 - Math.log2(this.#buffers.count);
    const row = this.#buffers.appendTo(pipeline, this.#partition(hash, shift), stored);
    writeHeader(pipeline.f, row, hash);
    return row;
  }

  #partition(hash: Expr, shift: Expr | number): Expr {
    return i32.and(i32.shrU(hash, shift), this.#buffers.count - 1);
  }

  /** This as an input of a loop over partitions; `shift`: where the frame has that of a hash. */
  input(whole: boolean, extraBytes: number, shift: number): PartitionedInput {
    const { first, window } = this.#buffers;
    const distribute = this.#buffers.distribute(
      ({ pipeline }, row) => {
        const bits = pipeline.hoist(() => i32.load(pipeline.frame, shift), 'shift');
        return this.#partition(i32.load(row, rowHashAt), bits);
      },
      (scope, from, to) => {
        writeHeader(scope.f, to, i32.load(from, rowHashAt));
        this.#copyMore?.(scope, from, to);
      },
    );
    return { first, window, whole, extraBytes, distribute };
  }
}

function writeHeader(f: FunctionBuilder, row: Local, hash: Expr): void {
  f.do(i32.store(row, 0, rowStateAt));
  f.do(i32.store(row, hash, rowHashAt));
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
    readonly pieces?: HashSplit['pieces'];
    readonly outside?: HashSplit['outside'];
    readonly canSplit: boolean;
    /** What the steps leave behind that the next partition must not find. */
    readonly buffers: readonly number[];
    readonly areas: readonly FreedArea[];
  };
}

/** An operator whose rows were distributed by their hash. */
export function producePartitions(query: Query, consume: Consume, loop: PartitionLoop): void {
  const shift = query.frameSlot(4, 4);
  produceLoop(query, loop.name, consume, loop.build, () => {
    const { inputs, pieces, outside, canSplit, buffers, areas } = loop.finish();
    return {
      inputs: inputs.map(({ rows, whole, extraBytes }) => rows.input(whole, extraBytes, shift)),
      split: {
        kind: 'hash',
        shift: canSplit ? shift : undefined,
        ...(pieces === undefined ? {} : { pieces }),
        ...(outside === undefined ? {} : { outside }),
      },
      buffers,
      areas,
    };
  });
}

/** What is known of a loop over partitions once its steps are built. */
interface LoopParts {
  readonly inputs: readonly PartitionedInput[];
  readonly split: PartitionSplit;
  readonly done?: number;
  readonly buffers: readonly number[];
  readonly areas: readonly FreedArea[];
}

/** Emits the loop in which the steps that `build` emits run for each partition. */
export function produceLoop(
  query: Query,
  name: string,
  consume: Consume,
  build: (outgoing: Consume) => void,
  finish: () => LoopParts,
): void {
  const outer = query.steps;
  const inner: typeof outer = [];
  let outgoing = '';
  query.steps = inner;
  build((scope) => {
    // What the next operators need is made once, before the loop, and is not the loop's to free.
    query.steps = outer;
    consume(scope);
    query.steps = inner;
    outgoing = scope.pipeline.name;
  });
  query.steps = outer;
  assert(outgoing !== '', 'a loop has a step whose rows go on');
  const { inputs, split, done, buffers, areas } = finish();
  inner.push({ kind: 'free', buffers, areas });
  query.steps.push({
    kind: 'partitions',
    name: query.unique(name),
    inputs,
    partitions: query.options.spill?.partitions ?? 1,
    steps: inner,
    outgoing,
    split,
    ...(done === undefined ? {} : { done }),
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
