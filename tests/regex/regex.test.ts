import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/base/random.ts';
import { runDfa } from '../../src/regex/dfa.ts';
import { RegexError } from '../../src/regex/error.ts';
import { matcherFor } from '../../src/regex/matcher.ts';
import { parseRegex } from '../../src/regex/parse.ts';
import { simulate } from '../../src/regex/simulate.ts';
import { randomPattern, randomSubject } from './random-pattern.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** All groups of the first match, as texts; undefined for groups that took no part. */
function groups(pattern: string, text: string): (string | undefined)[] | undefined {
  const count = parseRegex(pattern).groups;
  const places = Array.from({ length: 2 * count + 2 }, (_, i) => i);
  const { nfa, dfa, find } = matcherFor(pattern, { places });
  const bytes = encoder.encode(text);
  const found = find(bytes);
  assert.deepEqual(simulate(nfa, bytes), found, `simulation of /${pattern}/ on ${text}`);
  if (dfa !== undefined) assert.deepEqual(runDfa(dfa, bytes), found);
  const exists = matcherFor(pattern, { exists: true }).find(bytes) !== undefined;
  assert.equal(exists, found !== undefined, `existence of /${pattern}/ in ${text}`);
  if (found === undefined) return undefined;
  const { places: at } = found;
  assert.equal(at[1], found.end);
  return Array.from({ length: count + 1 }, (_, g) =>
    at[2 * g + 1] < 0 ? undefined : decoder.decode(bytes.slice(at[2 * g], at[2 * g + 1])),
  );
}

test('random patterns give what those of JavaScript give', () => {
  const seed = Number(process.env['QUERN_SEED'] ?? 1);
  const random = new Random(seed);
  for (let round = 0; round < 1500; round++) {
    const pattern = randomPattern(random);
    const text = randomSubject(random);
    const expected = new RegExp(pattern, 'u').exec(text);
    const what = `/${pattern}/ on ${JSON.stringify(text)}, round ${round} of seed ${seed}`;
    assert.deepEqual(groups(pattern, text), expected === null ? undefined : [...expected], what);
  }
});

test('whole texts', () => {
  const seed = Number(process.env['QUERN_SEED'] ?? 2);
  const random = new Random(seed);
  for (let round = 0; round < 1000; round++) {
    const pattern = randomPattern(random);
    const text = randomSubject(random);
    const whole = matcherFor(pattern, { whole: true, exists: true });
    const expected = new RegExp(`^(?:${pattern})$`, 'u').test(text);
    assert.equal(whole.find(encoder.encode(text)) !== undefined, expected, `/${pattern}/ ${text}`);
  }
});

test('what RE2 has and JavaScript has not, or has otherwise', () => {
  const cases: [pattern: string, text: string, match: string | undefined][] = [
    ['(?i)straSSe', 'STRASSE', 'STRASSE'],
    ['(?i)k', '\u212a', '\u212a'],
    ['(?i)[^k]', '\u212aK', undefined],
    ['(?i)σ', 'ς', 'ς'],
    ['(?i)ß', 'ẞ', 'ẞ'],
    ['(?i:a)b', 'Ab', 'Ab'],
    ['(?i:a)b', 'AB', undefined],
    ['(?i)a(?-i)b', 'Ab', 'Ab'],
    ['[[:alpha:]]+', '12abcé', 'abc'],
    ['[^[:^digit:]x]+', 'x12é', '12'],
    ['\\pL+', '12abcé4', 'abcé'],
    ['\\PL+', 'é12😀é', '12😀'],
    ['\\p{Greek}+', 'abγδ', 'γδ'],
    ['[\\p{Lu}\\d]+', 'aÄB1b', 'ÄB1'],
    ['\\p{^Lu}', 'Äb', 'b'],
    ['(?s).+', 'a\nb', 'a\nb'],
    ['.+', 'a\nb', 'a'],
    ['^b', 'a\nb', undefined],
    ['(?m)^b$', 'a\nb\nc', 'b'],
    ['a$', 'a\n', undefined],
    ['\\Aa\\z', 'a', 'a'],
    ['\\bé', 'é', undefined],
    ['\\w+\\b', 'abé', 'ab'],
    ['\\B.', 'éa', 'é'],
    ['(?U)a+', 'aaa', 'a'],
    ['(?U)a+?', 'aaa', 'aaa'],
    ['\\Qa.b*\\E+', 'a.b**', 'a.b**'],
    ['\\x{1F600}|\\x41', 'A😀', 'A'],
    ['\\101\\0', 'A\0', 'A\0'],
    ['a{,2}', 'a{,2}', 'a{,2}'],
    ['a{2', 'a{2', 'a{2'],
    ['(?P<x>a)(?<y>b)', 'ab', 'ab'],
    ['[]a]+', ']a', ']a'],
    ['[a-]+', '-a', '-a'],
    ['(a*)+', 'b', ''],
    ['(?:a|b|)*c', 'abc', 'abc'],
    ['\\s', '\v', undefined],
    ['[[:space:]]', '\v', '\v'],
    ['é{2}', 'ééé', 'éé'],
    ['', 'abc', ''],
  ];
  for (const [pattern, text, match] of cases) {
    assert.equal(groups(pattern, text)?.[0], match, `/${pattern}/ on ${JSON.stringify(text)}`);
  }
});

