/**
 * The words of TPC-H data and how often each is drawn, from clauses 4.2.2.13 and 4.2.2.14 of the
 * specification and the distributions of dbgen. A draw of 1..total picks the first entry whose
 * cumulative weight reaches it, so the order of the entries matters.
 */
export interface Distribution {
  readonly words: readonly string[];
  /** One for each word; cumulative, so the last one is the total. */
  readonly cumulative: readonly number[];
}

/**
 * Parses `word:weight` items separated by commas; an item without a weight has the one before it.
 */
function weighted(text: string): Distribution {
  const words: string[] = [];
  const cumulative: number[] = [];
  let total = 0;
  let weight = 1;
  for (const item of text.split(',')) {
    const [word, explicit] = item.trim().split(':');
    if (explicit !== undefined) weight = Number(explicit);
    words.push(word!);
    cumulative.push((total += weight));
  }
  return { words, cumulative };
}

function uniform(words: readonly string[]): Distribution {
  return { words, cumulative: words.map((_, index) => index + 1) };
}

/** Every combination, the last factor changing fastest, joined by blanks. */
function combine(...factors: string[]): string[] {
  return factors
    .map((factor) => factor.split(' '))
    .reduce((left, right) => left.flatMap((a) => right.map((b) => `${a} ${b}`)));
}

export const regionNames = ['AFRICA', 'AMERICA', 'ASIA', 'EUROPE', 'MIDDLE EAST'] as const;

/** Nations by key, each with the key of its region. */
export const nations: readonly { readonly name: string; readonly region: number }[] = (
  [
    ['ALGERIA', 0],
    ['ARGENTINA', 1],
    ['BRAZIL', 1],
    ['CANADA', 1],
    ['EGYPT', 4],
    ['ETHIOPIA', 0],
    ['FRANCE', 3],
    ['GERMANY', 3],
    ['INDIA', 2],
    ['INDONESIA', 2],
    ['IRAN', 4],
    ['IRAQ', 4],
    ['JAPAN', 2],
    ['JORDAN', 4],
    ['KENYA', 0],
    ['MOROCCO', 0],
    ['MOZAMBIQUE', 0],
    ['PERU', 1],
    ['CHINA', 2],
    ['ROMANIA', 3],
    ['SAUDI ARABIA', 4],
    ['VIETNAM', 2],
    ['RUSSIA', 3],
    ['UNITED KINGDOM', 3],
    ['UNITED STATES', 1],
  ] as const
).map(([name, region]) => ({ name, region }));

export const partTypes = uniform(
  combine(
    'STANDARD SMALL MEDIUM LARGE ECONOMY PROMO',
    'ANODIZED BURNISHED PLATED POLISHED BRUSHED',
    'TIN NICKEL BRASS STEEL COPPER',
  ),
);
export const containers = uniform(
  combine('SM LG MED JUMBO WRAP', 'CASE BOX BAG JAR PACK PKG CAN DRUM'),
);
export const manufacturerNames: readonly string[] = Array.from({ length: 5 }, (_, index) => {
  return `Manufacturer#${index + 1}`;
});
export const brandNames: readonly string[] = Array.from({ length: 25 }, (_, index) => {
  return `Brand#${Math.floor(index / 5) + 1}${(index % 5) + 1}`;
});
export const marketSegments = uniform([
  'AUTOMOBILE',
  'BUILDING',
  'FURNITURE',
  'HOUSEHOLD',
  'MACHINERY',
]);
export const orderPriorities = uniform([
  '1-URGENT',
  '2-HIGH',
  '3-MEDIUM',
  '4-NOT SPECIFIED',
  '5-LOW',
]);
export const shipInstructions = uniform([
  'DELIVER IN PERSON',
  'COLLECT COD',
  'TAKE BACK RETURN',
  'NONE',
]);
export const shipModes = uniform(['REG AIR', 'AIR', 'RAIL', 'TRUCK', 'MAIL', 'FOB', 'SHIP']);
export const returnFlags = uniform(['R', 'A']);

