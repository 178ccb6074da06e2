import { parseArgs } from 'node:util';
import { QuernError, sqlState } from '../src/base/error.ts';
import { compareEngines } from '../tests/fuzz/compare-engines.ts';
import { type Statistics, supervise } from '../tests/fuzz/differential/supervise.ts';
import { compareShortOfMemory } from '../tests/fuzz/short-memory.ts';

/**
 * Random queries on our engine and on DuckDB: `fuzz [--minutes N] [--seed S] [--failures N]
 * [--verbose]` on random tables, of which `--verbose` tells what was not compared and why, or `fuzz
 * tpch [--seed N] [--count N] [--threads N]` on the tables of TPC-H. With `--spill` our engine
 * works as if hardly any memory were there. `fuzz memory [--seed N] [--count N] [--threads N]
 * [--scale S] [--limits MB,MB…]` gives large queries on these tables as little memory as DuckDB.
 */
export function fuzz(args: string[]): Promise<number> {
  if (args[0] === 'tpch') return onTpch(args.slice(1));
  return args[0] === 'memory' ? shortOfMemory(args.slice(1)) : onRandomTables(args);
}

async function shortOfMemory(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
      count: { type: 'string', default: '100' },
      threads: { type: 'string', default: '2' },
      scale: { type: 'string', default: '0.1' },
      limits: { type: 'string', default: '32,48,64,128' },
    },
  });
  const seed = numberOf('seed', values.seed);
  const limits = values.limits.split(',').map((text) => numberOf('limits', text) * 1e6);
  const [count, threads, scale] = [values.count, values.threads, values.scale].map(Number);
  const report = await compareShortOfMemory({ seed, count, scale, limits, threads });
  const { agreed, spilled, theirsShort, bothShort, failures } = report;
  for (const { seed: own, limit, sql, message } of failures) {
    const again = `memory --seed ${own} --count 1 --scale ${scale} --limits ${limit / 1e6}`;
    console.log(`${again}\n  ${sql}\n  ${message}`);
  }
  console.log(
    `seeds from ${seed}: ${agreed} agree (${spilled} spill), ${theirsShort} too large for DuckDB ` +
      `(${bothShort} for us as well), ${failures.length} fail`,
  );
  return failures.length === 0 ? 0 : 1;
}

async function onRandomTables(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      minutes: { type: 'string', default: '1' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
      failures: { type: 'string', default: '1' },
      verbose: { type: 'boolean', default: false },
      spill: { type: 'boolean', default: false },
    },
  });
  const seed = numberOf('seed', values.seed);
  const statistics = await supervise({
    seed,
    seconds: numberOf('minutes', values.minutes) * 60,
    report: (text) => console.log(text),
    excused: ({ kind, message }, sql) => {
      if (values.verbose) console.log(`${kind}: ${message}\n  ${sql}`);
    },
    failuresMax: numberOf('failures', values.failures),
    spill: values.spill,
  });
  print(seed, statistics);
  return statistics.failures === 0 ? 0 : 1;
}

function print(seed: number, statistics: Statistics): void {
  const { sets, tests, rows, verdicts, refused } = statistics;
  const reasons = [...refused].sort((a, b) => b[1] - a[1]);
  for (const [reason, times] of reasons) console.log(`${times} times: ${reason}`);
  const kinds = [...verdicts].map(([kind, count]) => `${kind} ${count}`).join(', ');
  console.log(
    `from seed ${seed}: ${sets} sets of tables, ${tests} tests: ${kinds}; ${rows} rows compared`,
  );
}

async function onTpch(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
      count: { type: 'string', default: '1000' },
      threads: { type: 'string', default: '2' },
      spill: { type: 'boolean', default: false },
    },
  });
  const [seed, count, threads] = [values.seed, values.count, values.threads].map(Number);
  const { agreed, rows, unsupported, failures } = await compareEngines(
    seed,
    count,
    threads,
    values.spill,
  );
  for (const failure of failures) {
    console.log(`tpch --seed ${failure.seed} --count 1\n  ${failure.sql}\n  ${failure.message}`);
  }
  for (const [reason, times] of unsupported) console.log(`${times} times: ${reason}`);
  const refused = [...unsupported.values()].reduce((sum, times) => sum + times, 0);
  console.log(
    `seeds from ${seed}: ${agreed} agree (${rows} rows), ${refused} unsupported, ` +
      `${failures.length} fail`,
  );
  return failures.length === 0 ? 0 : 1;
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new QuernError(sqlState.invalidTextRepresentation, `--${name} takes a number`);
}
