import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineAdapter } from '../../src/bench/adapters/adapter.ts';
import { openDuckdb } from '../../src/bench/adapters/duckdb.ts';
import { openQuern } from '../../src/bench/adapters/quern.ts';
import { loadMovies } from '../../src/bench/movies/load.ts';
import { movieQueries, movieSql } from '../../src/bench/movies/queries.ts';
import { type QueryStudy, studyQuery } from '../../src/bench/movies/study.ts';
import { errorsByJoins, orderRatios, quantile } from '../../src/bench/movies/summary.ts';
import { resultDifference } from '../../src/bench/result-table.ts';
import { geometricMean } from '../../src/bench/statistics.ts';

/** 160,000 rows, of which the largest tables are sampled. */
const scale = 0.2;
/** Fewer rows than this are no explosion, however few there could be. */
const fewRows = 1000;

/** By what factor 95 % of all estimates may be off, by the number of joins. */
const errorsMax = [1.6, 5, 9, 16, 30, 60, 120];

const missing = await import('@duckdb/node-api').then(
  () => false,
  () => '@duckdb/node-api cannot be loaded',
);

test('no join order is far from the best, and estimates hold through many joins', {
  timeout: 240_000,
}, async (context) => {
  const engine = await openQuern({ threads: 1 });
  await loadMovies([engine], scale, 2);
  const studies: QueryStudy[] = [];
  for (const query of movieQueries) {
    const study = await studyQuery([engine], query, 40);
    const [rows] = study.joinRows;
    const figures = `${query.name}: ${rows} rows of joins, ${study.least} in the best order`;
    context.diagnostic(figures);
    assert.ok(rows <= Math.max(fewRows, 5 * study.least), figures);
    studies.push(study);
  }
  const mean = geometricMean(orderRatios(studies, 0).map((ratio) => Math.max(1, ratio)));
  context.diagnostic(`rows of joins, times those of the best orders: ${mean.toFixed(2)}`);
  assert.ok(mean < 1.4, `the join orders make ${mean} times the rows of the best ones`);
  for (const [joins, errors] of errorsByJoins(studies, 0)) {
    const most = quantile(errors, 0.95);
    const figures = `${joins} joins, ${errors.length} sets: 95 % of estimates within ${most.toFixed(1)}`;
    context.diagnostic(figures);
    assert.ok(joins >= errorsMax.length || most <= errorsMax[joins], figures);
  }
  await engine.close();
});

test('queries of many joins give the results of DuckDB', { skip: missing }, async () => {
  const engines: EngineAdapter[] = [
    await openQuern({ threads: 1 }),
    await openDuckdb({ threads: 1 }),
  ];
  await loadMovies(engines, 0.05, 3);
  for (const query of movieQueries) {
    const sql = movieSql(query, 'count(*), min(t.title), max(t.production_year)');
    const [ours, theirs] = await Promise.all(
      engines.map(async (engine) => (await engine.query(sql)).table()),
    );
    assert.equal(resultDifference(ours, theirs), undefined, query.name);
  }
  for (const engine of engines) await engine.close();
});
