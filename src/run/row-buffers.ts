/** The rows that a program's pipelines have appended, in morsel order. */
import type { EngineMemory } from './memory.ts';
import type { RowRuns } from './morsels.ts';
import { sliceNumbers } from './thread.ts';

export class RowBuffers {
  readonly #rowBytes: readonly number[];
  /** For each buffer: address and rows of every contiguous run, in order. */
  readonly #runs: number[][];
  readonly #rows: number[];

  constructor(rowBytes: readonly number[]) {
    this.#rowBytes = rowBytes;
    this.#runs = rowBytes.map(() => []);
    this.#rows = rowBytes.map(() => 0);
  }

  runs(buffer: number): RowRuns {
    return this.#runs[buffer];
  }

  rowCount(buffer: number): number {
    return this.#rows[buffer];
  }

  /**
   * Adds the slices of a step behind the rows that are there: flat triples of sequence, address and
   * rows, those of one sequence in the order of their appending. Gives the rows added.
   */
  add(buffer: number, slices: readonly number[]): number {
    const order = sliceOrder(slices);
    const runs = this.#runs[buffer];
    const rowBytes = this.#rowBytes[buffer];
    let added = 0;
    for (const at of order) {
      const address = slices[at + 1];
      const rows = slices[at + 2];
      const last = runs.length - 2;
      if (last >= 0 && runs[last] + runs[last + 1] * rowBytes === address) runs[last + 1] += rows;
      else runs.push(address, rows);
      added += rows;
    }
    this.#rows[buffer] += added;
    return added;
  }

  /** Puts the rows of a buffer behind those of another one, where they are as well then. */
  share(buffer: number, into: number): void {
    for (const item of this.#runs[buffer]) this.#runs[into].push(item);
    this.#rows[into] += this.#rows[buffer];
  }

  clear(buffer: number): void {
    this.#runs[buffer] = [];
    this.#rows[buffer] = 0;
  }

  /** Writes the address of every row, in order, to the array of u32 at `address`. */
  writePointers(memory: EngineMemory, buffer: number, address: number): void {
    writePointers(memory, this.#runs[buffer], this.#rowBytes[buffer], address);
  }
}

/** Writes the address of every row of some runs to the array of u32 at `address`. */
export function writePointers(
  memory: EngineMemory,
  runs: RowRuns,
  rowBytes: number,
  address: number,
): void {
  const words = memory.u32;
  let at = address >>> 2;
  for (let i = 0; i < runs.length; i += 2) {
    const end = at + runs[i + 1];
    for (let row = runs[i]; at < end; row += rowBytes) words[at++] = row;
  }
}

/** Indexes of the slices by sequence; slices mostly come in order already. */
function sliceOrder(slices: readonly number[]): number[] {
  const order: number[] = [];
  let sorted = true;
  for (let at = 0; at < slices.length; at += sliceNumbers) {
    if (at > 0 && slices[at] < slices[at - sliceNumbers]) sorted = false;
    order.push(at);
  }
  // The sort is stable, which keeps the slices of one sequence in their order.
  return sorted ? order : order.sort((a, b) => slices[a] - slices[b]);
}