export const colors: readonly string[] = (
  'almond antique aquamarine azure beige bisque black blanched blue blush brown burlywood ' +
  'burnished chartreuse chiffon chocolate coral cornflower cornsilk cream cyan dark deep dim ' +
  'dodger drab firebrick floral forest frosted gainsboro ghost goldenrod green grey honeydew hot ' +
  'indian ivory khaki lace lavender lawn lemon light lime linen magenta maroon medium metallic ' +
  'midnight mint misty moccasin navajo navy olive orange orchid pale papaya peach peru pink plum ' +
  'powder puff purple red rose rosy royal saddle salmon sandy seashell sienna sky slate smoke ' +
  'snow spring steel tan thistle tomato turquoise violet wheat white yellow'
).split(' ');

/** The sentences of the text pool: N noun phrase, V verb phrase, P prepositional phrase, T end. */
export const sentences = weighted('NVT:3, NVPT:3, NVNT:3, NPVNT:1, NPVPT:1');
/** Noun phrases: N noun, J adjective, D adverb; a comma follows the word before it. */
export const nounPhrases: Distribution = {
  words: ['N', 'JN', 'J,JN', 'DJN'],
  cumulative: [10, 30, 40, 90],
};
/** Verb phrases: V verb, X auxiliary, D adverb. */
export const verbPhrases = weighted('V:30, XV:1, VD:40, XVD:1');

export const nouns = weighted(
  'packages:40, requests, accounts, deposits, foxes:20, ideas, theodolites, pinto beans, ' +
    'instructions, dependencies:10, excuses, platelets, asymptotes, courts:5, dolphins, ' +
    'multipliers:1, sauternes, warthogs, frets, dinos, attainments, somas, Tiresias, patterns, ' +
    'forges, braids, frays, warhorses, dugouts, notornis, epitaphs, pearls, tithes, waters, ' +
    'orbits, gifts, sheaves, depths, sentiments, decoys, realms, pains, grouches, escapades, ' +
    'hockey players',
);
export const verbs = weighted(
  'sleep:20, wake, are, cajole, haggle, nag:10, use, boost, affix:5, detect, integrate, ' +
    'maintain:1, nod, was, lose, sublate, solve, thrash, promise, engage, hinder, print, x-ray, ' +
    'breach, eat, grow, impress, mold, poach, serve, run, dazzle, snooze, doze, unwind, kindle, ' +
    'play, hang, believe, doubt',
);
export const adverbs = weighted(
  'sometimes:1, always, never, furiously:50, slyly, carefully, blithely:40, quickly:30, ' +
    'fluffily:20, slowly:1, quietly, ruthlessly, thinly, closely, doggedly, daringly, bravely, ' +
    'stealthily, permanently, enticingly, idly, busily, regularly, finally, ironically, evenly, ' +
    'boldly, silently',
);
export const adjectives = weighted(
  'special:20, pending, unusual, express, furious:1, sly, careful, blithe, quick, fluffy, slow, ' +
    'quiet, ruthless, thin, close, dogged, daring, brave, stealthy, permanent, enticing, idle, ' +
    'busy, regular:50, final:40, ironic:40, even:30, bold:20, silent:10',
);
export const prepositions = weighted(
  'about:50, above, according to, across, after, against:40, along, alongside of:30, among, ' +
    'around:20, at:10, atop:1, before, behind, beneath, beside, besides, between, beyond, by, ' +
    'despite, during, except, for, from, in place of, inside, instead of, into, near, of, on, ' +
    'outside, over, past, since, through, throughout, to, toward, under, until, up, upon, ' +
    'whithout, with, within',
);
export const auxiliaries = weighted(
  'do:1, may, might, shall, will, would, can, could, should, ought to, must, will have to, ' +
    'shall have to, could have to, should have to, must have to, need to, try to',
);
export const terminators: Distribution = {
  words: ['.', ';', ':', '?', '!', '--'],
  cumulative: [50, 51, 52, 53, 54, 55],
};

/** The words qgen puts into query 13. */
export const queryAdjectives = weighted('special:20, pending, unusual, express');
export const queryNouns = weighted('packages:40, requests, accounts, deposits');

/** Words in byte order, as the dictionaries of columns have them. */
export function sortedWords(words: readonly string[]): string[] {
  return words.toSorted((a, b) => (a < b ? -1 : 1));
}

/** For each word its place in byte order, one byte each. */
export function sortedRanks(words: readonly string[]): Uint8Array {
  const sorted = sortedWords(words);
  return Uint8Array.from(words, (word) => sorted.indexOf(word));
}
