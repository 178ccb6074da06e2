import { tableEntry } from '../catalog/entry.ts';
import { type Limits, Turns } from '../run/turns.ts';
import { loadTable } from '../table/load.ts';
import { CatalogState } from './catalog-state.ts';
import { rehearsalStatements, rehearsalTables } from './rehearsal-data.ts';
import { type Engine, Session } from './session.ts';

/**
 * Runs the statements of a rehearsal so many times, over tables of its own in a catalog that nobody
 * else sees. All of them must succeed, unless the limits end one. Leaves nothing behind. Gives the
 * number of rows of each.
 */
export async function rehearse(
  engine: Engine,
  threads: number,
  rounds: number,
  limits: Limits = {},
): Promise<number[]> {
  const catalog = new CatalogState(engine.storage);
  const session = new Session({ ...engine, catalog });
  session.threads = threads;
  const { signal, deadline } = limits;
  const turns = new Turns(engine.runtime.platform, limits);
  const rowCounts: number[] = [];
  engine.runtime.startHelpers(threads - 1);
  try {
    for (const { name, schema, batch, primaryKey } of rehearsalTables()) {
      const table = await loadTable(engine.storage, schema, [batch], () => turns.ifDue());
      catalog.set(tableEntry(name, table, { primaryKey }));
    }
    for (let round = 0; round < rounds; round++) {
      for (const sql of rehearsalStatements) {
        const timeout = deadline === undefined ? 0 : Math.max(1, deadline - performance.now());
        const result = await session.run(sql, [], { timeout, ...(signal && { signal }) });
        result.values();
        rowCounts.push(result.rowCount);
        await turns.ifDue();
      }
      // Otherwise the next round would be spared what it is there for.
      session.forget();
    }
    return rowCounts;
  } finally {
    session.forget();
    for (const name of catalog.current.names()) catalog.drop(name);
  }
}
