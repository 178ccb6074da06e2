import { QuernError, sqlState } from '../base/error.ts';
import { parseSingle } from '../sql/parse.ts';
import type { Parameters, QueryOptions } from './options.ts';
import type { Result } from './result.ts';
import { type Engine, Session } from './session.ts';

/** A database that is open. */
export class Database {
  readonly #engine: Engine;
  readonly #session: Session;
  #closed = false;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#session = new Session(engine);
  }

  /**
   * Runs one or more statements and gives the rows of the last. Rejects with a QuernError whose
   * message shows the place in the text.
   */
  async query(
    sql: string,
    parameters: Parameters = [],
    options: QueryOptions = {},
  ): Promise<Result> {
    this.#checkOpen();
    return this.#session.run(sql, parameters, options);
  }

  /**
   * Runs one statement and gives its rows a batch at a time, each batch a {@link Result}. Leaving
   * the loop early ends the statement.
   */
  async *stream(
    sql: string,
    parameters: Parameters = [],
    options: QueryOptions = {},
  ): AsyncGenerator<Result> {
    this.#checkOpen();
    yield* this.#session.stream(sql, parameters, options);
  }

  /** Checks a statement and keeps it for many runs, which then neither parse nor compile. */
  async prepare(sql: string): Promise<PreparedStatement> {
    this.#checkOpen();
    parseSingle(sql);
    return {
      query: (parameters, options) => this.query(sql, parameters, options),
      stream: (parameters, options) => this.stream(sql, parameters, options),
    };
  }

  /** Ends the threads and gives up the memory. Statements that are still running fail. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#engine.runtime.close();
  }

  #checkOpen(): void {
    if (this.#closed) throw new QuernError(sqlState.connectionException, 'the database is closed');
  }
}

export interface PreparedStatement {
  query(parameters?: Parameters, options?: QueryOptions): Promise<Result>;
  stream(parameters?: Parameters, options?: QueryOptions): AsyncGenerator<Result>;
}
