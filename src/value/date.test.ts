import assert from 'node:assert/strict';
import { test } from 'node:test';
import { civilFromDays, dateMax, dateMin, daysFromCivil, formatDate, parseDate } from './date.ts';

test('every day of the range converts as the calendar of JavaScript says', () => {
  for (let days = dateMin; days <= dateMax; days += 61) {
    const date = new Date(days * 86_400_000);
    const { year, month, day } = civilFromDays(days);
    const expected = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
    assert.deepEqual([year, month, day], expected);
    assert.equal(daysFromCivil(year, month, day), days);
    assert.equal(parseDate(formatDate(days)), days);
  }
  assert.equal(formatDate(dateMin), '0001-01-01');
  assert.equal(formatDate(dateMax), '9999-12-31');
});

test('dates that do not exist are errors, with the right code', () => {
  const code = (text: string) => {
    try {
      return parseDate(text);
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  assert.equal(code('1998-02-29'), '22008');
  assert.equal(code('1996-02-29'), 9555);
  assert.equal(code('1900-02-29'), '22008');
  assert.equal(code('10000-01-01'), '22008');
  assert.equal(code('0000-12-31'), '22008');
  assert.equal(code('1998-13-01'), '22008');
  assert.equal(code('1998-12-32'), '22008');
  assert.equal(code('1998-12/01'), '22007');
  assert.equal(code('1998-12-01x'), '22007');
  assert.equal(code(''), '22007');
});
