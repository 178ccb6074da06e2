import type { EngineAdapter } from '../src/bench/adapters/adapter.ts';
import { openDuckdb } from '../src/bench/adapters/duckdb.ts';

/** The engines that tasks can run SQL on. */
export const engines: Record<string, (options: { threads: number }) => Promise<EngineAdapter>> = {
  duckdb: openDuckdb,
};
