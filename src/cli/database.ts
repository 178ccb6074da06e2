import type { Database, OpenOptions } from '../main/index.ts';

export type { Database, QueryOptions, Result } from '../main/index.ts';

/** Opens the file, or a database in memory. Loads the engine: not before there is work for it. */
export async function openDatabase(
  path: string | undefined,
  options: OpenOptions,
): Promise<Database> {
  const { open } = await import('../main/index.ts');
  return open(path, options);
}
