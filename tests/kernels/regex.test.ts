import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/base/random.ts';
import { emitRegexSimulate, regexProgram } from '../../src/compile/kernels/regex-simulate.ts';
import { emitRegexWalk } from '../../src/compile/kernels/regex-walk.ts';
import type { Found } from '../../src/regex/dfa.ts';
import { type Matcher, type MatcherOptions, matcherFor } from '../../src/regex/matcher.ts';
import { simulate } from '../../src/regex/simulate.ts';
import { randomPattern, randomSubject } from '../regex/random-pattern.ts';
import { harness, type Kernel } from './harness.ts';

const textAt = 100_000;
const tableAt = 200_000;
const programAt = 1_000_000;
const scratchAt = 2_000_000;

type Run = (bytes: Uint8Array, from: number) => Found | undefined;

/** A pattern compiled in both ways. */
function compiled(matcher: Matcher): { walk: Run | undefined; simulate: Run } {
  let walkTable: Uint8Array | undefined;
  const { memory, call } = harness((m) => {
    const walk = emitRegexWalk(m, 'walk', matcher);
    walkTable = walk?.table;
    const simulation = emitRegexSimulate(m, matcher.nfa.tags);
    return { walk: walk?.func ?? simulation, simulation };
  }, 64);
  if (walkTable !== undefined) memory.set(walkTable, tableAt);
  memory.set(regexProgram(matcher.nfa), programAt);
  const place = (bytes: Uint8Array): void => {
    // What lies around the text must not matter.
    memory.fill(0x61, textAt - 16, textAt + bytes.length + 16);
    memory.set(bytes, textAt);
  };
  const relative = (address: number): number => (address === -1 ? -1 : address - textAt);
  const run =
    (kernel: Kernel, program: number): Run =>
    (bytes, from) => {
      place(bytes);
      const call = kernel as (...args: number[]) => Iterable<number>;
      const [found, end, ...places] = call(textAt, bytes.length, from, program, scratchAt);
      return found ? { end: relative(end), places: places.map(relative) } : undefined;
    };
  return {
    walk: walkTable && run(call.walk, tableAt),
    simulate: run(call.simulation, programAt),
  };
}

const encoder = new TextEncoder();

function borders(bytes: Uint8Array): number[] {
  return [...bytes.keys(), bytes.length].filter((i) => ((bytes[i] ?? 0) & 0xc0) !== 0x80);
}

function check(pattern: string, options: MatcherOptions, texts: readonly string[], what: string) {
  const matcher = matcherFor(pattern, options);
  const { walk, simulate: simulated } = compiled(matcher);
  for (const text of texts) {
    const bytes = encoder.encode(text);
    for (const from of borders(bytes)) {
      const label = `/${pattern}/ ${JSON.stringify(options)} on ${JSON.stringify(text)} ${from} ${what}`;
      const expected = simulate(matcher.nfa, bytes, from);
      for (const found of [
        simulated(bytes, from),
        walk === undefined ? expected : walk(bytes, from),
      ]) {
        if (options.exists) assert.equal(found !== undefined, expected !== undefined, label);
        else assert.deepEqual(found, expected, label);
      }
      assert.equal(matcher.find(bytes, from) !== undefined, expected !== undefined, label);
    }
  }
}

test('random patterns: compiled code gives what the plain simulation gives', () => {
  const seed = Number(process.env['QUERN_SEED'] ?? 1);
  const random = new Random(seed);
  for (let round = 0; round < 300; round++) {
    const flags = random.chance(0.3) ? random.pick(['(?i)', '(?s)', '(?m)', '(?ims)']) : '';
    const pattern = flags + randomPattern(random);
    const texts = Array.from({ length: 6 }, () => randomSubject(random, random.pick([12, 60])));
    const options = random.pick<MatcherOptions>([
      { exists: true },
      { exists: true, whole: true },
      { places: [0, 1] },
      { places: [0, 2, 3] },
      { whole: true, places: [2, 3] },
    ]);
    check(pattern, options, texts, `round ${round} of seed ${seed}`);
  }
});

test('patterns whose beginning or a part can be searched for', () => {
  const filler = 'the quick brown fox jumps over the lazy dog, é and ü. ';
  const texts = ['', 'foo', 'xfoo bar', `${filler}foo1 ${filler}foo2bar`, `${filler}fofoo-bar`];
  texts.push(
    `${filler}FOO\nbar${filler}`,
    `foof foof foo`,
    `${filler}12foobar34`,
    filler.repeat(3),
  );
  const patterns = ['foo', 'foo.*bar', '(?i)foo', '\\d+foobar', '[a-z]+ foo\\d', 'foo\\b', 'foo$'];
  patterns.push('(foo)(\\d)?', 'fo+', '\\bfoo', '(?m)^bar', 'quick|lazy', '[^a-z ,.]+', '.*', 'é');
  for (const pattern of patterns) {
    check(pattern, { exists: true }, texts, '');
    check(pattern, { places: [0, 1] }, texts, '');
  }
});

test('an automaton that would be too large is only simulated', () => {
  const pattern = '(?:a|b)*a(?:a|b){14}c';
  const matcher = matcherFor(pattern, { places: [0, 1] });
  assert.equal(compiled(matcher).walk, undefined);
  check(pattern, { places: [0, 1] }, ['ab'.repeat(20), `${'ab'.repeat(20)}bc`], '');
});
