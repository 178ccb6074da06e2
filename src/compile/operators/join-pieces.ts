/**
 * Joins whose build side comes in pieces, because one partition of it does not fit in memory: the
 * row of the probe side remembers what was found, 1 for a match and 2 for something unknown.
 */
import { i32, type Local } from '../../wasm/index.ts';
import type { Consume, Scope } from '../query.ts';
import { rowStateAt } from './partitions.ts';

/** A semi join: `found` is set once, at the first match of the row. */
export function atFirstMatch(scope: Scope, row: Local, found: Local, decide: Consume): void {
  const { f } = scope;
  const before = f.let(i32.load(row, rowStateAt), 'state');
  f.do(i32.store(row, i32.or(before, found), rowStateAt));
  f.set(found, i32.and(found, i32.eqz(before)));
  decide(scope);
}

/** Anti and mark joins: what was found in all pieces counts, and is known after the last. */
export function afterPieces(
  scope: Scope,
  row: Local,
  lastSlot: number,
  { found, unknown }: { readonly found: Local; readonly unknown: Local | undefined },
  decide: Consume,
): void {
  const { f, pipeline } = scope;
  const before = f.let(i32.load(row, rowStateAt), 'state');
  f.set(found, i32.or(found, i32.and(before, 1)));
  if (unknown !== undefined) f.set(unknown, i32.or(unknown, i32.shrU(before, 1)));
  const state = unknown === undefined ? found : i32.or(found, i32.shl(unknown, 1));
  f.do(i32.store(row, state, rowStateAt));
  const last = pipeline.hoist(() => i32.load(pipeline.frame, lastSlot), 'last');
  f.if(last, () => decide(scope.child()));
}
