import type { SortKey } from '../../plan/expression.ts';
import { type Expr, i32, type Local } from '../../wasm/index.ts';
import type { FreedArea } from '../program.ts';
import type { Query, Scope, StepFunction } from '../query.ts';
import type { SortedWalk } from './sorted-rows.ts';

/**
 * The loop over a partition, as the code of window functions sees it. Indexes are of sorted rows.
 */
export interface WindowWalk {
  readonly query: Query;
  readonly f: StepFunction;
  readonly access: SortedWalk;
  /** The address of the worker's local area. */
  readonly local: Local;
  readonly partitionStart: Local;
  /** Behind the last row. */
  readonly partitionEnd: Local;
  /** Of the current row. */
  readonly index: Local;
  readonly order: readonly SortKey[];
  readonly rowsMax: bigint;
  /** Whether rows do not stay in memory while the partition is walked. */
  readonly paged: boolean;
  readonly memory: ScratchMemory;
  /** The stored columns of the row at an index. */
  row(index: Expr): Scope;
  /** A scope with nothing in reach. */
  outside(): Scope;
}

/** The rows that agree with the current one in some keys of the order. */
export interface Peers {
  readonly start: Local;
  readonly end: Local;
  /** Of the group in its partition, from 1; undefined if all rows are peers. */
  readonly number: Local | undefined;
  /** Where the peers of the row at an index end. */
  endOf(first: Local): Expr;
}

export type PeersOf = (keys: number) => Peers;

/** Memory that the code of a walk takes for the partition under way. */
export class ScratchMemory {
  readonly areas: FreedArea[] = [];
  bytesPerRow = 0;
}

/**
 * Code that makes sure of memory for the worker's own use, which lasts until the next call; a local
 * with its address. It is kept from partition to partition, and not cleared. `bytesPerRow`: what
 * the code will ask for, for each row of the partition.
 */
export function scratch(
  walk: Pick<WindowWalk, 'f' | 'query' | 'local' | 'memory'>,
  name: string,
  bytesPerRow: number,
): (bytes: Expr) => Local {
  const { f, query, local, memory } = walk;
  const slot = query.localSlot(8, 4);
  memory.areas.push({ of: 'local', offset: slot, bytes: 8 });
  memory.bytesPerRow += bytesPerRow;
  const address = f.local('i32', name);
  return (bytes) => {
    const wanted = f.let(bytes, `${name}_bytes`);
    f.set(address, i32.load(local, slot));
    f.if(i32.gtU(wanted, i32.load(local, slot + 4)), () => {
      f.if(address, () => f.call(query.release, address));
      // Half as much again, so that partitions of growing sizes do not each allocate.
      f.set(wanted, i32.add(wanted, i32.add(i32.shrU(wanted, 1), 4096)));
      f.set(address, query.allocate.call(wanted));
      f.do(i32.store(local, address, slot));
      f.do(i32.store(local, wanted, slot + 4));
    });
    return address;
  };
}

export const least = (a: Expr, b: Expr): Expr => i32.select(i32.ltU(a, b), a, b);
export const greatest = (a: Expr, b: Expr): Expr => i32.select(i32.gtU(a, b), a, b);
