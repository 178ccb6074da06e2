/**
 * How a helper hands the slices of a step to the main thread: as blocks in linear memory, so that
 * the main thread has them as soon as the helper has left the step, without a message. A block is
 * one page: { next block, numbers used }, then the numbers.
 */
import type { EngineMemory } from './memory.ts';
import { pageBytes } from './page-allocator.ts';

const headerWords = 2;
const blockNumbers = pageBytes / 4 - headerWords;

/** Appends slices to the log whose { first, last } words lie at `log`. */
export function writeSlices(
  memory: EngineMemory,
  log: number,
  slices: readonly number[],
  owner: number,
): void {
  for (let from = 0; from < slices.length; ) {
    let block = memory.u32[(log >>> 2) + 1];
    if (block === 0 || memory.u32[(block >>> 2) + 1] === blockNumbers) {
      block = addBlock(memory, log, block, owner);
    }
    const words = memory.u32;
    const at = block >>> 2;
    const used = words[at + 1];
    const count = Math.min(blockNumbers - used, slices.length - from);
    for (let i = 0; i < count; i++) words[at + headerWords + used + i] = slices[from + i];
    words[at + 1] = used + count;
    from += count;
  }
}

function addBlock(memory: EngineMemory, log: number, last: number, owner: number): number {
  const block = memory.pages.allocate(pageBytes, owner);
  const words = memory.u32;
  words[block >>> 2] = 0;
  words[(block >>> 2) + 1] = 0;
  if (last === 0) words[log >>> 2] = block;
  else words[last >>> 2] = block;
  words[(log >>> 2) + 1] = block;
  return block;
}

/** Takes all slices out of a log, onto the end of `slices`. */
export function readSlices(memory: EngineMemory, log: number, slices: number[]): void {
  const words = memory.u32;
  let block = words[log >>> 2];
  words[log >>> 2] = 0;
  words[(log >>> 2) + 1] = 0;
  while (block !== 0) {
    const at = block >>> 2;
    const used = words[at + 1];
    for (let i = 0; i < used; i++) slices.push(words[at + headerWords + i]);
    const next = words[at];
    memory.pages.release(block);
    block = next;
  }
}
