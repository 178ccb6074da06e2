/** Rows of joins as the engines' own EXPLAIN tells them. */
import type { EngineAdapter } from '../adapters/adapter.ts';

/** What EXPLAIN says in both engines; ours by its text, DuckDB by its JSON. */
export interface PlanReader {
  /** Rows that the engine expects of the joins of a `SELECT count(*)`. */
  estimate(engine: EngineAdapter, sql: string): Promise<number>;
  /** Rows that all joins of the plan really gave, taken together: the cost C_out. */
  joinRows(engine: EngineAdapter, sql: string): Promise<number>;
}

/** Lines such as `inner join on … (~20, actually 17 rows)` and `scan … (~7 rows)`. */
const ourNode = /^ *(inner join|scan) .*\(~([\d.,]+)(?:, actually ([\d,]+))? rows/;

async function ourNodes(engine: EngineAdapter, sql: string) {
  const { rows } = (await engine.query(sql)).table();
  return rows.flatMap(([line]) => {
    const found = ourNode.exec(String(line));
    if (found === null) return [];
    const [kind, estimate, actual = '0'] = found.slice(1);
    const number = (text: string) => Number(text.replaceAll(',', ''));
    return [{ isJoin: kind !== 'scan', estimate: number(estimate), actual: number(actual) }];
  });
}

const ourPlans: PlanReader = {
  async estimate(engine, sql) {
    const [top] = await ourNodes(engine, `EXPLAIN ${sql}`);
    if (top !== undefined) return top.estimate;
    // The rows of a whole table are known without a scan.
    return Number((await engine.query(sql)).table().rows[0][0]);
  },
  async joinRows(engine, sql) {
    const joins = (await ourNodes(engine, `EXPLAIN ANALYZE ${sql}`)).filter((node) => node.isJoin);
    return joins.reduce((sum, { actual }) => sum + actual, 0);
  },
};

interface TheirNode {
  readonly name?: string;
  readonly operator_name?: string;
  readonly operator_cardinality?: number;
  readonly extra_info?: Readonly<Record<string, unknown>>;
  readonly children?: readonly TheirNode[];
}

async function theirPlan(engine: EngineAdapter, sql: string): Promise<TheirNode> {
  const { rows } = (await engine.query(sql)).table();
  const parsed = JSON.parse(String(rows[0].at(-1)));
  return Array.isArray(parsed) ? { children: parsed } : parsed;
}

function* nodesOf(node: TheirNode): Generator<TheirNode> {
  yield node;
  for (const child of node.children ?? []) yield* nodesOf(child);
}

const theirPlans: PlanReader = {
  async estimate(engine, sql) {
    const plan = await theirPlan(engine, `EXPLAIN (FORMAT JSON) ${sql}`);
    for (const { name = '', extra_info } of nodesOf(plan)) {
      if (!/JOIN|SCAN|FILTER/.test(name)) continue;
      const estimate = Number(extra_info?.['Estimated Cardinality']);
      if (Number.isFinite(estimate)) return estimate;
    }
    return Number.NaN;
  },
  async joinRows(engine, sql) {
    const plan = await theirPlan(engine, `EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`);
    let rows = 0;
    for (const { operator_name = '', operator_cardinality = 0 } of nodesOf(plan)) {
      if (/JOIN/.test(operator_name)) rows += operator_cardinality;
    }
    return rows;
  },
};

/** How an engine's plans are read. */
export function planReader(engine: EngineAdapter): PlanReader {
  return engine.name.startsWith('duckdb') ? theirPlans : ourPlans;
}
