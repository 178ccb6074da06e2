/** From a bound plan to rows: sources are read, the plan is optimized, compiled and run. */

import { assert } from '../base/assert.ts';
import type { TableEntry } from '../catalog/catalog.ts';
import { tableEntry } from '../catalog/entry.ts';
import { type CompileOptions, compile, compileToText, type Program } from '../compile/index.ts';
import { optimize } from '../optimize/index.ts';
import { type ConstantExpression, columnRef } from '../plan/expression.ts';
import type { Plan, TableFunction, Values } from '../plan/plan.ts';
import { type ExecutionResult, execute, executeStream } from '../run/execute.ts';
import type { ExecuteOptions } from '../run/execute-options.ts';
import type { Runtime } from '../run/runtime.ts';
import type { Turns } from '../run/turns.ts';
import { loadedBatches, loadTable } from '../table/load.ts';
import { tableBatches } from '../table/read.ts';
import type { TableStorage } from '../table/storage.ts';
import type { BatchStream, ColumnBatch, Schema } from '../value/batch.ts';
import { interpretValues } from './interpret-values.ts';
import { longValuesOf, scannedOrdinals, tableFunctionsOf, withTables } from './plan-tables.ts';
import type { OpenedTable, SourceRegistry } from './sources.ts';
import { storedSource } from './stored-source.ts';

/**
 * An optimized plan. Whoever has it must tell {@link QueryRunner.done} when it is no longer used.
 */
export interface ReadyPlan {
  readonly plan: Plan;
  /** What its table functions gave, to be given up. */
  readonly temporary: readonly Temporary[];
}

/** A table that lives as long as a statement. */
interface Temporary {
  readonly call: TableFunction | Values;
  readonly entry: TableEntry;
  /** For tables whose rows are read as they are scanned. */
  readonly opened: OpenedTable | undefined;
}

/** With fewer columns there is nothing to save. */
const storedColumnsMin = 3;

export class QueryRunner {
  readonly #runtime: Runtime;
  readonly #storage: TableStorage;
  readonly #sources: SourceRegistry;

  constructor(runtime: Runtime, storage: TableStorage, sources: SourceRegistry) {
    this.#runtime = runtime;
    this.#storage = storage;
    this.#sources = sources;
  }

