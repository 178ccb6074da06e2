import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QuernError } from '../../base/error.ts';
import { Random } from '../../base/random.ts';
import type { BatchStream } from '../../value/batch.ts';
import * as types from '../../value/type.ts';
import { formatValue, parseValue } from '../../value/value.ts';
import { rowReader } from '../../value/vector.ts';
import { bytesRandomSource, bytesSource } from '../source.ts';
import { CsvParser, compileCsv } from './parser.ts';
import { tblDialect } from './plan.ts';
import { csvRanges, parseCsvRange } from './ranges.ts';
import { readCsv } from './read.ts';
import { type CsvReadOptions, sniffCsv } from './sniff.ts';

const encoder = new TextEncoder();

function open(text: string, options: CsvReadOptions = {}) {
  return readCsv(bytesSource(encoder.encode(text), 'shop.csv'), options);
}

async function texts(stream: BatchStream): Promise<(string | null)[][]> {
  const rows: (string | null)[][] = [];
  for await (const batch of stream.batches) {
    const readers = batch.columns.map((column, i) => rowReader(stream.schema[i].type, column));
    for (let row = 0; row < batch.rowCount; row++) {
      rows.push(
        readers.map((read, i) => {
          const value = read(row);
          return value === null ? null : formatValue(stream.schema[i].type, value);
        }),
      );
    }
  }
  return rows;
}

/** `name TYPE, …` and then the rows, as one text. */
async function show(text: string, options: CsvReadOptions = {}): Promise<string> {
  const stream = await open(text, options);
  const head = stream.schema.map((field) => `${field.name} ${types.typeName(field.type)}`);
  const rows = (await texts(stream)).map((row) => row.map((t) => t ?? 'NULL').join(','));
  return [head.join(', '), ...rows].join(' / ');
}

// The expectations are what DuckDB 1.5 finds in the same files.
test('dialect, header and types are found as DuckDB finds them', async () => {
  const cases: [text: string, expected: string][] = [
    ['a,b\n1,x\n2,y\n', 'a BIGINT, b VARCHAR / 1,x / 2,y'],
    ['name,city\nbob,rome\nann,paris\n', 'name VARCHAR, city VARCHAR / bob,rome / ann,paris'],
    ['1,2\n3,4\n', 'column0 BIGINT, column1 BIGINT / 1,2 / 3,4'],
    ['bob\nann\n', 'bob VARCHAR / ann'],
    ['a,b\n,1\n,2\n', 'a VARCHAR, b BIGINT / NULL,1 / NULL,2'],
    ['a\n1.50\n2.25\n', 'a DOUBLE / 1.5 / 2.25'],
    [
      'd,t,s,z\n1998-01-02,10:20:30,1998-01-02 10:20:30,1998-01-02 10:20:30+02\n',
      'd DATE, t TIME, s TIMESTAMP, z TIMESTAMP WITH TIME ZONE / 1998-01-02,10:20:30,1998-01-02 10:20:30,1998-01-02 08:20:30+00',
    ],
    ['a,a\n1,2\n', 'a BIGINT, a_1 BIGINT / 1,2'],
    ['a,,c\n1,2,3\n', 'a BIGINT, column1 BIGINT, c BIGINT / 1,2,3'],
    ['b\ntrue\nfalse\n', 'b BOOLEAN / true / false'],
    ['b\nt\nF\n', 'b BOOLEAN / true / false'],
    ['x\n99999999999999999999\n', 'x DOUBLE / 1e+20'],
    ['a;b\n1;2\n', 'a BIGINT, b BIGINT / 1,2'],
    ['a\tb\n1\t2\n', 'a BIGINT, b BIGINT / 1,2'],
    ['z\n007\n', 'z VARCHAR / 007'],
    ['a,b\n1,2\n\n3,4\n', 'a BIGINT, b BIGINT / 1,2 / 3,4'],
    ['a,b\n5" pipe,2\n', 'a VARCHAR, b BIGINT / 5" pipe,2'],
    ['a\n1\n2.5\n', 'a DOUBLE / 1.0 / 2.5'],
    ['a\n1e5\n', 'a DOUBLE / 100000.0'],
    ['hello\n', 'hello VARCHAR'],
    ['a,b\n', 'a VARCHAR, b VARCHAR'],
    ['a,b\n 1, 2\n', 'a BIGINT, b BIGINT / 1,2'],
    ['a,b\n"1","x"\n', 'a BIGINT, b VARCHAR / 1,x'],
    ['a\n+5\n', 'a VARCHAR / +5'],
    ['\ufeffa,b\r\n1,"x\r\ny"\r\n2,\r\n', 'a BIGINT, b VARCHAR / 1,x\r\ny / 2,NULL'],
    ['a,b\n1,2', 'a BIGINT, b BIGINT / 1,2'],
  ];
  for (const [text, expected] of cases) assert.equal(await show(text), expected, text);
  // Here we differ: what ends every record is no column, and a quoted empty text is no NULL.
  assert.equal(await show('1|x|\n2|y|\n'), 'column0 BIGINT, column1 VARCHAR / 1,x / 2,y');
  assert.equal(await show('a,b\n"",1\n'), 'a VARCHAR, b BIGINT / ,1');
});

