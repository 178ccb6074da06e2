import { QuernError, sqlState } from '../../base/error.ts';
import { nearestName } from '../../base/nearest.ts';
import type { BoundCall } from '../../bind/statement/bound.ts';
import { tableEntry } from '../../catalog/entry.ts';
import { loadTable } from '../../table/load.ts';
import type { ProcedureTarget } from '../procedures.ts';
import { Result } from '../result.ts';
import type { Request, Session } from '../session.ts';
import { mayCreate } from './definition.ts';

export async function runCall(
  session: Session,
  call: BoundCall,
  request: Request,
): Promise<Result> {
  const { procedures } = session.engine;
  const procedure = procedures.get(call.name);
  if (procedure === undefined) {
    const near = nearestName(call.name, procedures.keys());
    throw new QuernError(sqlState.undefinedFunction, `there is no procedure "${call.name}"`, {
      position: call.span.start,
      hint: near === undefined ? undefined : `did you mean "${near}"?`,
    });
  }
  session.checkWritable();
  await procedure.run(call, targetOf(session, request));
  return new Result([], []);
}

function targetOf(session: Session, { turns }: Request): ProcedureTarget {
  const { catalog, storage } = session.engine;
  return {
    threads: session.threads,
    createTable: async (name, { schema, batches }, { replace = false, primaryKey } = {}) => {
      const onExisting = replace ? 'replace' : 'error';
      mayCreate(catalog, name, onExisting);
      const table = await loadTable(storage, schema, turns.within(batches), () => turns.ifDue());
      try {
        mayCreate(catalog, name, onExisting);
      } catch (error) {
        storage.release(table);
        throw error;
      }
      catalog.set(tableEntry(name, table, { primaryKey }));
    },
  };
}
