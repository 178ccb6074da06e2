/**
 * How a helper thread that is short of memory has the main thread make room: only that one knows
 * which table segments are idle. The words lie in the allocator's own page.
 */
import type { EngineMemory } from './memory.ts';
import { pageBytes } from './page-allocator.ts';

/** Indexes of u32 words from address 0. */
const word = {
  /** Pages that helpers want and the main thread has not heard of yet. */
  asked: 128,
  /** Grows with every answer. */
  answers: 129,
  /** Whether the last answer freed anything. */
  freed: 130,
} as const;

/** Far longer than the main thread is ever busy with something else. */
const patienceMs = 60_000;

/** For helpers: asks for room and waits. Whether there may be more room now. */
export function askForRoom(memory: EngineMemory, bytes: number): boolean {
  const words = memory.i32;
  const before = Atomics.load(words, word.answers);
  Atomics.add(words, word.asked, Math.ceil(bytes / pageBytes));
  if (Atomics.wait(words, word.answers, before, patienceMs) === 'timed-out') return false;
  return Atomics.load(words, word.freed) !== 0;
}

/** For the main thread, now and then: answers helpers. `makeRoom` gives the bytes it has freed. */
export function answerShortage(memory: EngineMemory, makeRoom: (bytes: number) => number): void {
  const words = memory.i32;
  if (words[word.asked] === 0) return;
  const pages = Atomics.exchange(words, word.asked, 0);
  const freed = makeRoom(pages * pageBytes);
  Atomics.store(words, word.freed, freed > 0 ? 1 : 0);
  Atomics.add(words, word.answers, 1);
  Atomics.notify(words, word.answers);
}
