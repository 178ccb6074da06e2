/** From a bound plan to rows: sources are read, the plan is optimized, compiled and run. */

import { assert } from '../base/assert.ts';
import type { TableEntry } from '../catalog/catalog.ts';
import { tableEntry } from '../catalog/entry.ts';
import { type CompileOptions, compile, compileToText, type Program } from '../compile/index.ts';
import { optimize } from '../optimize/index.ts';
import type { ConstantExpression } from '../plan/expression.ts';
import type { Plan, TableFunction } from '../plan/plan.ts';
import { type ExecutionResult, execute, executeStream } from '../run/execute.ts';
import type { ExecuteOptions } from '../run/execution.ts';
import type { Runtime } from '../run/runtime.ts';
import { loadTable } from '../table/load.ts';
import type { TableStorage } from '../table/storage.ts';
import type { ColumnBatch, Schema } from '../value/batch.ts';
import { tableFunctionsOf, withTables } from './plan-tables.ts';
import type { SourceRegistry } from './sources.ts';

/**
 * An optimized plan. Whoever has it must tell {@link QueryRunner.done} when it is no longer used.
 */
export interface ReadyPlan {
  readonly plan: Plan;
  /** Tables made of what its table functions gave. */
  readonly temporary: readonly TableEntry[];
}

export class QueryRunner {
  readonly #runtime: Runtime;
  readonly #storage: TableStorage;
  readonly #sources: SourceRegistry;

  constructor(runtime: Runtime, storage: TableStorage, sources: SourceRegistry) {
    this.#runtime = runtime;
    this.#storage = storage;
    this.#sources = sources;
  }

  /** Reads the plan's table functions into tables of their own, and optimizes it. */
  async prepare(bound: Plan): Promise<ReadyPlan> {
    const temporary: TableEntry[] = [];
    try {
      const read = new Map<Plan, TableEntry>();
      for (const call of tableFunctionsOf(bound)) {
        const table = await this.#read(call);
        temporary.push(table);
        read.set(call, table);
      }
      const plan = read.size === 0 ? bound : withTables(bound, read);
      return { plan: optimize(plan), temporary };
    } catch (error) {
      this.done({ temporary });
      throw error;
    }
  }

  done({ temporary }: Pick<ReadyPlan, 'temporary'>): void {
    for (const table of temporary) this.#storage.release(table.data);
  }

  compile(plan: Plan, options: Pick<CompileOptions, 'countRows'> = {}): Program {
    return compile(plan, { ...this.#compileOptions(), ...options });
  }

  /** The module a plan is compiled to, as text. */
  compileToText(plan: Plan): string {
    return compileToText(plan, this.#compileOptions());
  }

  #compileOptions() {
    return { sharedMemory: this.#runtime.memory.shared, threads: this.#runtime.threadsMax };
  }

  execute(program: Program, options: ExecuteOptions): Promise<ExecutionResult> {
    return execute(this.#runtime, program, options);
  }

  /** Runs a program and gives its rows a batch at a time. */
  executeStream(program: Program, options: ExecuteOptions): AsyncGenerator<ColumnBatch> {
    return executeStream(this.#runtime, program, options);
  }

  async #read(call: TableFunction): Promise<TableEntry> {
    const source = this.#sources.get(call.name);
    assert(source !== undefined, 'a bound table function is known');
    const constants = (expression: unknown) => expression as ConstantExpression;
    const named = new Map([...call.named].map(([name, arg]) => [name, constants(arg)]));
    const stream = await source.read({ args: call.args.map(constants), named });
    return tableEntry(call.name, await loadTable(this.#storage, stream.schema, stream.batches));
  }
}

/** The columns of a plan as fields. */
export function schemaOfPlan(plan: Plan): Schema {
  return plan.columns.map(({ name, type, nullable }) => ({ name, type, nullable }));
}
