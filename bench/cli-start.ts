import { spawnSync } from 'node:child_process';
import type { Program, SuiteContext } from '../src/bench/suite.ts';

export const name = 'cli-start';
export const description = 'from starting node to the answer of a first query, beside DuckDB';

const sql = 'select 42';

/** The least that answers the query with DuckDB's client. */
const duckdbScript = `
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll('${sql}');
  console.log(String(reader.getRows()[0][0]));
`;

export async function run(context: SuiteContext): Promise<void> {
  await context.measure({
    name: sql,
    programs: [
      processOf('quern', ['bin/quern.js', '--format', 'values', '-c', sql]),
      processOf('duckdb', ['--input-type=module', '-e', duckdbScript]),
      processOf('node alone', ['-e', 'console.log(42)']),
    ],
    runs: Math.max(context.runs, 9),
  });
}

function processOf(program: string, args: string[]): Program {
  return {
    name: program,
    run() {
      const child = spawnSync(process.execPath, args, { encoding: 'utf8' });
      if (child.stdout.trim() !== '42') throw new Error(child.stderr.trim() || 'no answer');
    },
  };
}
