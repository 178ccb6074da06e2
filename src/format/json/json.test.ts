import assert from 'node:assert/strict';
import { test } from 'node:test';
import { typeName } from '../../value/type.ts';
import { formatValue } from '../../value/value.ts';
import { rowReader } from '../../value/vector.ts';
import { bytesSource } from '../source.ts';
import { readJson } from './read.ts';
import { writeJson, writeNdjson } from './write.ts';

const encoder = new TextEncoder();

async function show(text: string): Promise<string> {
  const stream = await readJson(bytesSource(encoder.encode(text), 'data.json'));
  const lines = [stream.schema.map(({ name, type }) => `${name} ${typeName(type)}`).join(', ')];
  for await (const batch of stream.batches) {
    const readers = batch.columns.map((column, i) => rowReader(stream.schema[i].type, column));
    for (let row = 0; row < batch.rowCount; row++) {
      const texts = readers.map((read, i) => {
        const value = read(row);
        return value === null ? 'NULL' : formatValue(stream.schema[i].type, value);
      });
      lines.push(texts.join(', '));
    }
  }
  return lines.join(' / ');
}

test('members become columns, with types as their values show', async () => {
  assert.equal(
    await show('{"a":1,"b":"x"}\n{"a":2.5,"c":"2024-01-31"}\n'),
    'a DOUBLE, b VARCHAR, c DATE / 1.0, x, NULL / 2.5, NULL, 2024-01-31',
  );
  assert.equal(
    await show('[{"a":9223372036854775807,"b":true},\n {"b":null,"a":-1}]'),
    'a BIGINT, b BOOLEAN / 9223372036854775807, true / -1, NULL',
  );
  assert.equal(
    await show('{"n":{"x":[1,"}"]},"s":"12","t":"a\\n\\"\\u00e9"}'),
    'n VARCHAR, s VARCHAR, t VARCHAR / {"x":[1,"}"]}, 12, a\n"é',
  );
  assert.equal(await show('[]').catch((error) => error.message), 'data.json has no members');
});

test('mistakes are errors with their line', async () => {
  const fails = (text: string, message: string) =>
    assert.rejects(show(text), { name: 'QuernError', message }, text);
  await fails('{"a":1}\n{"a":x}', 'data.json, line 2: invalid JSON at "x}"');
  await fails('{"a":1}\n{"a":\n01}', 'data.json, line 3: invalid JSON at "01}"');
  await fails('[{"a":1} {"a":2}]', 'data.json, line 1: an object is expected, not "{"a":2}]"');
  await fails('{"a":1', 'data.json, line 1: the text ends too early');
  await fails('[{"a":1}', 'data.json, line 1: the text ends too early');
  await fails('{"a":1,"a":2}', 'data.json, line 1: member "a" occurs twice');
  await fails('hello', 'data.json, line 1: an object is expected, not "hello"');
  await fails('{"a":1,}', 'data.json, line 1: invalid JSON at "}"');
});

test('what is written is what JSON.parse understands', async () => {
  const text = '{"a":1,"b":"x\\u0001\\\\"}\n{"a":null,"b":""}\n';
  for (const write of [writeJson, writeNdjson]) {
    const stream = await readJson(bytesSource(encoder.encode(text)));
    let written = '';
    for await (const chunk of write(stream)) written += new TextDecoder().decode(chunk);
    const parsed =
      write === writeJson
        ? JSON.parse(written)
        : written
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line));
    assert.deepEqual(parsed, [
      { a: 1, b: 'x\u0001\\' },
      { a: null, b: '' },
    ]);
  }
});
