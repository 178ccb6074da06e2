import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/base/random.ts';
import { emitLike, emitLikeColumn, type LikeOptions } from '../../src/compile/kernels/like.ts';
import { emitDynamicLike } from '../../src/compile/kernels/like-dynamic.ts';
import { harness, type Kernel, write } from './harness.ts';

/** What LIKE means, by trying everything. */
function matches(text: string, pattern: string, escapeCharacter: string | undefined): boolean {
  const t = [...text];
  const p = [...pattern];
  const known = new Map<number, boolean>();
  const at = (i: number, j: number): boolean => {
    const key = i * (p.length + 1) + j;
    let answer = known.get(key);
    if (answer === undefined) known.set(key, (answer = step(i, j)));
    return answer;
  };
  const step = (i: number, j: number): boolean => {
    if (j === p.length) return i === t.length;
    if (p[j] === escapeCharacter) return t[i] === p[j + 1] && at(i + 1, j + 2);
    if (p[j] === '%') return at(i, j + 1) || (i < t.length && at(i + 1, j));
    return i < t.length && (p[j] === '_' || p[j] === t[i]) && at(i + 1, j + 1);
  };
  return at(0, 0);
}

const patternAt = 500_000;

/** Every way of matching one pattern, as functions of the string. */
function matchers(pattern: string, options: LikeOptions = {}) {
  const { memory, call } = harness((m) => ({
    like: emitLike(m, pattern, options),
    column: emitLikeColumn(m, pattern, options),
    dynamic: emitDynamicLike(m),
  }));
  const patternLength = write(memory, patternAt, pattern);
  const escapeCharacter = options.escape;
  const code = escapeCharacter === undefined ? -1 : escapeCharacter.charCodeAt(0);
  return {
    one(text: string): boolean {
      const length = write(memory, 1000, text);
      // What lies behind the string must not matter.
      memory.fill(pattern.charCodeAt(pattern.length - 1), 1000 + length, 1000 + length + 16);
      return (call.like as Kernel as (a: number, b: number) => number)(1000, length) === 1;
    },
    dynamic(text: string): boolean {
      const length = write(memory, 1000, text);
      const answer: number = call.dynamic(1000, length, patternAt, patternLength, code);
      assert.ok(answer === 0 || answer === 1);
      return answer === 1;
    },
    column(texts: readonly string[]): boolean[] {
      const offsets = new Uint32Array(memory.buffer, 200_000, texts.length + 1);
      const heap = 1000;
      // The first string need not begin where the heap does.
      let offset = 7;
      texts.forEach((text, i) => {
        offsets[i] = offset;
        offset += write(memory, heap + offset, text);
      });
      offsets[texts.length] = offset;
      memory.fill(0xff, 300_000, 300_000 + texts.length + 1);
      call.column(200_000, heap, texts.length, 300_000);
      assert.equal(memory[300_000 + texts.length], 0xff, 'nothing is written behind the answers');
      return [...memory.subarray(300_000, 300_000 + texts.length)].map((byte) => byte === 1);
    },
  };
}

test('patterns of every shape', () => {
  const texts = [
    '',
    'a',
    'abc',
    'special requests',
    'requests special',
    'xspecialyrequestsz',
    'äöü',
  ];
  texts.push(
    '50% off',
    'a_b',
    'a\\b',
    'aab',
    'aaab',
    'specialrequests',
    'the specialspecial requests',
  );
  const patterns = ['', '%', '%%', '_', '__', '%_', '_%', 'abc', 'a%', '%c', 'a%c', '%b%', 'a_c'];
  patterns.push(
    '%special%requests%',
    '%special_requests',
    '___',
    '\\%',
    '%\\%%',
    'a\\_b',
    'a\\\\b',
  );
  patterns.push('%aab', '_%_', '%a_b%', '%ö%', '_ö_', '%ö_', '%special%special%', 'a%b%c%d');
  for (const pattern of patterns) {
    const like = matchers(pattern, { escape: '\\' });
    const expected = texts.map((text) => matches(text, pattern, '\\'));
    assert.deepEqual(texts.map(like.one), expected, `like '${pattern}'`);
    assert.deepEqual(texts.map(like.dynamic), expected, `dynamic like '${pattern}'`);
    assert.deepEqual(like.column(texts), expected, `column like '${pattern}'`);
  }
});

