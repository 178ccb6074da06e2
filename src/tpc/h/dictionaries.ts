import type { StringVector } from '../../value/batch.ts';
import {
  brandNames,
  containers,
  manufacturerNames,
  marketSegments,
  nations,
  orderPriorities,
  partTypes,
  regionNames,
  shipInstructions,
  shipModes,
  sortedWords,
} from './distributions.ts';
import type { DictionaryName } from './kernel/plan.ts';

/** Up to this many clerks their column is a dictionary: its codes take two bytes. */
export const dictionaryClerksMax = 65_536;

/** The words of a dictionary in byte order, which is the order of the codes. */
function dictionaryWords(name: DictionaryName, clerks: number): readonly string[] {
  switch (name) {
    case 'brand':
      return brandNames;
    case 'clerk':
      return Array.from({ length: clerks }, (_, i) => `Clerk#${String(i + 1).padStart(9, '0')}`);
    case 'container':
      return sortedWords(containers.words);
    case 'lineStatus':
      return ['F', 'O'];
    case 'manufacturer':
      return manufacturerNames;
    case 'marketSegment':
      return sortedWords(marketSegments.words);
    case 'nation':
      return sortedWords(nations.map((nation) => nation.name));
    case 'orderPriority':
      return sortedWords(orderPriorities.words);
    case 'orderStatus':
      return ['F', 'O', 'P'];
    case 'partType':
      return sortedWords(partTypes.words);
    case 'region':
      return sortedWords(regionNames);
    case 'returnFlag':
      return ['A', 'N', 'R'];
    case 'shipInstruction':
      return sortedWords(shipInstructions.words);
    case 'shipMode':
      return sortedWords(shipModes.words);
  }
}

/** The entries of a dictionary as a column has them. */
export function makeDictionary(name: DictionaryName, clerks: number): StringVector {
  const words = dictionaryWords(name, clerks);
  const offsets = new Uint32Array(words.length + 1);
  words.forEach((word, index) => {
    offsets[index + 1] = offsets[index]! + word.length;
  });
  return { form: 'string', offsets, bytes: new TextEncoder().encode(words.join('')) };
}
