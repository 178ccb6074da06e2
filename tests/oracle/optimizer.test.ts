import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QuernError } from '../../src/base/error.ts';
import { Random } from '../../src/base/random.ts';
import { bind } from '../../src/bind/bind.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { optimize } from '../../src/optimize/index.ts';
import { explainPlan } from '../../src/plan/explain.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { parseSingle } from '../../src/sql/parse.ts';
import { interpret, keyText, type Row } from './interpret.ts';
import { makeCatalog, makeTables, QueryMaker } from './random-queries.ts';

type Outcome = { rows: string[] } | { error: string };

function run(plan: Plan, tables: ReadonlyMap<string, readonly Row[]>): Outcome {
  try {
    return {
      rows: interpret(plan, (name) => tables.get(name)!)
        .map(keyText)
        .sort(),
    };
  } catch (error) {
    if (error instanceof QuernError) return { error: error.code };
    throw error;
  }
}

/** A plan that may be optimized, or the reason why not. */
function tryOptimize(plan: Plan): Plan | string {
  try {
    return optimize(plan);
  } catch (error) {
    if (error instanceof QuernError && error.code === '0A000') return error.message;
    throw error;
  }
}

/** Whether the query can be optimized; fails if that changes what it gives. */
function checkQuery(
  sql: string,
  tables: ReadonlyMap<string, readonly Row[]>,
  catalog: Catalog,
): boolean {
  const { statement } = bind(sql, parseSingle(sql), { catalog });
  assert.ok(statement.kind === 'query');
  const optimized = tryOptimize(statement.plan);
  if (typeof optimized === 'string') return false;
  const plans = `${explainPlan(statement.plan)}\n${explainPlan(optimized)}`;
  const [actual, expected] = [run(optimized, tables), run(statement.plan, tables)];
  assert.deepEqual(actual, expected, JSON.stringify({ actual, expected }) + plans);
  return true;
}

test('optimized plans give the same rows as the plans they come from', () => {
  const rounds = Number(process.env['FUZZ_ROUNDS'] ?? 400);
  const firstSeed = Number(process.env['FUZZ_SEED'] ?? 1);
  let refused = 0;
  for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
    const random = new Random(seed);
    const tables = makeTables(random);
    const sql = new QueryMaker(random).query();
    try {
      if (!checkQuery(sql, tables, makeCatalog(tables, random))) refused++;
    } catch (error) {
      throw new Error(`seed ${seed}: ${sql}`, { cause: error });
    }
  }
  assert.ok(refused <= rounds / 50, `${refused} of ${rounds} plans were refused`);
});
