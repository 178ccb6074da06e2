import { type Fragment, reductions, textOf } from './fragment.ts';
import type { Engines, TestCase } from './judge.ts';
import type { TestTable } from './tables.ts';

export interface FailingCase extends TestCase {
  readonly tables: readonly TestTable[];
}

/** Runs of a query that shrinking may take. */
const attemptsMax = 600;

/**
 * The case made smaller as long as it still fails: first the query, then the rows of its tables.
 * The tables exist in the engines before and afterwards, afterwards with fewer rows.
 */
export async function shrink(engines: Engines, failing: FailingCase): Promise<FailingCase> {
  const { ordered } = failing;
  let attempts = 0;
  const first = await engines.judge(failing);
  const fails = async (fragment: Fragment): Promise<boolean> => {
    attempts++;
    const candidate = { ...failing, fragment, ordered: ordered && isOrdered(fragment) };
    const { kind, message } = await engines.judge(candidate);
    return kind === 'differ' && sortOf(message) === sortOf(first.message);
  };
  const fragment = await shrinkFragment(failing.fragment, fails, () => attempts < attemptsMax);
  let { tables } = failing;
  const sql = textOf(fragment);
  for (let i = 0; i < tables.length; i++) {
    if (tables[i].large !== undefined && sql.includes('large')) continue;
    const remake = async (rows: TestTable['rows']): Promise<boolean> => {
      const candidate = tables.map((table, at) => (at === i ? { ...table, rows } : table));
      await engines.drop(tables);
      await engines.make(candidate);
      const failed = await fails(fragment);
      if (failed) tables = candidate;
      return failed;
    };
    await shrinkRows(tables[i].rows, remake, () => attempts < 2 * attemptsMax);
    await engines.drop(tables);
    await engines.make(tables);
  }
  const used = tables.filter(({ name, large }) => {
    const names = large === undefined ? [name] : [name, large];
    return names.some((word) => new RegExp(`\\b${word}\\b`).test(sql));
  });
  return { ...failing, tables: used, fragment };
}

/** Another kind of difference, or another error, is another bug. */
function sortOf(message = ''): string {
  const sort = /slow|error|class|Assertion|Error|rows|row/.exec(message)?.[0] ?? '';
  if (!/error/i.test(sort)) return sort.slice(0, 3);
  const [line] = message.split('\n');
  return line.replaceAll(/"[^"]*"|\d+/g, '…');
}

function isOrdered(fragment: Fragment): boolean {
  return fragment.parts.some((part) => typeof part !== 'string' && part.sort === 'order');
}

async function shrinkFragment(
  start: Fragment,
  fails: (fragment: Fragment) => Promise<boolean>,
  more: () => boolean,
): Promise<Fragment> {
  let fragment = start;
  for (let changed = true; changed; ) {
    changed = false;
    for (const candidate of reductions(fragment)) {
      if (!more()) return fragment;
      if (textOf(candidate).length >= textOf(fragment).length) continue;
      if (!(await fails(candidate))) continue;
      fragment = candidate;
      changed = true;
      break;
    }
  }
  return fragment;
}

async function shrinkRows(
  start: TestTable['rows'],
  fails: (rows: TestTable['rows']) => Promise<boolean>,
  more: () => boolean,
): Promise<void> {
  let rows = start;
  for (let size = Math.ceil(rows.length / 2); size >= 1; ) {
    let removed = false;
    for (let at = 0; at < rows.length && more(); ) {
      const rest = [...rows.slice(0, at), ...rows.slice(at + size)];
      if (await fails(rest)) {
        rows = rest;
        removed = true;
      } else {
        at += size;
      }
    }
    if (!more() || (size === 1 && !removed)) return;
    size = size === 1 ? 1 : Math.ceil(size / 2);
  }
}
