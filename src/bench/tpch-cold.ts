/**
 * The first execution of a query in a process that has done nothing but load the tables: this file
 * is both who starts such processes and what runs in them.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { engines } from './engines.ts';
import { median } from './statistics.ts';

/** What a process is to do. */
export interface ColdRun {
  /** Name of an engine in `engines.ts`. */
  readonly engine: string;
  readonly threads: number;
  readonly scale: number;
  readonly sql: string;
  /**
   * A copy of the tables that the engine has made, if that loads faster than they are generated.
   */
  readonly copy: string | undefined;
}

interface ColdResult {
  readonly milliseconds: number;
  readonly rowCount: number;
}

/** The median of the times, in ms, that so many processes take. */
export async function coldTime(run: ColdRun, processes: number, rowCount: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < processes; i++) {
    const file = fileURLToPath(import.meta.url);
    const { stdout } = await promisify(execFile)(process.execPath, [file, JSON.stringify(run)]);
    const result = JSON.parse(stdout) as ColdResult;
    if (result.rowCount !== rowCount) {
      throw new Error(`${result.rowCount} rows in a process of its own, not ${rowCount}`);
    }
    times.push(result.milliseconds);
  }
  return median(times);
}

async function runCold({ engine, threads, scale, sql, copy }: ColdRun): Promise<ColdResult> {
  const adapter = await engines[engine]({ threads });
  if (copy === undefined || adapter.loadCopy === undefined) await adapter.loadTpch(scale);
  else await adapter.loadCopy(copy);
  const start = performance.now();
  const { rowCount } = await adapter.query(sql);
  return { milliseconds: performance.now() - start, rowCount };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(JSON.stringify(await runCold(JSON.parse(process.argv[2]))));
  process.exit(0);
}