  /**
   * Reads the plan's table functions into tables of their own, and optimizes it. Files that can
   * give columns apart are opened only; of them it is then known what is read.
   */
  async prepare(bound: Plan, turns: Turns): Promise<ReadyPlan> {
    const temporary: Temporary[] = [];
    try {
      for (const call of tableFunctionsOf(bound)) temporary.push(await this.#open(call, turns));
      for (const values of longValuesOf(bound)) temporary.push(await this.#store(values, turns));
      if (temporary.length === 0) return { plan: optimize(bound), temporary };
      const tables = new Map(temporary.map(({ call, entry }) => [call as Plan, entry]));
      const plan = optimize(withTables(bound, tables));
      const reads = scannedOrdinals(plan);
      const known = new Map<TableEntry, ReadonlySet<number>>();
      for (const { call, entry, opened } of temporary) {
        if (opened === undefined) continue;
        const ordinals = reads.get(entry) ?? new Set();
        const better = tableEntry(entry.name, await opened.tableFor(ordinals));
        tables.set(call, better);
        known.set(better, ordinals);
      }
      if (known.size === 0) return { plan, temporary };
      const final = optimize(withTables(bound, tables));
      for (const [entry, ordinals] of scannedOrdinals(final)) {
        const there = known.get(entry) ?? ordinals;
        for (const at of ordinals) assert(there.has(at), 'what is read was known to be read');
      }
      return { plan: final, temporary };
    } catch (error) {
      await this.done({ temporary });
      throw error;
    }
  }

  async done({ temporary }: Pick<ReadyPlan, 'temporary'>): Promise<void> {
    for (const { entry, opened } of temporary) {
      if (opened === undefined) this.#storage.release(entry.data);
      else await opened.close();
    }
  }

  compile(plan: Plan, options: Pick<CompileOptions, 'countRows'> = {}): Program {
    return compile(plan, { ...this.#compileOptions(), ...options });
  }

  /** The module a plan is compiled to, as text. */
  compileToText(plan: Plan): string {
    return compileToText(plan, this.#compileOptions());
  }

  #compileOptions(): CompileOptions {
    const { memory, threadsMax, impatient } = this.#runtime;
    const compileOptions: CompileOptions = { sharedMemory: memory.shared, threads: threadsMax };
    return impatient ? { ...compileOptions, portionWork: 1 } : compileOptions;
  }

  execute(program: Program, options: ExecuteOptions): Promise<ExecutionResult> {
    return execute(this.#runtime, program, options);
  }

  /** Runs a program and gives its rows a batch at a time. */
  executeStream(program: Program, options: ExecuteOptions): AsyncGenerator<ColumnBatch> {
    return executeStream(this.#runtime, program, options);
  }

  /**
   * The rows of a plan that only names columns of a table or file, column by column; undefined for
   * a plan that computes.
   */
  copiedRows(plan: Plan): AsyncGenerator<ColumnBatch> | Generator<ColumnBatch> | undefined {
    const scan = plan.kind === 'project' ? plan.input : plan;
    if (scan.kind !== 'scan' || scan.filters.length > 0) return undefined;
    const ordinals: number[] = [];
    const wanted = plan.kind === 'project' ? plan.expressions : plan.columns.map(columnRef);
    for (const expression of wanted) {
      const column = expression.kind === 'column' ? expression.column : undefined;
      const index = scan.columns.findIndex(({ id }) => id === column?.id);
      if (index < 0) return undefined;
      ordinals.push(scan.ordinals[index]);
    }
    const { memory } = this.#runtime;
    const { data } = scan.table;
    if (data.loader === undefined) return tableBatches(memory, data, ordinals);
    return loadedBatches(memory, data, data.loader, ordinals);
  }

  /** Many constant rows as a table: as code they would take long to compile. */
  async #store(values: Values, turns: Turns): Promise<Temporary> {
    const batch = interpretValues(values, []);
    assert(batch !== undefined, 'the rows are constants');
    const schema = schemaOfPlan(values).map((field) => ({ ...field, nullable: true }));
    const table = await loadTable(this.#storage, schema, [batch], () => turns.ifDue());
    return { call: values, entry: tableEntry('values', table), opened: undefined };
  }

  async #open(call: TableFunction, turns: Turns): Promise<Temporary> {
    const source = this.#sources.get(call.name);
    assert(source !== undefined, 'a bound table function is known');
    const constants = (expression: unknown) => expression as ConstantExpression;
    const named = new Map([...call.named].map(([name, arg]) => [name, constants(arg)]));
    const sourceCall = { args: call.args.map(constants), named };
    const opened = await source.open?.(sourceCall, this.#runtime.memory);
    if (opened !== undefined) return { call, entry: tableEntry(call.name, opened.table()), opened };
    if (call.columns.length >= storedColumnsMin) {
      const load = (stream: BatchStream) =>
        loadTable(this.#storage, stream.schema, turns.within(stream.batches), () => turns.ifDue());
      const read = () => source.read(sourceCall);
      const stored = storedSource(schemaOfPlan(call), this.#storage, read, load);
      return { call, entry: tableEntry(call.name, stored.table()), opened: stored };
    }
    const stream = await source.read(sourceCall);
    const table = await loadTable(this.#storage, stream.schema, turns.within(stream.batches), () =>
      turns.ifDue(),
    );
    return { call, entry: tableEntry(call.name, table), opened };
  }
}

/** The columns of a plan as fields. */
export function schemaOfPlan(plan: Plan): Schema {
  return plan.columns.map(({ name, type, nullable }) => ({ name, type, nullable }));
}
