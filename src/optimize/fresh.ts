import type { Column } from '../plan/expression.ts';
import type { SqlType } from '../value/type.ts';

/** Above all ids that binding gives. */
let nextId = 2 ** 30;

/** A column that the optimizer adds. */
export function freshColumn(name: string, type: SqlType, nullable: boolean): Column {
  return { id: nextId++, name, type, nullable };
}
