import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rewrapComments } from './rewrap.ts';

const words = Array.from({ length: 22 }, (_, i) => `word${i}`).join(' ');

test('long comment lines are broken, their words kept in order', () => {
  for (const text of [
    `/** ${words} */\nconst a = 1;`,
    `  // ${words}\n  f();`,
    `/**\n * ${words}\n * and more of it, up to the end of the paragraph, ${words}\n */`,
  ]) {
    const wrapped = rewrapComments(text);
    assert.ok(
      wrapped.split('\n').every((line) => line.length <= 100),
      wrapped,
    );
    const bare = (source: string) => source.replaceAll(/\/\*\*|\*\/|\*|\/\/|\s+/g, ' ').split(/ +/);
    assert.deepEqual(bare(wrapped), bare(text));
    assert.equal(rewrapComments(wrapped), wrapped);
  }
});

test('lists, tables, code and what fits are left alone', () => {
  const kept = [`const a = '${words}';`, `/** short */`, ` * | ${words} |`].join('\n');
  assert.equal(rewrapComments(kept), kept);
  const list = rewrapComments(` * ${words}\n * - item`).split('\n');
  assert.equal(list.at(-1), ' * - item');
});
