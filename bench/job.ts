import { openDuckdb } from '../src/bench/adapters/duckdb.ts';
import { openQuern } from '../src/bench/adapters/quern.ts';
import { loadMovies } from '../src/bench/movies/load.ts';
import { movieQueries, movieSql } from '../src/bench/movies/queries.ts';
import { type QueryStudy, studyQuery } from '../src/bench/movies/study.ts';
import { summaryLines } from '../src/bench/movies/summary.ts';
import { resultDifference } from '../src/bench/result-table.ts';
import type { SuiteContext, SuiteOption } from '../src/bench/suite.ts';

export const name = 'job';
export const description =
  'joins of skewed and correlated movie tables: estimates and orders held against the truth, and DuckDB';

export const options = {
  scale: { type: 'string', default: '1', description: '1 is about 800,000 rows' },
  seed: { type: 'string', default: '1', description: 'of the generated tables' },
  parts: {
    type: 'string',
    default: '100',
    description: 'sets of relations of each query whose estimates are asked for',
  },
} as const satisfies Record<string, SuiteOption>;

export async function run(context: SuiteContext): Promise<void> {
  const { scale, seed, parts } = context.options;
  const engines = [await openQuern({ threads: 1 }), await openDuckdb({ threads: 1 })];
  try {
    await loadMovies(engines, Number(scale), Number(seed));
    const studies: QueryStudy[] = [];
    for (const query of movieQueries) {
      const study = await studyQuery(engines, query, Number(parts));
      studies.push(study);
      const [ours, theirs] = study.joinRows;
      context.log(
        `${query.name}: rows of joins ${ours}, DuckDB ${theirs}, at least ${study.least}`,
      );
      const sql = movieSql(query);
      const tables = await Promise.all(
        engines.map(async (engine) => (await engine.query(sql)).table()),
      );
      const difference = resultDifference(tables[0], tables[1]);
      if (difference !== undefined) throw new Error(`${query.name}: ${difference}`);
      const programs = engines.map((engine) => ({
        name: engine.name,
        run: () => engine.query(sql),
      }));
      await context.measure({ name: query.name, programs });
    }
    const names = engines.map((engine) => engine.name);
    for (const line of summaryLines(studies, names)) context.note(line);
  } finally {
    for (const engine of engines) await engine.close();
  }
}
