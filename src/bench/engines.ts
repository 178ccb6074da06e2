import type { EngineAdapter } from './adapters/adapter.ts';
import { openDuckdb } from './adapters/duckdb.ts';

/** The engines that benchmarks and tests can run SQL on, ours and others. */
export const engines: Record<string, (options: { threads: number }) => Promise<EngineAdapter>> = {
  duckdb: openDuckdb,
};
