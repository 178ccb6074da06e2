import { open } from '../src/main/index.ts';
import { tpch } from '../src/tpc/index.ts';

/** Runs of each query; the first is shown apart, of the others the median. */
const runs = 4;

/**
 * `demo [scale factor]`: makes the TPC-H tables in memory, runs the 22 queries on them and prints
 * how long each takes.
 */
export async function demo([scaleText = '1']: string[]): Promise<number> {
  const scale = Number(scaleText);
  const database = await open();
  try {
    const start = performance.now();
    await database.query(`CALL tpch(scale => ${scale})`);
    console.log(`TPC-H tables at scale factor ${scale}: ${seconds(performance.now() - start)}`);
    const counts = tpch.tables.map((table) => `(select count(*) from ${table})`);
    const rows = (await database.query(`select ${counts.join(' + ')} as n`)).rows()[0].n;
    console.log(`${Number(rows).toLocaleString('en')} rows in ${tpch.tables.length} tables\n`);
    console.log('query      rows    first run   then');
    let failed = 0;
    for (const { number, sql } of tpch.queries({ scale })) {
      try {
        const { rowCount, times } = await timeQuery(sql, (text) => database.query(text));
        const [first, ...later] = times;
        const then = later.sort((a, b) => a - b)[later.length >> 1];
        const cells = [String(rowCount).padStart(9), milliseconds(first), milliseconds(then)];
        console.log(`Q${String(number).padEnd(3)}${cells.join('  ')}`);
      } catch (error) {
        failed++;
        console.log(`Q${String(number).padEnd(3)} ${(error as Error).message.split('\n')[0]}`);
      }
    }
    console.log(failed === 0 ? '' : `\n${failed} queries do not run yet`);
    return 0;
  } finally {
    await database.close();
  }
}

async function timeQuery(sql: string, query: (sql: string) => Promise<{ rowCount: number }>) {
  const times: number[] = [];
  let rowCount = 0;
  for (let run = 0; run < runs; run++) {
    const start = performance.now();
    rowCount = (await query(sql)).rowCount;
    times.push(performance.now() - start);
  }
  return { rowCount, times };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(1).padStart(8)} ms`;
}
