import type { Random } from '../../../src/base/random.ts';
import type { ExpressionMaker, Scope } from './expressions.ts';
import { type Fragment, textOf } from './fragment.ts';
import type { FromMaker } from './from.ts';
import { exactColumns, named, noScope } from './relation.ts';
import { families } from './tables.ts';

/** Two relations, a condition of their join, another one on its rows, and a select list. */
export function makeRewrite(
  random: Random,
  from: FromMaker,
  expressions: ExpressionMaker,
): Fragment {
  const [left, right] = [from.relation(noScope, 1, 50), from.relation(noScope, 1, 50)];
  const columns = [...exactColumns(left.columns), ...exactColumns(right.columns)];
  const scope: Scope = { columns, subqueries: 2 };
  const on = random.chance(0.7)
    ? from.condition(left, right, noScope)
    : expressions.condition({ columns, subqueries: 1 }, 2);
  const where = expressions.condition(scope, 3);
  const items = Array.from({ length: random.int(1, 3) }, () =>
    expressions.make(random.pick(families), { columns, subqueries: 1 }, 2),
  );
  const parts = [left.fragment, right.fragment, on, where, named(items)];
  return { sort: 'rewrite', parts: parts.map((part) => ({ sort: 'part', parts: [part] })) };
}

/** The same query in other words: all must give the same rows. */
export function rewrites({ parts }: Fragment): string[] {
  const [left, right, on, where, items] = parts.map((part) =>
    typeof part === 'string' ? part : textOf(part),
  );
  const select = `SELECT ${items} FROM`;
  return [
    `${select} ${left} JOIN ${right} ON ${on} WHERE ${where}`,
    // Others leave the optimizer less to find, or more.
    `${select} ${right} CROSS JOIN ${left} WHERE (${where}) AND (${on})`,
    `${select} ${left} JOIN ${right} ON (${on}) AND (${where})`,
    `${select} ${right} JOIN ${left} ON TRUE WHERE CASE WHEN ${on} THEN (${where}) ELSE FALSE END`,
    `${select} ${left}, ${right} WHERE ((${on}) IS TRUE) AND (NOT (NOT (${where})))`,
  ];
}