test('errors tell the place', () => {
  const cases: [pattern: string, what: string, offset: number][] = [
    ['a(b', 'missing )', 1],
    ['ab)', 'unexpected )', 2],
    ['a[b', 'missing ]', 1],
    ['[b-a]', 'invalid range b-a', 1],
    ['a**', 'bad repetition operator **', 0],
    ['*a', 'missing argument to repetition operator', 0],
    ['a|+', 'missing argument to repetition operator', 2],
    ['a{1001}', 'invalid repetition size {1001}', 1],
    ['a{3,2}', 'invalid repetition size {3,2}', 1],
    ['(a{100}){100}', 'invalid repetition size {100}', 8],
    ['a\\1', 'invalid escape sequence \\1', 1],
    ['\\é', 'invalid escape sequence \\é', 0],
    ['a\\', 'the pattern ends with a backslash', 1],
    ['[[:foo:]]', 'unknown set of characters [:foo:]', 1],
    ['\\p{Foo}', 'unknown set of characters \\p{Foo}', 0],
    ['(?<n>a)(?<n>b)', 'bad name of a group', 7],
    ['(?=a)', 'bad or unsupported kind of group', 0],
    ['('.repeat(300), 'groups nest too deeply', 200],
    ['(\\pL{500}x){2}', 'it is too large', 0],
  ];
  for (const [pattern, what, offset] of cases) {
    assert.throws(
      () => matcherFor(pattern),
      (error) =>
        error instanceof RegexError &&
        error.message.includes(what) &&
        error.offset === offset &&
        error.code === '2201B',
      `/${pattern}/`,
    );
  }
});

test('an automaton that would be too large is simulated', () => {
  const pattern = '(?:a|b)*a(?:a|b){14}c';
  const { dfa, find } = matcherFor(pattern, { exists: true });
  assert.equal(dfa, undefined);
  const text = 'ab'.repeat(200);
  assert.equal(find(encoder.encode(`${text}bc`)) !== undefined, true);
  assert.equal(find(encoder.encode(`${text}c`)) !== undefined, false);
  assert.equal(find(encoder.encode(text)) !== undefined, false);
});

test('loops write no registers', () => {
  const pattern = '^https?://(?:www\\.)?([^/]+)/.*$';
  const { dfa } = matcherFor(pattern, { places: [0, 1, 2, 3] });
  assert.ok(dfa!.states.length < 25, `${dfa!.states.length} states`);
  const looping = dfa!.states.flatMap(({ next }, i) => next.filter(({ target }) => target === i));
  assert.ok(looping.length > 5);
  for (const { moves } of looping) assert.deepEqual(moves, []);
});
