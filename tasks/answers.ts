import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { EngineAdapter } from '../src/bench/adapters/adapter.ts';
import { engines } from '../src/bench/engines.ts';
import { compareAnswer, parseAnswer } from '../src/bench/tpch-answers.ts';
import { tpch } from '../src/tpc/index.ts';

/**
 * `answers FOLDER [--against ENGINE]`: runs the TPC-H queries with their validation
 * parameters at scale factor 1 and says which results agree with the published answers, `q1.out` to
 * `q22.out` in the folder.
 */
export async function answers(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      against: { type: 'string', default: 'quern' },
      threads: { type: 'string', default: '1' },
    },
  });
  const [folder] = positionals;
  const open = engines[values.against];
  if (folder === undefined || open === undefined) {
    const known = Object.keys(engines).join('|');
    console.error(`answers FOLDER [--against ${known}] [--threads N]`);
    return 2;
  }
  const engine = await open({ threads: Number(values.threads) });
  try {
    await engine.loadTpch(1);
    return await compareAll(engine, folder);
  } finally {
    await engine.close();
  }
}

async function compareAll(engine: EngineAdapter, folder: string): Promise<number> {
  const counts = new Map<string, number>();
  for (const { number, sql } of tpch.queries()) {
    const answer = parseAnswer(readFileSync(join(folder, `q${number}.out`), 'utf8'));
    const line = await agreement(engine, sql, answer);
    const [kind] = line.split(' ');
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    console.log(`Q${String(number).padEnd(2)}  ${line}`);
  }
  console.log([...counts].map(([kind, count]) => `${count} ${kind}`).join(', '));
  return [...counts.keys()].every((kind) => kind === 'exact') ? 0 : 1;
}

async function agreement(
  engine: EngineAdapter,
  sql: string,
  answer: ReturnType<typeof parseAnswer>,
): Promise<string> {
  try {
    const result = (await engine.query(sql)).table();
    const found = compareAnswer(result, answer);
    const rows = `${result.rows.length} rows`;
    return 'difference' in found ? `${found.kind} ${found.difference}` : `${found.kind} ${rows}`;
  } catch (error) {
    return `failed ${(error as Error).message.split('\n')[0]}`;
  }
}
