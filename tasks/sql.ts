import { parseArgs } from 'node:util';
import { engines } from '../src/bench/engines.ts';
import { readScript, scriptFiles, writeScript } from '../tests/slt/files.ts';
import { type Outcome, runScript } from '../tests/slt/run.ts';

const resultNames = ['passed', 'failed', 'pending', 'surprise', 'skipped'] as const;

/**
 * `sql [word…] [--against ENGINE] [--complete] [--settle]`: runs the sqllogictest files whose name
 * contains one of the words. `--complete` writes what the engine gives as the expected output, for
 * review by `git diff`; `--settle` takes the pending mark off records that pass and puts it on
 * those that fail.
 */
export async function sql(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      against: { type: 'string', default: 'quern' },
      complete: { type: 'boolean', default: false },
      settle: { type: 'boolean', default: false },
    },
  });
  const { against, complete, settle } = values;
  const open = engines[against];
  const engine = against === 'quern-spilling' ? 'quern' : against;
  if (open === undefined) {
    console.error(`unknown engine '${against}'; there is ${Object.keys(engines).join(', ')}`);
    return 2;
  }
  const totals = new Map<string, number>(resultNames.map((name) => [name, 0]));
  const names = scriptFiles(positionals);
  for (const name of names) {
    const script = readScript(name);
    const adapter = await open({ threads: 1 });
    const outcomes = await runScript(script, adapter, { engine, complete });
    await adapter.close();
    report(name, outcomes);
    for (const { result } of outcomes) totals.set(result, (totals.get(result) ?? 0) + 1);
    if (settle) settleRecords(outcomes);
    if (complete || settle) writeScript(name, script);
  }
  const counts = [...totals].map(([name, count]) => `${count} ${name}`).join(', ');
  console.log(`${names.length} files, records: ${counts}`);
  return totals.get('failed') === 0 || settle ? 0 : 1;
}

function report(name: string, outcomes: readonly Outcome[]): void {
  for (const { record, result, message } of outcomes) {
    const place = `tests/sql/${name}:${record.line}`;
    if (result === 'failed') console.log(`${place}: ${message}`);
    if (result === 'surprise') console.log(`${place}: passes: run with --settle`);
  }
}

function settleRecords(outcomes: readonly Outcome[]): void {
  for (const { record, result, message } of outcomes) {
    if (result === 'surprise') record.pending = undefined;
    if (result === 'failed') record.pending = message ?? 'fails';
  }
}
