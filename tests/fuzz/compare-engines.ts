import { QuernError, sqlState } from '../../src/base/error.ts';
import { Random } from '../../src/base/random.ts';
import { type EngineAdapter, quoteSql } from '../../src/bench/adapters/adapter.ts';
import { openDuckdb } from '../../src/bench/adapters/duckdb.ts';
import { openQuern } from '../../src/bench/adapters/quern.ts';
import { type ResultTable, resultDifference, showCell } from '../../src/bench/result-table.ts';
import { fuzzTables } from './query-schema.ts';
import { type Literals, QueryMaker } from './random-query.ts';

export interface FuzzReport {
  /** Queries on which both engines agree. */
  agreed: number;
  /** Rows of those queries, so that agreeing on nothing is seen. */
  rows: number;
  /** How often we say that we do not support a query, by what we say. */
  unsupported: Map<string, number>;
  failures: { seed: number; sql: string; message: string }[];
}

const scale = 0.01;

/** Runs `count` random queries, of seeds from `seed` on, on Quern and on DuckDB. */
export async function compareEngines(
  seed: number,
  count: number,
  threads: number,
  alwaysSpill = false,
): Promise<FuzzReport> {
  const ours = await openQuern({ threads, alwaysSpill });
  const duckdb = await openDuckdb({ threads: 1 });
  const report: FuzzReport = { agreed: 0, rows: 0, unsupported: new Map(), failures: [] };
  try {
    await Promise.all([ours.loadTpch(scale), duckdb.loadTpch(scale)]);
    const literals = await findLiterals(duckdb);
    for (let i = seed; i < seed + count; i++) {
      const sql = new QueryMaker(new Random(i), literals).query();
      await compareOne(ours, duckdb, i, sql, report);
    }
  } finally {
    await ours.close();
    await duckdb.close();
  }
  return report;
}

async function compareOne(
  ours: EngineAdapter,
  duckdb: EngineAdapter,
  seed: number,
  sql: string,
  report: FuzzReport,
): Promise<void> {
  let expected: ResultTable;
  try {
    expected = (await duckdb.query(sql)).table();
  } catch (error) {
    report.failures.push({ seed, sql, message: `DuckDB: ${(error as Error).message}` });
    return;
  }
  try {
    const message = resultDifference((await ours.query(sql)).table(), expected);
    if (message !== undefined) report.failures.push({ seed, sql, message });
    else {
      report.agreed++;
      report.rows += expected.rows.length;
    }
  } catch (error) {
    if (error instanceof QuernError && error.code === sqlState.featureNotSupported) {
      const reason = error.message.split('\n')[0];
      report.unsupported.set(reason, (report.unsupported.get(reason) ?? 0) + 1);
    } else {
      report.failures.push({ seed, sql, message: String(error) });
    }
  }
}

/** Twelve values of each column, spread over its range. */
async function findLiterals(duckdb: EngineAdapter): Promise<Literals> {
  const literals = new Map<string, string[]>();
  for (const [table, columns] of Object.entries(fuzzTables)) {
    for (const { name, kind } of columns) {
      const result = await duckdb.query(
        `SELECT v FROM (SELECT v, row_number() OVER (ORDER BY v) AS i, count(*) OVER () AS n
         FROM (SELECT DISTINCT ${name} AS v FROM ${table})) WHERE (i * 12) % n < 12 ORDER BY v`,
      );
      const texts = result.table().rows.map(([cell]) => showCell(cell));
      const quoted = kind === 'word' || kind === 'text';
      literals.set(
        name,
        texts.map((text) => (quoted ? quoteSql(text) : kind === 'date' ? `DATE '${text}'` : text)),
      );
    }
  }
  return literals;
}