test('random patterns and strings', () => {
  const seed = Number(process.env['QUERN_SEED'] ?? 1);
  const random = new Random(seed);
  const alphabet = ['a', 'b', 'ab', 'ä', '€', '😀', ' ', '%', '_'];
  for (let round = 0; round < 250; round++) {
    const letters = alphabet.slice(0, random.int(1, alphabet.length));
    const some = (most: number, from: readonly string[]) =>
      Array.from({ length: random.int(0, most) }, () => random.pick(from)).join('');
    const options: LikeOptions = random.chance(0.5) ? { escape: '\\' } : {};
    const escapeCharacter = options.escape;
    const wild = [...letters, '%', '_', '%'];
    if (escapeCharacter !== undefined) wild.push('\\%', '\\_', '\\a');
    const pattern = some(9, wild);
    const texts = Array.from({ length: 40 }, () => some(random.chance(0.1) ? 80 : 12, letters));
    const like = matchers(pattern, options);
    const expected = texts.map((text) => matches(text, pattern, escapeCharacter));
    const what = `like '${pattern}', round ${round} of seed ${seed}, of ${JSON.stringify(texts)}`;
    assert.deepEqual(texts.map(like.one), expected, what);
    assert.deepEqual(texts.map(like.dynamic), expected, `dynamic ${what}`);
    assert.deepEqual(like.column(texts), expected, `column ${what}`);
  }
});

test('letters match in either case when they should', () => {
  const like = matchers('%Sp_Cial@[%', { foldCase: true });
  assert.deepEqual(
    ['SPECIAL@[', 'x special@[ ', 'special`[', 'special@{', 'spcial@['].map(like.one),
    [true, true, false, false, false],
  );
  // Words that only differ in the bit that tells cases apart are not equal otherwise.
  const exact = matchers('%special%');
  assert.deepEqual(['special', 'SPECIAL', 'Special'].map(exact.one), [true, false, false]);
});

test('letters match in any case as Unicode folds them, in random strings', () => {
  const seed = Number(process.env['QUERN_SEED'] ?? 2);
  const random = new Random(seed);
  const alphabet = ['k', 'K', '\u212a', 's', 'S', 'ſ', 'å', 'Å', '\u212b', 'σ', 'ς', 'Σ', 'ß', 'ẞ'];
  alphabet.push(
    'a',
    'A',
    '@',
    '`',
    'ä',
    'Ä',
    'ⱥ',
    'Ⱥ',
    'я',
    'Я',
    'İ',
    'ı',
    'i',
    'I',
    '€',
    '𐐀',
    '𐐨',
  );
  for (let round = 0; round < 150; round++) {
    const letters = Array.from({ length: random.int(1, 5) }, () => random.pick(alphabet));
    const some = (most: number, from: readonly string[]) =>
      Array.from({ length: random.int(0, most) }, () => random.pick(from)).join('');
    const same = (a: string, b: string) => new RegExp(`^${a}$`, 'iu').test(b);
    const folded = alphabet.filter((a) => letters.some((b) => same(a, b)));
    const pattern = some(5, [...letters, '%', '_', '%']);
    const source = pattern.replaceAll('%', '.*').replaceAll('_', '.');
    const expression = new RegExp(`^${source}$`, 'sui');
    const texts = Array.from({ length: 40 }, () => some(8, random.chance(0.5) ? folded : alphabet));
    const expected = texts.map((text) => expression.test(text));
    const like = matchers(pattern, { foldCase: true });
    const what = `ilike '${pattern}', round ${round} of seed ${seed}, of ${JSON.stringify(texts)}`;
    assert.deepEqual(texts.map(like.one), expected, what);
    assert.deepEqual(like.column(texts), expected, `column ${what}`);
  }
});

test('a pattern must not end with its escape character', () => {
  const error = { name: 'QuernError', code: '22025' };
  assert.throws(() => matchers('abc\\', { escape: '\\' }), error);
  const { memory, call } = harness((m) => ({ dynamic: emitDynamicLike(m) }));
  const length = write(memory, 1000, 'abc');
  const patternLength = write(memory, 2000, 'abc\\');
  assert.equal(call.dynamic(1000, length, 2000, patternLength, '\\'.charCodeAt(0)), -1);
});
