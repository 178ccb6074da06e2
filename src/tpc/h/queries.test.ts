import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { makeQueries } from './queries.ts';
import { queryOrder } from './query-order.ts';

/** The log that qgen -l writes. */
function parameterLog(scale: number, seed: number): string {
  const lines = makeQueries({ scale, seed }).map(({ number, parameters }) => {
    return `${[number, ...parameters].join('\t')}\n`;
  });
  return lines.join('');
}

/** The seeds of the reference runs of qgen: 101000000, then multiples of 8204031. */
function referenceLogs(scale: number): string {
  let logs = parameterLog(scale, 101_000_000);
  for (let run = 1; run < 149; run++) logs += parameterLog(scale, run * 8_204_031);
  return logs + parameterLog(scale, 1_231_235_959);
}

test('substitution parameters are those of the reference runs of qgen', () => {
  const digest = (scale: number) => createHash('md5').update(referenceLogs(scale)).digest('hex');
  assert.deepEqual([1, 300, 30_000].map(digest), [
    '72d4ce44382e262bf9633167ae3de32a',
    'd91fd8696cf2432aea726e28dbb1f9a7',
    'b095b7cbb8d21865a11f34cc36478c9b',
  ]);
});

test('without a seed the parameters are those of the qualification run', () => {
  const queries = makeQueries();
  assert.deepEqual(queries[1]!.parameters, ['15', 'BRASS', 'EUROPE']);
  assert.equal(queries[10]!.parameters[1], '0.0001000000');
  assert.deepEqual(makeQueries({ scale: 100 })[10]!.parameters, ['GERMANY', '0.0000010000']);
});

test('every parameter is put where it belongs', () => {
  for (const { number, parameters, sql } of makeQueries({ seed: 42 })) {
    assert.ok(!/:\d/.test(sql), `query ${number} has no placeholder left`);
    for (const parameter of parameters) assert.ok(sql.includes(parameter.trim()), sql);
  }
  assert.match(makeQueries({ seed: 1 })[5]!.sql, /between 0\.0\d - 0\.01 and 0\.0\d \+ 0\.01/);
});

test('a stream orders the queries, each of the 41 orders in another way', () => {
  const numbers = makeQueries({ stream: 0 }).map(({ number }) => number);
  const power = [14, 2, 9, 20, 6, 17, 18, 8, 21, 13, 3, 22, 16, 4, 11, 15, 1, 10, 19, 5, 7, 12];
  assert.deepEqual(numbers, power);
  assert.deepEqual(queryOrder(41), power);
  const orders = Array.from({ length: 41 }, (_, stream) => queryOrder(stream));
  assert.equal(new Set(orders.map(String)).size, 41);
  for (const order of orders) {
    assert.deepEqual(
      order.toSorted((a, b) => a - b),
      Array.from({ length: 22 }, (_, index) => index + 1),
    );
  }
});

test('nonsense is refused', () => {
  const bad = [{ seed: 0 }, { seed: 2 ** 31 - 1 }, { seed: 1.5 }, { stream: -1 }, { scale: 0 }];
  for (const options of bad) assert.throws(() => makeQueries(options), { name: 'QuernError' });
});
