/** Rows of movable buffers that compiled code reads by their numbers, in any order. */
import { assert } from '../../base/assert.ts';
import { pageField } from '../../compile/program.ts';
import type { EngineMemory } from '../memory.ts';
import type { Extent, MovableRows } from './movable-rows.ts';

/** The rows of a buffer, in runs of rows that lie side by side. */
interface Runs {
  readonly extents: readonly Extent[];
  /** The number of the first row of each, and of the first behind them. */
  readonly starts: readonly number[];
}

export class PagedRows {
  readonly #memory: EngineMemory;
  readonly #rows: MovableRows;
  /** Closes the chunks of a buffer that rows could still be appended to. */
  readonly #seal: (buffer: number) => void;
  readonly #runs = new Map<number, Runs>();
  /** What each place of the code has in memory, by its address. */
  readonly #sites = new Map<number, { readonly buffer: number; readonly extent: Extent }>();

  constructor(memory: EngineMemory, rows: MovableRows, seal: (buffer: number) => void) {
    this.#memory = memory;
    this.#rows = rows;
    this.#seal = seal;
  }

  /** Does what {@link pageField} says. */
  bringIn(site: number, buffer: number, index: number): void {
    const { extents, starts } = this.#runs.get(buffer) ?? this.#begin(buffer);
    const run = lastAtMost(starts, index);
    assert(run < extents.length, 'the row is one of the buffer');
    const extent = extents[run];
    const before = this.#sites.get(site);
    this.#rows.load([extent]);
    if (before !== undefined) this.#rows.unload([before.extent]);
    this.#sites.set(site, { buffer, extent });
    const [address] = this.#rows.runs([extent]);
    const words = this.#memory.u32;
    words[(site + pageField.first) >>> 2] = starts[run];
    words[(site + pageField.count) >>> 2] = extent.rows;
    words[(site + pageField.address) >>> 2] = address;
  }

  #begin(buffer: number): Runs {
    this.#seal(buffer);
    const extents: Extent[] = [];
    const starts = [0];
    for (const extent of this.#rows.extents(buffer)) {
      const last = extents.at(-1);
      const end = starts[starts.length - 1] + extent.rows;
      if (last?.chunk === extent.chunk && last.first + last.rows === extent.first) {
        extents[extents.length - 1] = { ...last, rows: last.rows + extent.rows };
        starts[starts.length - 1] = end;
      } else {
        extents.push(extent);
        starts.push(end);
      }
    }
    const runs = { extents, starts };
    this.#runs.set(buffer, runs);
    return runs;
  }

  /** The rows of the buffer will be others. */
  forget(buffer: number): void {
    this.#runs.delete(buffer);
    for (const [site, { buffer: of, extent }] of this.#sites) {
      if (of !== buffer) continue;
      this.#rows.unload([extent]);
      this.#sites.delete(site);
    }
  }
}

/** The index of the last of ascending numbers that is not above x; the first is not. */
function lastAtMost(numbers: readonly number[], x: number): number {
  let low = 0;
  let high = numbers.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (numbers[middle] <= x) low = middle;
    else high = middle;
  }
  return low;
}
