import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineAdapter } from '../../src/bench/adapters/adapter.ts';
import { openDuckdb } from '../../src/bench/adapters/duckdb.ts';
import { openQuern } from '../../src/bench/adapters/quern.ts';
import { resultDifference } from '../../src/bench/result-table.ts';
import { movieQueries, movieTables } from './movie-database.ts';

const missing = await import('@duckdb/node-api').then(
  () => false,
  () => '@duckdb/node-api cannot be loaded',
);

/** Rows between operators: the work that a join order makes. */
interface JoinRows {
  readonly actual: number;
  /** For each join, by how much its estimate is off: the larger by the smaller, 1 at least. */
  readonly errors: readonly number[];
}

/** What EXPLAIN ANALYZE says of our joins: `inner join … (~20, actually 17 rows)`. */
async function ourJoins(engine: EngineAdapter, sql: string): Promise<JoinRows> {
  const { rows } = (await engine.query(`EXPLAIN ANALYZE ${sql}`)).table();
  let actual = 0;
  const errors: number[] = [];
  for (const [line] of rows) {
    const found = /^ *\w+ join .*\(~([\d.,]+), actually ([\d,]+) rows\)/.exec(String(line));
    if (found === null) continue;
    const [estimate, count] = found.slice(1).map((text) => Number(text.replaceAll(',', '')));
    actual += count;
    const [low, high] = [Math.min(estimate, count), Math.max(estimate, count)];
    errors.push(Math.max(1, high) / Math.max(1, low));
  }
  return { actual, errors };
}

interface ProfileNode {
  readonly operator_name?: string;
  readonly operator_cardinality?: number;
  readonly children?: readonly ProfileNode[];
}

/** The rows that all joins of DuckDB's plan give. */
async function theirJoinRows(engine: EngineAdapter, sql: string): Promise<number> {
  const { rows } = (await engine.query(`EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`)).table();
  const sum = (node: ProfileNode): number => {
    const own = /JOIN/.test(node.operator_name ?? '') ? (node.operator_cardinality ?? 0) : 0;
    return (node.children ?? []).reduce((total, child) => total + sum(child), own);
  };
  return sum(JSON.parse(String(rows[0].at(-1))) as ProfileNode);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)];
}

/** Above this, more rows than DuckDB's plan has are an explosion; below, nobody would notice. */
const fewRows = 100_000;

test('no order of many joins on skewed and correlated columns makes far more rows than DuckDB', {
  skip: missing,
  timeout: 120_000,
}, async (context) => {
  const [ours, duckdb] = [await openQuern({ threads: 1 }), await openDuckdb({ threads: 1 })];
  for (const sql of movieTables) {
    await ours.execute(sql);
    await duckdb.execute(sql);
  }
  const errors: number[] = [];
  for (const [i, sql] of movieQueries.entries()) {
    const [a, b] = [(await ours.query(sql)).table(), (await duckdb.query(sql)).table()];
    assert.equal(resultDifference(a, b), undefined, sql);
    const joins = await ourJoins(ours, sql);
    const theirs = await theirJoinRows(duckdb, sql);
    assert.ok(joins.errors.length > 0, `the joins of query ${i + 1} were found`);
    errors.push(...joins.errors);
    const worst = Math.max(...joins.errors).toFixed(1);
    const figures = `${joins.actual} rows of joins, DuckDB ${theirs}; estimates off by ${worst} at most`;
    context.diagnostic(`query ${i + 1}: ${figures}`);
    assert.ok(joins.actual <= Math.max(fewRows, 4 * theirs), `query ${i + 1}: ${figures}`);
  }
  const [half, most] = [quantile(errors, 0.5), quantile(errors, 0.9)];
  context.diagnostic(`q-error: median ${half.toFixed(2)}, 90 % within ${most.toFixed(1)}`);
  assert.ok(half < 8 && most < 150, `q-errors of ${half} and ${most}`);
  await ours.close();
  await duckdb.close();
});
