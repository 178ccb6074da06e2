import type { SqlDatabase } from './database.ts';
import { type Io, write } from './io.ts';
import type { ResultPrinter } from './print/printer.ts';

/** Characters gathered before they are written: few writes, and no result as one text. */
const chunkLength = 1 << 16;

/** Runs one statement and prints its result, if it has one. Returns the number of rows. */
export async function runStatement(
  database: SqlDatabase,
  sql: string,
  printer: ResultPrinter,
  io: Io,
): Promise<number> {
  const result = await database.query(sql, [], { values: 'exact' });
  if (result.columns.length === 0) return 0;
  let text = printer.begin(result.columns);
  const rows = result.values();
  for (const row of rows) {
    text += printer.row(row);
    if (text.length < chunkLength) continue;
    await write(io.stdout, text);
    text = '';
  }
  await write(io.stdout, text + printer.end());
  return rows.length;
}
