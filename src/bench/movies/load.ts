import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCsv } from '../../format/csv/write.ts';
import type { ColumnBatch } from '../../value/batch.ts';
import type { EngineAdapter } from '../adapters/adapter.ts';
import { generateMovies } from './generate.ts';
import { movieSchemas } from './schema.ts';

/** Makes the movie database in some engines, all from the same files. */
export async function loadMovies(
  engines: readonly EngineAdapter[],
  scale: number,
  seed?: number,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'quern-movies-'));
  try {
    for (const [table, batch] of generateMovies(scale, seed)) {
      const schema = movieSchemas[table];
      const path = join(folder, `${table}.csv`);
      await writeFile(path, writeCsv({ schema, batches: once(batch) }));
      for (const engine of engines) await engine.load(table, schema, path);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function* once(batch: ColumnBatch): AsyncGenerator<ColumnBatch> {
  yield batch;
}
