import { bind } from '../../src/bind/bind.ts';
import { optimize } from '../../src/optimize/index.ts';
import { explainPlan } from '../../src/plan/explain.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { lex } from '../../src/sql/lexer.ts';
import { parseSingle } from '../../src/sql/parse.ts';
import { makeQueries } from '../../src/tpc/h/queries.ts';
import { tpchCatalog } from './tpch-catalog.ts';

/**
 * What each stage of the front end makes of a query, as text: the golden files of this folder. A
 * change of a stage shows as a difference to review; `node dist/tasks/main.js accept` accepts it.
 */

const stages = {
  tokens: (sql: string) => tokensText(sql),
  tree: (sql: string) => treeText(parseSingle(sql), sql),
  bound: (sql: string) => explainPlan(boundPlan(sql)),
  optimized: (sql: string) => explainPlan(optimize(boundPlan(sql))),
} as const;

type Stage = keyof typeof stages;

interface Golden {
  /** Of its file, without the ending. */
  readonly name: string;
  readonly sql: string;
  readonly stages: readonly Stage[];
}

const allStages = Object.keys(stages) as Stage[];

/** Small queries that show every stage; TPC-H shows what the optimizer makes of real ones. */
const small: Readonly<Record<string, string>> = {
  'correlated-scalar':
    'select c_name, (select count(*) from orders where o_custkey = c_custkey) as placed\n' +
    'from customer\n' +
    "where c_mktsegment = 'BUILDING'",
  'grouping-and-windows':
    'select n_regionkey as region, count(*) as nations,\n' +
    '  rank() over (order by count(*) desc nulls last)\n' +
    'from nation natural join (select n_nationkey from nation)\n' +
    'group by all having count(*) > 1',
  'not-in-and-or':
    'select p_partkey from part\n' +
    'where p_size not in (select ps_availqty from partsupp where ps_partkey = p_partkey)\n' +
    '  or exists (from lineitem where l_partkey = p_partkey and l_quantity > p_size)',
  'set-operations':
    'select n_name from nation where n_regionkey = 1\n' +
    'union all (select r_name from region except select n_name from nation)\n' +
    'order by 1 limit 3',
};

export const goldens: readonly Golden[] = [
  ...Object.entries(small).map(([name, sql]) => ({ name, sql, stages: allStages })),
  ...makeQueries().map(({ number, sql }): Golden => {
    const name = `tpch-${String(number).padStart(2, '0')}`;
    return { name, sql, stages: number === 6 ? allStages : ['bound', 'optimized'] };
  }),
];

/** The text of a golden file. */
export function goldenText(golden: Golden): string {
  const sections = golden.stages.map((stage) => section(stage, stages[stage](golden.sql)));
  return [section('sql', golden.sql), ...sections].join('\n');
}

function section(name: string, text: string): string {
  return `== ${name} ==\n${text}\n`;
}

function boundPlan(sql: string): Plan {
  const { statement } = bind(sql, parseSingle(sql), { catalog: tpchCatalog });
  if (statement.kind !== 'query') throw new Error(`not a query: ${sql}`);
  return statement.plan;
}

/** One line for each line of the query, of tokens as kind:text. */
function tokensText(sql: string): string {
  const lines: string[] = [];
  let line = -1;
  for (const { kind, text, start } of lex(sql).tokens) {
    const at = sql.slice(0, start).split('\n').length;
    const token = text === '' ? kind : `${kind}:${text}`;
    if (at === line) lines.push(`${lines.pop()} ${token}`);
    else lines.push(token);
    line = at;
  }
  return lines.join('\n');
}

/** A node a line with its own values, then its parts below; spans as the text they cover. */
function treeText(node: object, sql: string, name = '', depth = 0): string {
  const own: string[] = [];
  const below: string[] = [];
  const visit = (key: string, value: unknown): void => {
    if (key === 'kind' || key === 'span' || value === undefined || value === false) return;
    if (Array.isArray(value)) {
      value.forEach((item, i) => {
        visit(`${key}[${i}]`, item);
      });
    } else if (typeof value === 'object' && value !== null) {
      below.push(treeText(value, sql, key, depth + 1));
    } else {
      own.push(`${key}=${value}`);
    }
  };
  for (const [key, value] of Object.entries(node)) visit(key, value);
  const { kind = '', span } = node as { kind?: string; span?: { start: number; end: number } };
  const covered = span === undefined ? '' : excerpt(sql.slice(span.start, span.end));
  const label = name === '' ? '' : `${name}: `;
  const head = `${'  '.repeat(depth)}${label}${[kind, ...own].join(' ')}  ${covered}`.trimEnd();
  return [head, ...below].join('\n');
}

function excerpt(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return `«${line.length > 40 ? `${line.slice(0, 28)}…${line.slice(-10)}` : line}»`;
}