test('types and columns can be chosen', async () => {
  const options = { types: { b: types.decimalType(5, 2) }, columns: ['b', 'c'] };
  assert.equal(
    await show('a,b,c\n"1,\n",2.345,x\n', options),
    'b DECIMAL(5,2), c VARCHAR / 2.35,x',
  );
  await assert.rejects(open('a,b\n1,2\n', { columns: ['x'] }), {
    code: '42703',
    hint: 'Its columns are a, b.',
  });
  await assert.rejects(open('a', { delimiter: '||' }), { code: '22023' });
  await assert.rejects(open('a', { delimiter: '"', quote: '"' }), { code: '22023' });
});

test('errors name file, line and column', async () => {
  const schema = [
    { name: 'id', type: types.integerType, nullable: true },
    { name: 'day', type: types.dateType, nullable: true },
    { name: 'note', type: types.varcharType, nullable: true },
  ];
  const fails = async (text: string, code: string, message: string) =>
    assert.rejects(async () => texts(await open(text, { schema, header: true })), {
      name: 'QuernError',
      code,
      message: `shop.csv, ${message}`,
    });
  const head = 'id,day,note\n1,2024-01-31,"two\nlines"\n\n';
  await fails(
    `${head}x,,\n`,
    '22P02',
    'line 5, column "id": invalid input syntax for type INTEGER: "x"',
  );
  await fails(
    `${head}2147483648,,\n`,
    '22003',
    'line 5, column "id": value 2147483648 is out of range for type INTEGER',
  );
  await fails(
    `${head}1,2023-02-29,\n`,
    '22008',
    'line 5, column "day": date/time field value out of range: "2023-02-29"',
  );
  await fails(`${head}1,\n`, '22P04', 'line 5, column "day": expected 3 fields, found 2');
  await fails(`${head}1,,a,b\n`, '22P04', 'line 5, column "note": expected 3 fields, found more');
  await fails(
    `${head}1,,"a"b\n`,
    '22P04',
    'line 5, column "note": text between a closing quote and the delimiter',
  );
  await assert.rejects(async () => texts(await open(`${head}1,,"a\n`, { schema, header: true })), {
    code: '22P04',
    message: 'shop.csv, line 5: a quote is opened and never closed',
  });
  const bytes = Uint8Array.of(...encoder.encode('a,b\n1,x\n2,'), 0xc3, 10);
  await assert.rejects(async () => texts(await readCsv(bytesSource(bytes, 'shop.csv'))), {
    code: '22021',
    message: 'shop.csv, line 3, column "b": invalid UTF-8 in a value of type VARCHAR',
  });
});

test('numbers, dates and times are exact wherever the fast path ends', async () => {
  const random = new Random(21);
  const digits = (count: number) => Array.from({ length: count }, () => random.int(0, 9)).join('');
  const number = () => `${random.pick(['', '-'])}${digits(random.int(1, 19))}`;
  const fraction = () => (random.chance(0.5) ? '' : `.${digits(random.int(0, 20))}`);
  const pad = (value: number, width = 2) => String(value).padStart(width, '0');
  const date = () =>
    `${pad(random.int(1, 9999), 4)}-${pad(random.int(1, 12))}-${pad(random.int(1, 31))}`;
  const time = () =>
    `${pad(random.int(0, 24))}:${pad(random.int(0, 60))}:${pad(random.int(0, 60))}${fraction()}`;
  const makers: [types.SqlType, () => string][] = [
    [types.tinyintType, () => String(random.int(-140, 140))],
    [types.smallintType, () => String(random.int(-33000, 33000))],
    [types.integerType, () => String(random.int(-2200000000, 2200000000))],
    [types.bigintType, number],
    [types.decimalType(4, 4), () => `0${fraction()}`],
    [types.decimalType(9, 2), () => `${digits(random.int(1, 8))}${fraction()}`],
    [types.decimalType(18, 10), () => `${number()}${fraction()}`],
    [types.decimalType(18, 0), number],
    [types.doubleType, () => `${number()}${fraction()}${random.pick(['', '', 'e10', 'E-320'])}`],
    [types.realType, () => `${number()}${fraction()}`],
    [
      types.booleanType,
      () => random.pick(['true', 'false', 't', 'F', '0', 'TRUE', 'fals', 'falsy']),
    ],
    [types.dateType, date],
    [types.timeType, time],
    [types.timestampType, () => `${date()}${random.pick([' ', 'T', '  '])}${time()}`],
    [types.timestamptzType, () => `${date()} ${time()}${random.pick(['Z', '+00', '', '-03:30'])}`],
  ];
  for (const [type, make] of makers) {
    const schema = [{ name: 'a', type, nullable: true }];
    const expected = new Map(
      Array.from({ length: 500 }, make).map((text) => [text, plainly(type, text)] as const),
    );
    const valid = [...expected].flatMap(([text, value]) => (value instanceof Error ? [] : text));
    const read = await texts(await open(`${valid.join('\n')}\n`, { schema, header: false }));
    assert.deepEqual(
      read.flat(),
      valid.map((text) => expected.get(text)),
      types.typeName(type),
    );
    assert.ok(valid.length > 5, `${types.typeName(type)}: only ${valid.length} were valid`);
    const invalid = [...expected].filter(([, value]) => value instanceof Error);
    for (const [text, error] of invalid.slice(0, 10)) {
      const { code } = error as QuernError;
      const stream = await open(`${text}\n`, { schema, header: false });
      await assert.rejects(texts(stream), { code }, `${types.typeName(type)}: ${text}`);
    }
  }
});

