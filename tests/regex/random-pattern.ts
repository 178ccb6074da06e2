/** Random regular expressions in the syntax that RE2, JavaScript and we have in common. */
import type { Random } from '../../src/base/random.ts';

const atoms = ['a', 'b', 'c', 'é', '😀', '.', '[ab]', '[^a]', '\\d', '\\w', '[b-dé]', '\\n', '-'];
const assertions = ['^', '$', '\\b', '\\B'];
const repetitions = ['*', '+', '?', '{2}', '{0,2}', '{1,}', '*?', '+?', '??', '{1,2}?'];

/**
 * `captures`: whether groups may capture. In JavaScript a new round of a loop forgets the groups
 * within, so loops have none.
 */
export function randomPattern(random: Random, depth = 3, captures = true): string {
  const length = random.int(0, 4);
  let pattern = '';
  for (let i = 0; i < length; i++) {
    const roll = random.int(0, 9);
    if (roll === 0) {
      pattern += random.pick(assertions);
      continue;
    }
    let part = random.pick(atoms);
    const loops = random.chance(0.5);
    if (roll <= 3 && depth > 0) {
      const open = captures && !loops ? random.pick(['(', '(?:']) : '(?:';
      // A loop over what may be empty is not the same in JavaScript.
      part = `${open}${random.pick(['a', 'b', '.'])}${randomPattern(random, depth - 1, captures && !loops)})`;
      if (random.chance(0.4)) part = `(?:${random.pick(['a', 'é'])}|${part})`;
    }
    pattern += loops ? part + random.pick(repetitions) : part;
  }
  return pattern;
}

export function randomSubject(random: Random, length = 12): string {
  const letters = ['a', 'b', 'c', 'd', 'é', '😀', '1', '_', '-', '\n', 'ab'];
  const some = letters.slice(0, random.int(2, letters.length));
  return Array.from({ length: random.int(0, length) }, () => random.pick(some)).join('');
}
