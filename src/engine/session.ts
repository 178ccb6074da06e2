/** Statements one after the other: from text to what each of them does. */
import { QuernError } from '../base/error.ts';
import { type BindResult, bind } from '../bind/bind.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Program } from '../compile/index.ts';
import type { Plan } from '../plan/plan.ts';
import { type ExecutionResult, schemaOf } from '../run/execute.ts';
import type { ExecuteOptions } from '../run/execute-options.ts';
import type { ParameterValue } from '../run/parameters.ts';
import type { Runtime } from '../run/runtime.ts';
import { type Limits, Turns } from '../run/turns.ts';
import type { Statement } from '../sql/ast/statement.ts';
import { diagnosticError } from '../sql/diagnostic.ts';
import { parse, parseSingle } from '../sql/parse.ts';
import type { TableStorage } from '../table/storage.ts';
import type { ColumnBatch } from '../value/batch.ts';
import type { SqlType } from '../value/type.ts';
import type { CatalogState, PinnedCatalog } from './catalog-state.ts';
import type { FileSystem } from './files.ts';
import type { Parameters, QueryOptions } from './options.ts';
import { orderedValues, parameterType, parameterValues } from './parameters.ts';
import { type CachedQuery, CatalogReads, PlanCache } from './plan-cache.ts';
import type { Procedure } from './procedures.ts';
import type { QueryRunner, ReadyPlan } from './query-runner.ts';
import type { Rehearsals } from './rehearsals.ts';
import { Result } from './result.ts';
import { runStatement } from './run-statement.ts';
import { type SourceRegistry, StatementSources, withSchemas } from './sources.ts';

/** What all statements of a database share. */
export interface Engine {
  readonly runtime: Runtime;
  readonly storage: TableStorage;
  readonly catalog: CatalogState;
  readonly runner: QueryRunner;
  readonly sources: SourceRegistry;
  readonly procedures: ReadonlyMap<string, Procedure>;
  readonly files: FileSystem;
  readonly readOnly: boolean;
  readonly rehearsals: Rehearsals;
}

/** A statement with the values and the snapshot it runs with. */
export interface Request extends Limits {
  /** For long work outside of compiled code. */
  readonly turns: Turns;
  readonly sql: string;
  readonly catalog: PinnedCatalog;
  readonly parameters: readonly ParameterValue[];
  readonly options: QueryOptions;
}

/** What PREPARE keeps. */
interface PreparedText {
  readonly sql: string;
  readonly statement: Statement;
  /** Types that were given for its parameters. */
  readonly types: readonly SqlType[];
}

export class Session {
  readonly engine: Engine;
  /** Threads of a statement, as SET threads says. */
  threads: number;
  /** Milliseconds that a statement may take, 0 if there is no limit: SET statement_timeout. */
  statementTimeout = 0;
  /** What PREPARE has named, by name in lower case. */
  readonly prepared = new Map<string, PreparedText>();
  readonly #cache = new PlanCache();

  constructor(engine: Engine) {
    this.engine = engine;
    this.threads = engine.runtime.threadsMax;
  }

  /** Runs all statements of a text; the result is that of the last. */
  async run(sql: string, parameters: Parameters, options: QueryOptions): Promise<Result> {
    const key = cacheKey(sql, parameters);
    const cached = this.#cache.get(key, this.engine.catalog.current);
    if (cached !== undefined) return this.#runCached(sql, cached, parameters, options);
    const { statements, diagnostics } = parse(sql);
    if (diagnostics.length > 0) throw diagnosticError(sql, diagnostics[0]);
    let result = new Result([], []);
    for (const statement of statements) {
      const cacheAs = statements.length === 1 ? key : undefined;
      result = await this.runOne(sql, statement, parameters, options, cacheAs);
    }
    return result;
  }

