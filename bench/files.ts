import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EngineAdapter, quoteSql } from '../src/bench/adapters/adapter.ts';
import { openDuckdb } from '../src/bench/adapters/duckdb.ts';
import { openQuern } from '../src/bench/adapters/quern.ts';
import type { Program, SuiteContext, SuiteOption } from '../src/bench/suite.ts';

export const name = 'files';
export const description = 'lineitem from and to files (tbl, csv, parquet), beside DuckDB';
export const options: Record<string, SuiteOption> = {
  scale: { type: 'string', default: '1', description: 'scale factor of TPC-H' },
};

const definition = `create table lineitem (l_orderkey bigint not null, l_partkey bigint not null,
  l_suppkey bigint not null, l_linenumber bigint not null, l_quantity decimal(15,2) not null,
  l_extendedprice decimal(15,2) not null, l_discount decimal(15,2) not null,
  l_tax decimal(15,2) not null, l_returnflag varchar not null, l_linestatus varchar not null,
  l_shipdate date not null, l_commitdate date not null, l_receiptdate date not null,
  l_shipinstruct varchar not null, l_shipmode varchar not null, l_comment varchar not null)`;

/** Differs when a row is lost or a number is read wrong. */
const digest = `select count(*), sum(l_orderkey), sum(l_extendedprice), min(l_shipdate),
  max(l_comment), count(distinct l_shipinstruct) from lineitem`;

/** One way between a table and a file: the statement that is timed. */
interface Way {
  readonly name: string;
  readonly file: string;
  /** From the file into the table, or the other way. */
  readonly loads: boolean;
  readonly sql: (path: string) => string;
}

const ways: readonly Way[] = [
  {
    name: 'COPY FROM tbl',
    file: 'lineitem.tbl',
    loads: true,
    sql: (path) => `copy lineitem from ${path} (delimiter '|', header false)`,
  },
  {
    name: 'COPY TO csv',
    file: 'out.csv',
    loads: false,
    sql: (path) => `copy lineitem to ${path} (format csv, header true)`,
  },
  {
    name: 'COPY TO parquet, zstd',
    file: 'out.parquet',
    loads: false,
    sql: (path) => `copy lineitem to ${path} (format parquet, codec 'zstd')`,
  },
  {
    name: 'INSERT from parquet',
    file: 'lineitem.parquet',
    loads: true,
    sql: (path) => `insert into lineitem select * from ${path}`,
  },
];

async function digestOf(engine: EngineAdapter): Promise<string> {
  return JSON.stringify((await engine.query(digest)).table().rows.map((row) => row.map(String)));
}

/** Runs one way in one engine: the milliseconds of the statement, and what was loaded. */
function programOf(engine: EngineAdapter, way: Way, path: string, found: Set<string>): Program {
  return {
    name: engine.name,
    run: async () => {
      if (way.loads) {
        await engine.execute('drop table if exists lineitem');
        await engine.execute(definition);
      }
      const start = performance.now();
      await engine.execute(way.sql(quoteSql(path)));
      const milliseconds = performance.now() - start;
      if (way.loads) found.add(await digestOf(engine));
      return milliseconds;
    },
  };
}

export async function run({ options, measure, note, log }: SuiteContext): Promise<void> {
  const scale = String(options['scale']);
  const folder = mkdtempSync(join(tmpdir(), 'quern-bench-'));
  try {
    for (const format of ['tbl', 'parquet']) {
      log(`generating lineitem as ${format}`);
      const words = ['tpch', 'generate', '--scale', scale, '--tables', 'lineitem'];
      const args = ['bin/quern.js', ...words, '--format', format, '--out', folder, '--overwrite'];
      const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      if (status !== 0) throw new Error(stderr);
    }
    const { size } = statSync(join(folder, 'lineitem.tbl'));
    for (const threads of new Set([1, availableParallelism()])) {
      const engines = [await openQuern({ threads }), await openDuckdb({ threads })];
      for (const way of ways) {
        const found = new Set<string>();
        const plural = threads === 1 ? '' : 's';
        await measure({
          name: `${way.name}, ${threads} thread${plural}`,
          programs: engines.map((engine, i) => {
            const file = way.loads ? way.file : `${i}-${way.file}`;
            return programOf(engine, way, join(folder, file), found);
          }),
          amount: { value: size, unit: 'bytes' },
          check: () => {
            if (found.size > 1) throw new Error(`loaded differently: ${[...found].join(' and ')}`);
          },
        });
        if (way.loads) continue;
        const sizes = engines.map((engine, i) => {
          const bytes = statSync(join(folder, `${i}-${way.file}`)).size;
          return `${engine.name} ${(bytes / 1e6).toFixed(1)} MB`;
        });
        if (threads === 1) note(`${way.name}: ${sizes.join(', ')}`);
      }
      for (const engine of engines) await engine.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
