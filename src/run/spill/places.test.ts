import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineMemory } from '../memory.ts';
import { engineOwner, pageBytes } from '../page-allocator.ts';
import { Places, spillWord, spillWordsBytes } from './places.ts';

function makePlaces(chunkPages: number): { places: Places; other: Places } {
  const memory = EngineMemory.create({ shared: true });
  const words = memory.pages.allocateZeroed(spillWordsBytes, engineOwner);
  memory.u32[(words >>> 2) + spillWord.chunkBytes] = chunkPages * pageBytes;
  return { places: new Places(memory, words), other: new Places(memory, words) };
}

test('places that were given back are taken again, by any thread', () => {
  const { places, other } = makePlaces(2);
  const taken = Array.from({ length: 10_000 }, (_, i) => (i % 2 ? places : other).take(2));
  assert.equal(new Set(taken).size, taken.length);
  // More than others can know of at once.
  for (const page of taken) places.give(page, 2);
  const again = new Set<number>();
  for (let i = 0; i < 1000; i++) again.add(other.take(2));
  const known = new Set(taken);
  for (const page of again) assert.ok(known.has(page));
  assert.equal(again.size, 1000);
  // What did not fit follows when there is room.
  places.give(places.take(5), 5);
  for (let i = 0; i < 3000; i++) again.add(other.take(2));
  assert.equal(again.size, 4000);
});

test('chunks of the usual size are cut from larger places, which are never put together', () => {
  const { places } = makePlaces(2);
  const large = places.take(5);
  places.give(large, 5);
  assert.equal(places.take(3), 5, 'other sizes come from the end');
  assert.deepEqual([places.take(2), places.take(2)].sort(), [large, large + 2]);
  assert.equal(places.take(2), 8);
});

test('what is held counts once however often it is written', () => {
  const { places } = makePlaces(1);
  places.noteWritten(3, true);
  places.noteWritten(3, false);
  places.noteFreed(3);
  places.noteWritten(2, true);
  const expected = { spilledBytes: 8 * pageBytes, spilledBytesMax: 3 * pageBytes };
  assert.deepEqual(places.spilled, expected);
});