/** What the plain code makes of a text: the oracle for the generated code. */
function plainly(type: types.SqlType, text: string): string | QuernError {
  try {
    return formatValue(type, parseValue(type, text));
  } catch (error) {
    return error as QuernError;
  }
}

test('records may be longer than any buffer', async () => {
  const long = 'x"\n'.repeat(500_000);
  const text = `a,b\n1,"${long.replaceAll('"', '""')}"\n2,y\n`;
  const rows = await texts(await open(text));
  assert.deepEqual(rows, [
    ['1', long],
    ['2', 'y'],
  ]);
});

test('many columns, and long records with many columns', async () => {
  const names = Array.from({ length: 500 }, (_, i) => `c${i}`);
  const row = names.map((_, i) => (i % 2 === 0 ? String(i) : `t${i}`));
  const rows = await texts(await open(`${names.join()}\n${row.join()}\n${row.join()}\n`));
  assert.deepEqual(rows, [row, row]);
  const long = `${'a,'.repeat(99)}"${'x'.repeat(3_000_000)}"\n`;
  const [read] = await texts(await open(long, { header: false }));
  assert.equal(read[99]?.length, 3_000_000);
  await assert.rejects(open(`${','.repeat(20_000)}\n`).then(texts), { code: '54000' });
});

test('columns of few distinct texts come as codes, whatever follows the sample', async () => {
  const random = new Random(6);
  const common = [
    '',
    'a',
    'AIR',
    '12345678',
    '1234567',
    'sixteen bytes...',
    'more than sixteen bytes',
  ];
  common.push('more than sixteen byteS', 'x'.repeat(200), 'a\0', 'é');
  const lines = Array.from({ length: 60_000 }, (_, i) => {
    // Behind the sample all texts differ for a while: more than a dictionary may hold.
    const rare = i > 30_000 && i < 45_000;
    return rare ? `rare text ${i}` : random.chance(0.1) ? null : random.pick(common);
  });
  const text = lines.map((line, i) => `${i},${line === null ? '' : `"${line}"`}`).join('\n');
  const stream = await open(`id,code\n${text}\n`);
  assert.equal(stream.format.columns[1].coded, true);
  const read: (string | null)[] = [];
  let batches = 0;
  for await (const { rowCount, columns } of stream.batches) {
    batches++;
    const [, column] = columns;
    assert.ok(column.form === 'dictionary');
    const entries = rowReader(types.varcharType, column.dictionary);
    const texts = Array.from({ length: column.dictionary.offsets.length - 1 }, (_, i) =>
      entries(i),
    );
    assert.equal(new Set(texts).size, texts.length, 'entries are distinct');
    assert.ok(texts.length <= 4096);
    const value = rowReader(types.varcharType, column);
    for (let row = 0; row < rowCount; row++) read.push(value(row) as string | null);
  }
  assert.deepEqual(read, lines);
  assert.ok(batches > 5);
});

test('ranges parsed on their own give the rows of the whole, or say that they do not', async () => {
  const random = new Random(8);
  let unclean = 0;
  for (let round = 0; round < 40; round++) {
    const quoted = round % 2 === 1;
    const lines = Array.from({ length: random.int(1, 300) }, (_, i) => {
      const text = 'ab,|'.repeat(random.int(0, 40));
      return quoted && random.chance(0.1) ? `${i}|"1|\n2|""x"` : `${i}|${text.replaceAll('|', '')}`;
    });
    const bytes = encoder.encode(lines.join('\n') + (random.chance(0.5) ? '\n' : ''));
    const dialect = { ...tblDialect, trailingDelimiter: false };
    const { columns } = sniffCsv(bytes, { ...dialect, header: false });
    const program = await compileCsv({ dialect, columns, chunkBytesMax: 4096 });
    const source = bytesRandomSource(bytes);
    const seen: string[] = [];
    let clean = true;
    for (const range of csvRanges(0, bytes.length, random.int(50, 5000))) {
      const parser = new CsvParser(program);
      const result = await parseCsvRange(parser, source, range, {
        dataStart: 0,
        onBatch: ({ rowCount, columns: [key] }) => {
          const read = rowReader(columns[0].type, key);
          for (let row = 0; row < rowCount; row++) seen.push(String(read(row)));
        },
      });
      clean &&= result.clean;
    }
    if (!clean) unclean++;
    assert.ok(clean || quoted, 'without quotes all ranges are clean');
    if (clean)
      assert.deepEqual(
        seen,
        lines.map((_, i) => String(i)),
      );
  }
  assert.ok(unclean > 0, 'some range began inside quotes');
});
