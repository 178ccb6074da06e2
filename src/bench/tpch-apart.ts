/**
 * The queries on one engine in a process that it has to itself, for tables of which two engines at
 * once do not fit in the machine. This file is both who starts such a process and what runs in it.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { engines } from './engines.ts';
import type { ResultTable } from './result-table.ts';

/** What a process is to do. */
export interface ApartRun {
  /** Name of an engine in `engines.ts`. */
  readonly engine: string;
  readonly threads: number;
  readonly scale: number;
  /** Texts by number. */
  readonly queries: ReadonlyMap<number, string>;
  /** How often each query runs. */
  readonly runs: number;
}

/** What a process found. */
export interface ApartResult {
  /** The engine's, with its version. */
  readonly name: string;
  readonly loadMilliseconds: number;
  /** The most memory that the process had, in bytes. */
  readonly peakBytes: number;
  /** By the number of the query. */
  readonly queries: ReadonlyMap<number, ApartQuery>;
}

/** The runs of a query, and the result of the first; or why there are none. */
export type ApartQuery =
  | { readonly times: readonly number[]; readonly table: ResultTable }
  | { readonly error: string };

/** Loads the tables into an engine in a new process and runs the queries there, one by one. */
export async function runApart(run: ApartRun): Promise<ApartResult> {
  const child = fork(fileURLToPath(import.meta.url), [], { serialization: 'advanced' });
  const answer = once(child, 'message') as Promise<[ApartResult | { failure: string }]>;
  const end = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the process of ${run.engine} ended with ${signal ?? `exit code ${code}`}`);
  });
  child.send(run);
  try {
    const [result] = await Promise.race([answer, end]);
    if ('failure' in result) throw new Error(`${run.engine}: ${result.failure}`);
    return result;
  } finally {
    end.catch(() => {});
    child.kill();
  }
}

async function work({ engine, threads, scale, queries, runs }: ApartRun): Promise<ApartResult> {
  const adapter = await engines[engine]({ threads });
  const start = performance.now();
  await adapter.loadTpch(scale);
  const loadMilliseconds = performance.now() - start;
  const found = new Map<number, ApartQuery>();
  for (const [number, sql] of queries) {
    try {
      const times: number[] = [];
      let table: ResultTable | undefined;
      for (let i = 0; i < runs; i++) {
        const before = performance.now();
        const result = await adapter.query(sql);
        times.push(performance.now() - before);
        table ??= result.table();
        if (result.rowCount !== table.rows.length) {
          throw new Error(`${result.rowCount} rows after a run with ${table.rows.length}`);
        }
      }
      if (table !== undefined) found.set(number, { times, table });
    } catch (error) {
      found.set(number, { error: messageOf(error) });
    }
  }
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  return { name: adapter.name, loadMilliseconds, peakBytes, queries: found };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.once('message', async (run) => {
    process.send?.(await work(run as ApartRun).catch((error) => ({ failure: messageOf(error) })));
  });
}
