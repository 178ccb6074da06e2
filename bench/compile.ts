import { median } from '../src/bench/statistics.ts';
import type { SuiteContext } from '../src/bench/suite.ts';
import { bind } from '../src/bind/bind.ts';
import { compile as compilePlan } from '../src/compile/index.ts';
import { openEngine } from '../src/engine/open.ts';
import { Session } from '../src/engine/session.ts';
import { tpchExtension } from '../src/main/tpch.ts';
import { optimize } from '../src/optimize/index.ts';
import { parseSingle } from '../src/sql/parse.ts';
import { tpch } from '../src/tpc/index.ts';

export const name = 'compile';
export const description = 'TPC-H queries from their text to the bytes of a WebAssembly module';
export const options = {
  scale: { type: 'string', default: '0.1', description: 'scale factor of the tables' },
} as const;

/** Compilers in JavaScript are compiled themselves as they run; some rounds of it are enough. */
const warmups = 5;
const runsMin = 21;

export async function run(context: SuiteContext): Promise<void> {
  const scale = Number(context.options.scale);
  const engine = await openEngine(undefined, { threads: 2 }, [tpchExtension]);
  await new Session(engine).run(`CALL tpch(scale => ${scale})`, [], {});
  const compileText = (sql: string): Uint8Array => {
    const { statement } = bind(sql, parseSingle(sql), { catalog: engine.catalog.current });
    if (statement.kind !== 'query') throw new Error('not a query');
    const sharing = { sharedMemory: true, threads: 2 };
    return compilePlan(optimize(statement.plan), sharing).bytes;
  };
  const medians: number[] = [];
  let longest = 0;
  for (const { number, sql } of tpch.queries({ scale })) {
    const bytes = compileText(sql).length;
    const { programs } = await context.measure({
      name: `Q${number}`,
      programs: [{ name: 'quern', run: () => void compileText(sql) }],
      amount: { value: bytes, unit: 'bytes' },
      warmups,
      runs: Math.max(context.runs, runsMin),
    });
    medians.push(programs[0].median);
    longest = Math.max(longest, ...programs[0].samples);
  }
  const all = `median of the queries ${median(medians).toFixed(2)} ms`;
  const slowest = `slowest query ${Math.max(...medians).toFixed(2)} ms`;
  context.note(`${all}, ${slowest}, longest single run ${longest.toFixed(1)} ms`);
  await engine.runtime.close();
}
