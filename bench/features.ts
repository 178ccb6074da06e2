import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EngineAdapter, quoteSql } from '../src/bench/adapters/adapter.ts';
import { engines } from '../src/bench/engines.ts';
import { compareQuery } from '../src/bench/query-case.ts';
import type { SuiteContext, SuiteOption } from '../src/bench/suite.ts';
import { type FeatureQuery, featureQueries, fileQueries } from './features/queries.ts';

export const name = 'features';
export const description = 'queries that lean on one feature each, beside DuckDB, results compared';
export const options = {
  scale: { type: 'string', default: '1', description: 'scale factor of TPC-H' },
  threads: { type: 'string', default: '1', description: 'threads of each engine' },
  against: { type: 'string', default: 'duckdb', description: "engines to compare with, or ''" },
  only: { type: 'string', default: '', description: 'groups or parts of names: texts,order by' },
  clock: { type: 'string', default: 'wall', description: 'wall, or cpu: time of all threads' },
} as const satisfies Record<string, SuiteOption>;

/** The named queries of a group that are wanted. */
function chosen(group: string, queries: readonly FeatureQuery[], words: readonly string[]) {
  const named = queries.map(({ name: of, sql }) => ({ name: `${group}: ${of}`, sql }));
  return named.filter((query) => words.length === 0 || words.some((w) => query.name.includes(w)));
}

export async function run(context: SuiteContext): Promise<void> {
  const option = (of: keyof typeof options) => String(context.options[of] ?? '');
  const words = option('only').split(',').filter(Boolean);
  const clock = option('clock') === 'cpu' ? 'cpu' : 'wall';
  const inTables = Object.entries(featureQueries).flatMap(([group, queries]) =>
    chosen(group, queries, words),
  );
  const ofFiles = ['parquet', 'csv'].flatMap((format) =>
    chosen(format, fileQueries, words).map((query) => ({ ...query, format })),
  );
  const folder = mkdtempSync(join(tmpdir(), 'quern-features-'));
  const opened: EngineAdapter[] = [];
  try {
    for (const engine of ['quern', ...option('against').split(',').filter(Boolean)]) {
      opened.push(await engines[engine]({ threads: Number(option('threads')) }));
      if (inTables.length > 0) await opened.at(-1)?.loadTpch(Number(option('scale')));
    }
    context.log('tables loaded');
    for (const { name: of, sql } of inTables) await compareQuery(context, opened, of, sql, clock);
    for (const format of new Set(ofFiles.map((query) => query.format))) {
      generate(format, option('scale'), folder);
    }
    for (const { name: of, sql, format } of ofFiles) {
      const file = quoteSql(join(folder, `lineitem.${format}`));
      await compareQuery(
        context,
        opened,
        of,
        sql.replace('$file', () => file),
        clock,
      );
    }
    if (clock === 'cpu') context.note('times are processor time of all threads');
  } finally {
    for (const engine of opened) await engine.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function generate(format: string, scale: string, folder: string): void {
  const words = ['tpch', 'generate', '--scale', scale, '--tables', 'lineitem'];
  const args = ['bin/quern.js', ...words, '--format', format, '--out', folder, '--overwrite'];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}
