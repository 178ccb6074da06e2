import type { EngineAdapter } from './adapters/adapter.ts';
import { openDuckdb } from './adapters/duckdb.ts';
import { openQuern, openSpillingQuern } from './adapters/quern.ts';

/** The engines that benchmarks and tests can run SQL on, ours and others. */
export const engines: Record<string, (options: { threads: number }) => Promise<EngineAdapter>> = {
  quern: openQuern,
  'quern-spilling': openSpillingQuern,
  duckdb: openDuckdb,
};
