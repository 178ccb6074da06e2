import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPrinter, type TextFormat } from './printer.ts';
import { padText, textWidth } from './width.ts';

const columns = [
  { name: 'id', type: 'INTEGER' },
  { name: 'say "hi", |all|', type: 'VARCHAR' },
  { name: 'price', type: 'DECIMAL(10,2)' },
  { name: 'd', type: 'DOUBLE' },
];

const rows = [
  [1n, 'a|b', '12.50', 1],
  [-20n, 'two\nlines, "quoted"', null, Number.NaN],
  [3n, '', '-0.01', 1e21],
  [4n, null, '9007199254740993.10', 0.1],
];

function print(format: TextFormat, names = columns, values: unknown[][] = rows): string {
  const printer = createPrinter(format);
  return [printer.begin(names), ...values.map((row) => printer.row(row)), printer.end()].join('');
}

test('csv quotes what needs it and tells NULL from the empty text', () => {
  assert.equal(
    print('csv'),
    [
      'id,"say ""hi"", |all|",price,d',
      '1,a|b,12.50,1.0',
      '-20,"two\nlines, ""quoted""",,nan',
      '3,"",-0.01,1e+21',
      '4,,9007199254740993.10,0.1',
      '',
    ].join('\n'),
  );
});

test('json is valid, keeps every digit and gives texts for what JSON has no number for', () => {
  const text = print('json');
  assert.match(text, /"price":9007199254740993\.10,"d":0\.1\}\n\]\n$/);
  const parsed = JSON.parse(text);
  assert.equal(parsed.length, 4);
  assert.deepEqual(parsed[1], {
    id: -20,
    'say "hi", |all|': 'two\nlines, "quoted"',
    price: null,
    d: 'NaN',
  });
  assert.equal(print('json', columns, []), '[]\n');
  assert.deepEqual(
    print('ndjson')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
    parsed,
  );
});

test('nested values, bytes and big integers', () => {
  const names = ['list', 'bytes', 'big', 'flag'].map((name) => ({ name, type: 'X' }));
  const values = [[[1n, 'a', { b: null }], new Uint8Array([0, 255]), 2n ** 70n, true]];
  assert.equal(
    print('ndjson', names, values),
    '{"list":[1,"a",{"b":null}],"bytes":"\\\\x00ff","big":1180591620717411303424,"flag":true}\n',
  );
  assert.equal(
    print('values', names, values),
    '[1,"a",{"b":null}]\t\\\\x00ff\t1180591620717411303424\ttrue\n',
  );
});

test('values are bare, a line a row whatever the texts hold', () => {
  assert.equal(
    print('values'),
    '1\ta|b\t12.50\t1.0\n-20\ttwo\\nlines, "quoted"\t\\N\tnan\n3\t\t-0.01\t1e+21\n4\t\\N\t9007199254740993.10\t0.1\n',
  );
});

test('tables align, numbers to the right', () => {
  const names = [
    { name: 'name', type: 'VARCHAR' },
    { name: 'n', type: 'BIGINT' },
  ];
  const values = [
    ['日本', 5n],
    ['e\u0301', null],
    ['\u001b[31m', 12345n],
  ];
  assert.equal(
    print('table', names, values),
    [
      '┌──────────┬───────┐',
      '│ name     │     n │',
      '├──────────┼───────┤',
      '│ 日本     │     5 │',
      '│ e\u0301        │  NULL │',
      '│ \\x1b[31m │ 12345 │',
      '└──────────┴───────┘',
      '',
    ].join('\n'),
  );
  assert.equal(
    print('markdown', names, [['a|b', 1n]]),
    '| name |   n |\n| ---- | --: |\n| a\\|b |   1 |\n',
  );
});

test('the width of a text on a terminal', () => {
  assert.deepEqual(['abc', 'é', '漢字', '😀', 'ｱ', '한'].map(textWidth), [3, 1, 4, 2, 1, 2]);
  assert.equal(padText('漢', 4, true), '  漢');
});
