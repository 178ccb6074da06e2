import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../base/random.ts';
import {
  decimalToDouble,
  divideRounded,
  formatDecimal,
  parseDecimal,
  rescaleDecimal,
} from './decimal.ts';

test('text and value round-trip at every precision and scale', () => {
  const random = new Random(11);
  for (let i = 0; i < 5000; i++) {
    const precision = random.int(1, 38);
    const scale = random.int(0, precision);
    const magnitude = ((random.u64() << 64n) | random.u64()) % 10n ** BigInt(precision);
    const value = random.chance(0.5) ? magnitude : -magnitude;
    const text = formatDecimal(value, scale);
    assert.equal(parseDecimal(text, precision, scale), value, text);
    assert.equal(decimalToDouble(value, scale), Number(text));
  }
});

test('digits beyond the scale round half away from zero', () => {
  assert.equal(parseDecimal('0.005', 5, 2), 1n);
  assert.equal(parseDecimal('-0.005', 5, 2), -1n);
  assert.equal(parseDecimal('0.0049999', 5, 2), 0n);
  assert.equal(parseDecimal('-1.995', 5, 2), -200n);
  assert.equal(parseDecimal('5e-1', 5, 0), 1n);
  assert.equal(parseDecimal('.5', 5, 0), 1n);
  assert.equal(parseDecimal('5.', 5, 1), 50n);
  assert.equal(parseDecimal('1e-9999', 5, 1), 0n);
  assert.equal(parseDecimal('12.5e2', 5, 1), 12500n);
  assert.equal(divideRounded(-5n, 2n), -3n);
  assert.equal(divideRounded(5n, 3n), 2n);
  assert.equal(rescaleDecimal(-15n, 1, 0), -2n);
  assert.equal(rescaleDecimal(15n, 1, 3), 1500n);
});

test('what does not fit or is no number is an error', () => {
  const fails = (text: string, code: string) =>
    assert.throws(() => parseDecimal(text, 5, 2), { name: 'QuernError', code }, text);
  fails('1000', '22003');
  fails('999.995', '22003');
  fails('1e9999', '22003');
  for (const text of ['', '.', '-', '1,5', '1..2', '0x10', 'abc', '1e']) fails(text, '22P02');
  assert.equal(parseDecimal('-999.994', 5, 2), -99999n);
  assert.equal(parseDecimal('0e9999', 5, 2), 0n);
});
