import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../base/random.ts';
import { timestampMax, timestampMin } from './time.ts';
import * as types from './type.ts';
import { formatValue, parseValue, uuidFromHugeint, uuidToHugeint, type Value } from './value.ts';

function roundTrips(type: types.SqlType, value: Value, text: string): void {
  assert.equal(formatValue(type, value), text);
  assert.deepEqual(parseValue(type, text), value);
}

test('the text form of each type', () => {
  roundTrips(types.booleanType, true, 'true');
  roundTrips(types.tinyintType, -128, '-128');
  roundTrips(types.hugeintType, -(2n ** 127n), '-170141183460469231731687303715884105728');
  roundTrips(types.doubleType, 1, '1.0');
  roundTrips(types.doubleType, 1e300, '1e+300');
  roundTrips(types.doubleType, -0, '-0.0');
  roundTrips(types.doubleType, Number.NaN, 'nan');
  roundTrips(types.realType, Math.fround(0.1), '0.1');
  roundTrips(types.realType, -Infinity, '-inf');
  roundTrips(types.decimalType(38, 2), -1n, '-0.01');
  roundTrips(types.timeType, 86_399_000_001n, '23:59:59.000001');
  roundTrips(types.timestampType, -1n, '1969-12-31 23:59:59.999999');
  roundTrips(types.timestampType, timestampMin, '0001-01-01 00:00:00');
  roundTrips(types.timestamptzType, timestampMax, '9999-12-31 23:59:59.999999+00');
  roundTrips(types.blobType, Uint8Array.of(0, 255), '\\x00ff');
  roundTrips(
    types.uuidType,
    '0000000a-ffff-0000-0000-00000000000f',
    '0000000a-ffff-0000-0000-00000000000f',
  );
});

test('real numbers round-trip through their shortest text', () => {
  const random = new Random(5);
  const bits = new Uint32Array(1);
  const floats = new Float32Array(bits.buffer);
  for (let i = 0; i < 20000; i++) {
    bits[0] = random.u32();
    if (!Number.isFinite(floats[0])) continue;
    assert.ok(
      Object.is(parseValue(types.realType, formatValue(types.realType, floats[0])), floats[0]),
    );
  }
});

test('timestamps take offsets and separators, and refuse nonsense', () => {
  const parse = (text: string) =>
    formatValue(types.timestampType, parseValue(types.timestampType, text));
  assert.equal(parse('1998-09-02'), '1998-09-02 00:00:00');
  assert.equal(parse('1998-09-02T17:30'), '1998-09-02 17:30:00');
  assert.equal(parse('1998-09-02 17:30:00.1234567Z'), '1998-09-02 17:30:00.123457');
  assert.equal(parse('1998-09-02 00:30:00+02'), '1998-09-01 22:30:00');
  assert.equal(parse('1998-09-02 00:30:00-0330'), '1998-09-02 04:00:00');
  assert.equal(parse('1998-09-02 24:00'), '1998-09-03 00:00:00');
  assert.throws(() => parse('1998-09-02 24:01'), { code: '22008' });
  assert.throws(() => parse('1998-09-02 12:60'), { code: '22008' });
  assert.throws(() => parse('0001-01-01 00:00+01'), { code: '22008' });
  assert.throws(() => parse('1998-09-02 1'), { code: '22007' });
});

test('intervals', () => {
  const parse = (text: string) =>
    formatValue(types.intervalType, parseValue(types.intervalType, text));
  assert.equal(parse('14 months'), '1 year 2 months');
  assert.equal(parse('1 year 2 mons -3 days 04:05:06.7'), '1 year 2 months -3 days 04:05:06.7');
  assert.equal(parse('-1 month'), '-1 month');
  assert.equal(parse('90 minutes ago'), '-01:30:00');
  assert.equal(parse('1.5 months'), '1 month 15 days');
  assert.equal(parse('0.5 day'), '12:00:00');
  assert.equal(parse('100:00:00'), '100:00:00');
  assert.equal(parse('3 weeks'), '21 days');
  assert.equal(parse('0 days'), '00:00:00');
  assert.equal(parse('2562047788:00:54.775807'), '2562047788:00:54.775807');
  for (const text of ['', '3', 'days', '3 apples', '1 year,', '00:61']) {
    assert.throws(() => parse(text), { code: '22P02' }, text);
  }
  assert.throws(() => parse('999999999 years'), { code: '22008' });
});

test('bad text names the type and shows the text', () => {
  assert.throws(() => parseValue(types.integerType, '12x'), {
    code: '22P02',
    message: 'invalid input syntax for type INTEGER: "12x"',
  });
  assert.throws(() => parseValue(types.integerType, '2147483648'), { code: '22003' });
  assert.throws(() => parseValue(types.doubleType, '1e999'), { code: '22003' });
  assert.throws(() => parseValue(types.booleanType, 'maybe'), { code: '22P02' });
  assert.throws(() => parseValue(types.blobType, '\\x0'), { code: '22P02' });
  assert.throws(() => parseValue(types.uuidType, '12'), { code: '22P02' });
});

test('UUIDs order as integers as they do as text', () => {
  const random = new Random(3);
  const hex = () => random.u32().toString(16).padStart(8, '0');
  const uuid = () => parseValue(types.uuidType, hex() + hex() + hex() + hex()) as string;
  for (let i = 0; i < 1000; i++) {
    const [a, b] = [uuid(), uuid()];
    assert.equal(uuidToHugeint(a) < uuidToHugeint(b), a < b);
    assert.equal(uuidFromHugeint(uuidToHugeint(a)), a);
  }
});
