/** Making a column's dictionary, and finding strings in one. */
import type { StringVector } from '../value/batch.ts';
import { decodeUtf8 } from '../value/vector.ts';
import type { BlockHeap } from './block-heap.ts';
import { type Dictionary, stringPadding } from './layout.ts';
import type { LinearMemory } from './linear-memory.ts';
import { dictionaryVector } from './read.ts';
import { byteOrder, StringSet } from './string-set.ts';

export interface SortedDictionary {
  readonly dictionary: Dictionary;
  /** Code of each string by its number in the set. */
  readonly codeOf: Int32Array;
}

/** The strings of a set as a dictionary in linear memory, one block. */
export function newDictionary(
  heap: Pick<BlockHeap, 'allocate' | 'memory'>,
  set: StringSet,
): SortedDictionary {
  const strings = set.vector();
  const count = set.count;
  const order = byteOrder(strings, count);
  const heapAt = (4 * (count + 1) + 15) & ~15;
  const address = heap.allocate(heapAt + strings.bytes.length + stringPadding);
  const offsets = new Uint32Array(heap.memory.buffer, address, count + 1);
  const bytes = heap.memory.u8;
  const codeOf = new Int32Array(count);
  const values: string[] = [];
  let used = 0;
  for (let code = 0; code < count; code++) {
    const number = order[code];
    const start = strings.offsets[number];
    const end = strings.offsets[number + 1];
    codeOf[number] = code;
    offsets[code] = used;
    bytes.set(strings.bytes.subarray(start, end), address + heapAt + used);
    values.push(decodeUtf8(strings.bytes, start, end));
    used += end - start;
  }
  offsets[count] = used;
  return { dictionary: { count, offsets: address, heap: address + heapAt, values }, codeOf };
}

/** Codes in `dictionary` of the strings of a set, or undefined when one is missing. */
export function codesIn(
  memory: LinearMemory,
  dictionary: Dictionary,
  strings: StringVector,
): Int32Array | undefined {
  const known = knownStrings(memory, dictionary);
  const count = strings.offsets.length - 1;
  const codeOf = new Int32Array(count);
  for (let number = 0; number < count; number++) {
    const { offsets, bytes } = strings;
    const code = known.find(bytes, offsets[number], offsets[number + 1]);
    if (code === undefined) return undefined;
    codeOf[number] = code;
  }
  return codeOf;
}

/** The entries of the dictionary as a set that numbers each by its code. */
function knownStrings(memory: LinearMemory, dictionary: Dictionary): StringSet {
  let set = sets.get(dictionary);
  if (set === undefined) {
    set = stringSetOf(dictionaryVector(memory, dictionary));
    sets.set(dictionary, set);
  }
  return set;
}

const sets = new WeakMap<Dictionary, StringSet>();

/** A set of distinct strings, numbered as they come. */
export function stringSetOf(strings: StringVector): StringSet {
  const set = new StringSet();
  const { offsets, bytes } = strings;
  for (let i = 0; i + 1 < offsets.length; i++) set.add(bytes, offsets[i], offsets[i + 1]);
  return set;
}
