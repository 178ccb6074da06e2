/** Random schemas and data, hard on formats: extremes, NULLs, quotes, line ends, odd Unicode. */
import type { Random } from '../../src/base/random.ts';
import type { BatchStream, ColumnBatch, Field, Schema } from '../../src/value/batch.ts';
import { batchFromRows } from '../../src/value/column-builder.ts';
import { dateMax, dateMin } from '../../src/value/date.ts';
import { integerRange } from '../../src/value/number.ts';
import { timestampMax, timestampMin } from '../../src/value/time.ts';
import * as types from '../../src/value/type.ts';
import { uuidFromHugeint, type Value } from '../../src/value/value.ts';
import { rowReader } from '../../src/value/vector.ts';

export type Row = readonly (Value | null)[];

export function randomType(random: Random): types.SqlType {
  if (random.chance(0.3)) {
    const precision = random.int(1, 38);
    return types.decimalType(precision, random.int(0, precision));
  }
  return random.pick([
    types.booleanType,
    types.tinyintType,
    types.smallintType,
    types.integerType,
    types.bigintType,
    types.hugeintType,
    types.realType,
    types.doubleType,
    types.varcharType,
    types.varcharType,
    types.blobType,
    types.dateType,
    types.timeType,
    types.timestampType,
    types.timestamptzType,
    types.intervalType,
    types.uuidType,
  ]);
}

/** A bigint of any size in [low, high], small ones as likely as large ones; often a bound. */
function randomInteger(random: Random, low: bigint, high: bigint): bigint {
  if (random.chance(0.1)) return random.pick([low, high]);
  const bits = BigInt(random.int(0, 127));
  const magnitude = ((random.u64() << 64n) | random.u64()) & ((1n << bits) - 1n);
  const value = random.chance(0.5) ? magnitude : -magnitude;
  return value < low || value > high ? low + (magnitude % (high - low + 1n)) : value;
}

const pieces = [
  '',
  'a',
  'Quern',
  ' ',
  '"',
  '""',
  ',',
  '|',
  '\n',
  '\r\n',
  '\r',
  '\t',
  '\\',
  "'",
  ';',
  '\0',
  '0',
  'NULL',
  'é',
  '穀',
  '𝄞',
  '\u{fffd}',
  '\u{feff}',
  '-',
  '{',
  '<&>',
  'xxxxxxxxxxxxxxx',
];

export function randomText(random: Random): string {
  const count = random.chance(0.1) ? random.int(20, 60) : random.int(0, 4);
  return Array.from({ length: count }, () => random.pick(pieces)).join('');
}

export function randomValue(random: Random, type: types.SqlType): Value {
  switch (type.kind) {
    case 'boolean':
      return random.chance(0.5);
    case 'tinyint':
    case 'smallint':
    case 'integer':
      return Number(randomInteger(random, ...integerRange[type.kind]));
    case 'bigint':
    case 'hugeint':
      return randomInteger(random, ...integerRange[type.kind]);
    case 'decimal': {
      const bound = 10n ** BigInt(type.precision) - 1n;
      return randomInteger(random, -bound, bound);
    }
    case 'real':
      return Math.fround(randomDouble(random));
    case 'double':
      return randomDouble(random);
    case 'blob':
      return random.fill(new Uint8Array(random.int(0, 20)));
    case 'date':
      return Number(randomInteger(random, BigInt(dateMin), BigInt(dateMax)));
    case 'time':
      return randomInteger(random, 0n, 86_399_999_999n);
    case 'timestamp':
    case 'timestamptz':
      return randomInteger(random, timestampMin, timestampMax);
    case 'interval':
      return {
        months: random.int(-100_000, 100_000),
        days: random.int(-100_000, 100_000),
        micros: randomInteger(random, -(2n ** 50n), 2n ** 50n),
      };
    case 'uuid':
      return uuidFromHugeint(randomInteger(random, ...integerRange.hugeint));
    default:
      return randomText(random);
  }
}

