import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/base/random.ts';
import { caseTable, emitChangeCase } from '../../src/compile/kernels/string-case.ts';
import {
  emitCharacterCount,
  emitCharacterOffset,
  emitStringCopy,
  emitSubstring,
  emitTrim,
} from '../../src/compile/kernels/string-text.ts';
import { strictFunctions } from '../../src/plan/functions/index.ts';
import { varcharType } from '../../src/value/type.ts';
import { harness, write } from './harness.ts';

const upperTable = 900_000;
const lowerTable = upperTable + caseTable('upper').length;

const { memory, call } = harness((m) => ({
  count: emitCharacterCount(m),
  offset: emitCharacterOffset(m),
  substring: emitSubstring(m),
  both: emitTrim(m, 'both'),
  leading: emitTrim(m, 'leading'),
  trailing: emitTrim(m, 'trailing'),
  copy: emitStringCopy(m),
  upper: emitChangeCase(m, 'upper'),
  lower: emitChangeCase(m, 'lower'),
}));

memory.set(caseTable('upper'), upperTable);
memory.set(caseTable('lower'), lowerTable);

/** What the function means, as it is folded. */
function plainly(name: string, ...values: (string | bigint)[]): unknown {
  return strictFunctions.get(name)!(values, varcharType, []);
}

const decoder = new TextDecoder('utf-8', { fatal: true });
const read = (address: number, length: number) =>
  decoder.decode(memory.subarray(address, address + length));

function place(text: string): [number, number] {
  const length = write(memory, 1003, text);
  memory.fill(0x20, 1003 + length, 1003 + length + 16);
  return [1003, length];
}

function randomTexts(seed: number, count: number): string[] {
  const random = new Random(seed);
  const alphabet = [
    'a',
    'Z',
    ' ',
    'ä',
    'Ö',
    '€',
    '😀',
    'я',
    'ſ',
    'ß',
    'Ⱥ',
    'ⱥ',
    '@',
    '[',
    '`',
    '{',
  ];
  return Array.from({ length: count }, () => {
    const letters = random.chance(0.4) ? ['a', 'b', 'Y', ' '] : alphabet;
    const length = random.int(0, random.pick([4, 20, 60]));
    return Array.from({ length }, () => random.pick(letters)).join('');
  });
}

test('characters are counted and found', () => {
  for (const text of randomTexts(1, 500)) {
    const characters = [...text];
    const args = place(text);
    assert.equal(call.count(...args), characters.length, text);
    for (let n = 0; n <= characters.length + 1; n++) {
      const before = Buffer.byteLength(characters.slice(0, n).join(''));
      assert.equal(call.offset(...args, n), before, `character ${n} of '${text}'`);
    }
  }
});

test('substring counts characters from 1 and cuts off what lies outside', () => {
  const random = new Random(2);
  const edges = [-0x40000000, -2, 0, 1, 2, 0x40000000];
  for (const text of randomTexts(3, 300)) {
    for (let round = 0; round < 8; round++) {
      const start = random.chance(0.3) ? random.pick(edges) : random.int(-5, 30);
      const count = random.chance(0.3) ? random.pick(edges.slice(1)) : random.int(-1, 30);
      const wanted = plainly('substring', text, BigInt(start), BigInt(count));
      const [address, length] = call.substring(...place(text), start, count) as [number, number];
      const what = `substring('${text}' from ${start} for ${count})`;
      assert.equal(read(address, length), wanted, what);
    }
  }
});

test('trim takes spaces, and only those', () => {
  const texts = [...randomTexts(4, 200), '', ' ', '    ', '\ta\n ', '  a  b  '];
  for (const text of texts) {
    const trimmed = (['both', 'leading', 'trailing'] as const).map((side) =>
      read(...(call[side](...place(text)) as [number, number])),
    );
    const leading = text.replace(/^ +/, '');
    assert.deepEqual(trimmed, [leading.replace(/ +$/, ''), leading, text.replace(/ +$/, '')]);
  }
});

test('copies are whole', () => {
  for (const text of randomTexts(5, 100)) {
    const [address, length] = place(text);
    call.copy(2001, address, length);
    assert.equal(read(2001, length), text);
  }
});

test('every character of Unicode and random strings change their case', () => {
  const everything: string[] = [];
  for (let code = 0; code < 0x20000; code += 50) {
    const codes = Array.from({ length: 50 }, (_, i) => code + i);
    const valid = codes.filter((code) => code < 0xd800 || code > 0xdfff);
    everything.push(String.fromCodePoint(...valid));
  }
  for (const text of [...everything, ...randomTexts(6, 500)]) {
    for (const which of ['upper', 'lower'] as const) {
      const args = place(text);
      const room = args[1] * 1.5;
      const table = which === 'upper' ? upperTable : lowerTable;
      const length = call[which](...args, 4000, table) - 4000;
      assert.equal(read(4000, length), plainly(which, text));
      assert.ok(length <= room, 'the length stays within 3/2');
    }
  }
});
