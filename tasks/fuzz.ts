import { parseArgs } from 'node:util';
import { compareEngines } from '../tests/fuzz/compare-engines.ts';

/** `fuzz [--seed N] [--count N] [--threads N]`: random queries on Quern and on DuckDB. */
export async function fuzz(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
      count: { type: 'string', default: '1000' },
      threads: { type: 'string', default: '2' },
    },
  });
  const [seed, count, threads] = [values.seed, values.count, values.threads].map(Number);
  const { agreed, rows, unsupported, failures } = await compareEngines(seed, count, threads);
  for (const failure of failures) {
    console.log(`--seed ${failure.seed} --count 1\n  ${failure.sql}\n  ${failure.message}`);
  }
  for (const [reason, times] of unsupported) console.log(`${times} times: ${reason}`);
  const refused = [...unsupported.values()].reduce((sum, times) => sum + times, 0);
  console.log(
    `seeds from ${seed}: ${agreed} agree (${rows} rows), ${refused} unsupported, ` +
      `${failures.length} fail`,
  );
  return failures.length === 0 ? 0 : 1;
}