function randomDouble(random: Random): number {
  switch (random.int(0, 5)) {
    case 0:
      return random.pick([0, -0, Infinity, -Infinity, Number.NaN, Number.MAX_VALUE]);
    case 1:
      return random.int(-1000, 1000) / 100;
    case 2:
      return random.int(-1000, 1000);
    default: {
      const value = new Float64Array(BigUint64Array.of(random.u64()).buffer)[0];
      return Number.isFinite(value) && Math.abs(value) < 3e38 ? value : 0.1;
    }
  }
}

export interface RandomData {
  readonly schema: Schema;
  readonly rows: readonly Row[];
  /** The rows, cut into batches of various sizes, some of them with dictionaries. */
  readonly batches: readonly ColumnBatch[];
}

export interface RandomDataOptions {
  readonly rowCountMax: number;
  readonly accepts?: (type: types.SqlType) => boolean;
}

export function randomData(random: Random, options: RandomDataOptions): RandomData {
  const schema: Field[] = [];
  for (const count = random.int(1, 8); schema.length < count; ) {
    const type = randomType(random);
    if (options.accepts !== undefined && !options.accepts(type)) continue;
    const name = `${random.pick(['a', 'B c', 'é', 'x"y', 'd,e'])}${schema.length}`;
    schema.push({ name, type, nullable: random.chance(0.7) });
  }
  const nullChance = random.pick([0, 0.1, 0.9]);
  const pools = schema.map((field) =>
    Array.from({ length: random.pick([1, 5, 1000]) }, () => randomValue(random, field.type)),
  );
  const rows = Array.from({ length: random.int(0, options.rowCountMax) }, () =>
    schema.map((field, i) =>
      field.nullable && random.chance(nullChance) ? null : random.pick(pools[i]),
    ),
  );
  const batches: ColumnBatch[] = [];
  for (let from = 0; from < rows.length; ) {
    const to = Math.min(rows.length, from + random.pick([1, 7, 100, 5000]));
    batches.push(varied(random, schema, rows.slice(from, to)));
    from = to;
  }
  return { schema, rows, batches };
}

/** A batch in which some columns come narrow or as dictionaries, as batches may. */
function varied(random: Random, schema: Schema, rows: readonly Row[]): ColumnBatch {
  const batch = batchFromRows(schema, rows);
  const columns = batch.columns.map((vector, i) => {
    const { kind } = schema[i].type;
    if (vector.form === 'string' && kind === 'varchar' && random.chance(0.5)) {
      const values = rows.map((row) => (row[i] ?? '') as string);
      const entries = [...new Set(values)];
      const field = { name: 'entry', type: types.varcharType, nullable: false };
      const [dictionary] = batchFromRows(
        [field],
        entries.map((entry) => [entry]),
      ).columns;
      const codes = Uint16Array.from(values, (value) => entries.indexOf(value));
      if (dictionary.form !== 'string') throw new Error('text is a string vector');
      const validity = vector.validity === undefined ? {} : { validity: vector.validity };
      return { form: 'dictionary' as const, codes, dictionary, ...validity };
    }
    if (
      vector.form !== 'fixed' ||
      vector.wide === true ||
      !(vector.data instanceof BigInt64Array)
    ) {
      return vector;
    }
    const small = vector.data.every((value) => value >= -128n && value < 128n);
    return small ? { ...vector, data: Int8Array.from(vector.data, Number) } : vector;
  });
  return { rowCount: batch.rowCount, columns };
}

export function streamOf(data: RandomData): BatchStream {
  return {
    schema: data.schema,
    batches: (async function* () {
      yield* data.batches;
    })(),
  };
}

/** All rows of a stream as values. */
export async function rowsOf(stream: BatchStream): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const batch of stream.batches) {
    const readers = batch.columns.map((column, i) => rowReader(stream.schema[i].type, column));
    for (let row = 0; row < batch.rowCount; row++) rows.push(readers.map((read) => read(row)));
  }
  return rows;
}

/** All chunks as one array. */
export async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