  async #runCached(
    sql: string,
    cached: CachedQuery,
    parameters: Parameters,
    options: QueryOptions,
  ): Promise<Result> {
    const catalog = this.engine.catalog.pin();
    try {
      const values = parameterValues(sql, parameters, cached.parameters);
      const request = this.#request(sql, catalog, values, options);
      return resultOf(await this.execute(cached.program, request), request);
    } finally {
      this.engine.catalog.unpin(catalog);
    }
  }

  /** Runs one statement; a query is kept under `cacheAs`, if that is given, for the next time. */
  async runOne(
    sql: string,
    statement: Statement,
    parameters: Parameters,
    options: QueryOptions,
    cacheAs?: string,
    types: readonly SqlType[] = [],
  ): Promise<Result> {
    const catalog = this.engine.catalog.pin();
    try {
      const read = new CatalogReads(catalog);
      const { bound, timeless } = await this.#bind(sql, statement, read, parameters, types);
      const values = parameterValues(sql, parameters, bound.parameters);
      const request = this.#request(sql, catalog, values, options);
      if (bound.statement.kind !== 'query') {
        const result = await runStatement(this, bound.statement, request);
        await this.engine.rehearsals.afterChange(this, request);
        return result;
      }
      return await this.withPlan(bound.statement.plan, request, async ({ plan, temporary }) => {
        const program = this.engine.runner.compile(plan);
        // What refers to tables of its own does not outlive them.
        if (cacheAs !== undefined && timeless && temporary.length === 0) {
          this.#cache.set(cacheAs, { program, parameters: bound.parameters, read });
        }
        return resultOf(await this.execute(program, request), request);
      });
    } finally {
      this.engine.catalog.unpin(catalog);
    }
  }

  /** Runs one statement and gives its rows a batch at a time. */
  async *stream(
    sql: string,
    parameters: Parameters,
    options: QueryOptions,
  ): AsyncGenerator<Result> {
    const statement = parseSingle(sql);
    const catalog = this.engine.catalog.pin();
    try {
      const { bound } = await this.#bind(sql, statement, catalog, parameters, []);
      const values = parameterValues(sql, parameters, bound.parameters);
      const request = this.#request(sql, catalog, values, options);
      if (bound.statement.kind !== 'query') {
        const result = await runStatement(this, bound.statement, request);
        await this.engine.rehearsals.afterChange(this, request);
        yield result;
        return;
      }
      const { runner } = this.engine;
      const ready = await runner.prepare(bound.statement.plan, request.turns);
      try {
        const program = runner.compile(ready.plan);
        const schema = schemaOf(program);
        let isEmpty = true;
        for await (const batch of runner.executeStream(program, this.#executeOptions(request))) {
          isEmpty = false;
          yield new Result(schema, [batch], options.values);
        }
        // Without rows there are columns all the same.
        if (isEmpty) yield new Result(schema, [], options.values);
      } finally {
        await runner.done(ready);
      }
    } finally {
      this.engine.catalog.unpin(catalog);
    }
  }

  /** Gives up what was compiled for statements that may come again. */
  forget(): void {
    for (const { program } of this.#cache.entries()) this.engine.runtime.forget(program);
    this.#cache.clear();
  }

  #request(
    sql: string,
    catalog: PinnedCatalog,
    parameters: readonly ParameterValue[],
    options: QueryOptions,
  ): Request {
    const timeout = options.timeout ?? this.statementTimeout;
    const deadline = timeout > 0 ? performance.now() + timeout : undefined;
    const limits = { signal: options.signal, deadline };
    const turns = new Turns(this.engine.runtime.platform, limits);
    return { sql, catalog, parameters, options, turns, ...limits };
  }

  /**
   * Binds a statement. `timeless`: what it means depends on nothing but the catalog, neither on the
   * time nor on a file.
   */
  async #bind(
    sql: string,
    statement: Statement,
    catalog: Catalog,
    parameters: Parameters,
    types: readonly (SqlType | undefined)[],
  ): Promise<{ bound: BindResult; timeless: boolean }> {
    const sources = new StatementSources(this.engine.sources);
    let timeless = true;
    const bindWith = (parameterTypes: readonly (SqlType | undefined)[]) =>
      withSchemas(() =>
        bind(sql, statement, {
          catalog,
          sources,
          parameterTypes,
          get now() {
            timeless = false;
            return BigInt(Date.now()) * 1000n;
          },
        }),
      );
    let bound = await bindWith(types);
    if (bound.undecided.length > 0) {
      // Nothing in the statement says what such a parameter is: its value does.
      const hints = [...types];
      const values = orderedValues(parameters, bound.parameters);
      for (const index of bound.undecided) hints[index] = parameterType(values[index]);
      bound = await bindWith(hints);
    }
    return { bound, timeless: timeless && !sources.used };
  }

  /** Makes a plan ready, hands it to `use`, and gives up its temporary tables when that is done. */
  async withPlan<T>(
    plan: Plan,
    { turns }: Request,
    use: (ready: ReadyPlan) => Promise<T>,
  ): Promise<T> {
    const ready = await this.engine.runner.prepare(plan, turns);
    try {
      return await use(ready);
    } finally {
      await this.engine.runner.done(ready);
    }
  }

  /** Runs a plan to its rows. */
  rows(plan: Plan, request: Request): Promise<ExecutionResult> {
    return this.withPlan(plan, request, ({ plan }) => {
      return this.execute(this.engine.runner.compile(plan), request);
    });
  }

  /** The rows of a plan a batch at a time; what only copies is not compiled. */
  async *batches(plan: Plan, request: Request): AsyncGenerator<ColumnBatch> {
    const { runner } = this.engine;
    const ready = await runner.prepare(plan, request.turns);
    try {
      const copied = runner.copiedRows(ready.plan);
      if (copied === undefined) {
        yield* runner.executeStream(runner.compile(ready.plan), this.#executeOptions(request));
        return;
      }
      for await (const batch of copied) {
        await request.turns.ifDue();
        yield batch;
      }
    } finally {
      await runner.done(ready);
    }
  }

  execute(program: Program, request: Request): Promise<ExecutionResult> {
    return this.engine.runner.execute(program, this.#executeOptions(request));
  }

  #executeOptions({ parameters, options, signal, deadline }: Request): ExecuteOptions {
    const { onProgress } = options;
    return { threads: this.threads, signal, deadline, parameters, onProgress };
  }

  /** Fails if the database may not be changed. */
  checkWritable(): void {
    if (!this.engine.readOnly) return;
    throw new QuernError('25006', 'the database is open for reading only');
  }
}

export function resultOf(
  { schema, batches, profile }: ExecutionResult,
  { options }: Request,
): Result {
  return new Result(schema, batches, options.values, profile);
}

function cacheKey(sql: string, parameters: Parameters): string {
  if (Array.isArray(parameters) && parameters.length === 0) return sql;
  const types = Object.values(parameters).map((value) => JSON.stringify(parameterType(value)));
  return `${sql}\0${types.join()}`;
}
