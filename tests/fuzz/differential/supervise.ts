import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Random } from '../../../src/base/random.ts';
import { secondsMax } from './engines.ts';
import type { Verdict } from './judge.ts';
import { scriptOf } from './run.ts';
import { makeTables, tableStatements } from './tables.ts';

/** What the process that tests tells the one that watches it. */
export type Message =
  | { readonly kind: 'running'; seed: number; engine: string; sql: string }
  | { readonly kind: 'judged'; verdict: Verdict; sql: string }
  | { readonly kind: 'report'; text: string }
  | { readonly kind: 'sets'; done: number };

export interface ChildOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly failuresMax: number;
  /** Whether our engine works as if hardly any memory were there. */
  readonly spill: boolean;
}

export interface SuperviseOptions extends ChildOptions {
  readonly report: (text: string) => void;
  /** Told of each test that was not compared. */
  readonly excused: (verdict: Verdict, sql: string) => void;
}

export interface Statistics {
  sets: number;
  tests: number;
  /** Rows compared with DuckDB's. */
  rows: number;
  failures: number;
  readonly verdicts: Map<Verdict['kind'], number>;
  /** How often what was not supported. */
  readonly refused: Map<string, number>;
}

/**
 * Tests in a process of its own, which may hang, run out of memory or crash: that is a finding as
 * any other, and the next set of tables goes on in a new process.
 */
export async function supervise(options: SuperviseOptions): Promise<Statistics> {
  const statistics: Statistics = {
    sets: 0,
    tests: 0,
    rows: 0,
    failures: 0,
    verdicts: new Map(),
    refused: new Map(),
  };
  const end = performance.now() + options.seconds * 1000;
  const { spill } = options;
  let { seed } = options;
  while (performance.now() < end && statistics.failures < options.failuresMax) {
    const seconds = (end - performance.now()) / 1000;
    const failuresMax = options.failuresMax - statistics.failures;
    const last = await new Watchdog(options, statistics).run({ seed, seconds, failuresMax, spill });
    seed = last + 1;
  }
  return statistics;
}

/** One process under watch. */
class Watchdog {
  readonly #options: SuperviseOptions;
  readonly #statistics: Statistics;
  #running: Extract<Message, { kind: 'running' }> | undefined;
  /** What the engine at hand ran since the last verdict: the whole of a script. */
  #statements: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isSlow = false;

  constructor(options: SuperviseOptions, statistics: Statistics) {
    this.#options = options;
    this.#statistics = statistics;
  }

  /** The seed of the last set of tables that was tested. */
  run(options: ChildOptions): Promise<number> {
    const path = fileURLToPath(new URL('./child.js', import.meta.url));
    const child = fork(path, [JSON.stringify(options)]);
    child.on('message', (message) => this.#receive(child, message as Message));
    return new Promise((resolve) => {
      child.on('exit', (code, signal) => {
        clearTimeout(this.#timer);
        if (code !== 0) this.#ended(signal ?? `exit code ${code}`);
        resolve(this.#running?.seed ?? options.seed);
      });
    });
  }

  #receive(child: ChildProcess, message: Message): void {
    const statistics = this.#statistics;
    switch (message.kind) {
      case 'running':
        this.#statements = this.#statements.filter((sql) => sql !== message.sql);
        this.#statements.push(message.sql);
        this.#running = message;
        this.#restart(child);
        return;
      case 'judged':
        // What comes between statements must not hang either.
        this.#restart(child);
        this.#statements = [];
        this.#count(message.verdict, message.sql);
        return;
      case 'report':
        statistics.failures++;
        this.#options.report(message.text);
        return;
      case 'sets':
        statistics.sets += message.done;
    }
  }

  /** DuckDB is interrupted by the process itself, before that. */
  #restart(child: ChildProcess): void {
    clearTimeout(this.#timer);
    const seconds = this.#running?.engine === 'duckdb' ? 2 * secondsMax : secondsMax;
    this.#timer = setTimeout(() => {
      this.#isSlow = true;
      child.kill('SIGKILL');
    }, seconds * 1000);
  }

  #count(verdict: Verdict, sql: string): void {
    const statistics = this.#statistics;
    const { kind, message = '', rows } = verdict;
    statistics.tests++;
    statistics.rows += rows;
    statistics.verdicts.set(kind, (statistics.verdicts.get(kind) ?? 0) + 1);
    if (kind === 'agree' || kind === 'differ') return;
    this.#options.excused(verdict, sql);
    if (kind !== 'not supported') return;
    const reason = message.split('\n')[0];
    statistics.refused.set(reason, (statistics.refused.get(reason) ?? 0) + 1);
  }

  /** The process did not end by itself. */
  #ended(how: string): void {
    const running = this.#running;
    if (this.#isSlow && running?.engine === 'duckdb') {
      this.#count({ kind: 'DuckDB hangs', rows: 0 }, running.sql);
      return;
    }
    this.#statistics.failures++;
    if (this.#running === undefined) {
      this.#options.report(`the process that tests ended before the first statement: ${how}`);
      return;
    }
    const { seed, engine } = this.#running;
    const what = this.#isSlow ? `no result after ${secondsMax} seconds` : how;
    const tables = makeTables(new Random(seed));
    const own = new Set(tableStatements(tables));
    const statements = this.#statements.filter((sql) => !own.has(sql) && !sql.startsWith('DROP'));
    const script = scriptOf(tables, statements.join(';\n'));
    this.#options.report(`seed ${seed}, ${engine}: ${what}\n${script}\n`);
  }
}
