import { tpch } from '../tpc/index.ts';
import type { EngineAdapter } from './adapters/adapter.ts';

/** Generates the eight tables of TPC-H at a scale factor and loads them into an engine. */
export async function loadTpch(engine: EngineAdapter, scale: number): Promise<void> {
  for (const table of tpch.tables) {
    await engine.loadBatches(table, tpch.read(table, { scale }));
  }
}
