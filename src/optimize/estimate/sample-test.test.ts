import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../base/random.ts';
import { type Environment, evaluate } from '../../plan/evaluate.ts';
import {
  type Column,
  type ConstantValue,
  call,
  columnRef,
  constant,
  type Expression,
} from '../../plan/expression.ts';
import type { SampledColumn } from '../../table/sample.ts';
import { booleanType, integerType, type SqlType, varcharType } from '../../value/type.ts';
import { filterRows, sampleTest } from './sample-test.ts';

const rows = 64;
const words = ['', 'a', 'ab', 'abc', 'b', 'bab', 'café', 'z'];

/** Two columns of numbers, one of texts with a dictionary and one without, all with NULLs. */
function makeColumns(random: Random) {
  const nulls = () => Uint8Array.from({ length: rows }, () => Number(random.chance(0.2)));
  const numbers = (base: number): SampledColumn => {
    const data = Uint8Array.from({ length: rows }, () => random.int(0, 9));
    return { kind: 'numbers', data, base, nulls: nulls() };
  };
  const codes: SampledColumn = {
    kind: 'codes',
    data: Uint8Array.from({ length: rows }, () => random.int(0, words.length - 1)),
    values: words,
    nulls: nulls(),
  };
  return [numbers(-4), numbers(0), codes, plainTexts(random, nulls())] as const;
}

function plainTexts(random: Random, nulls: Uint8Array): SampledColumn {
  const texts = Array.from({ length: rows }, () => new TextEncoder().encode(random.pick(words)));
  const lengths = Uint32Array.from(texts, (text) => text.length);
  const starts = new Uint32Array(rows);
  for (let i = 1; i < rows; i++) starts[i] = starts[i - 1] + lengths[i - 1];
  return {
    kind: 'texts',
    starts,
    lengths,
    bytes: Uint8Array.from(texts.flatMap((t) => [...t])),
    nulls,
  };
}

const columns = [integerType, integerType, varcharType, varcharType].map(
  (type, id): Column => ({ id, name: `c${id}`, type, nullable: true }),
);

function randomPredicate(random: Random, depth: number): Expression {
  if (depth > 0 && random.chance(0.5)) {
    const name = random.pick(['and', 'or', 'not']);
    const args = Array.from({ length: name === 'not' ? 1 : random.int(2, 3) }, () =>
      randomPredicate(random, depth - 1),
    );
    return call(name, args, booleanType);
  }
  const column = random.pick(columns);
  const input = columnRef(column);
  const isText = column.type.kind === 'varchar';
  const value = (): Expression => {
    if (random.chance(0.05)) return constant(null, column.type);
    return constant(
      isText ? random.pick([...words, 'aa']) : BigInt(random.int(-6, 10)),
      column.type,
    );
  };
  const comparison = random.pick(['eq', 'ne', 'lt', 'le', 'gt', 'ge']);
  switch (random.int(0, 5)) {
    case 0:
      return call(random.pick(['is_null', 'is_not_null']), [input], booleanType);
    case 1: {
      const list = Array.from({ length: random.int(1, 4) }, value);
      return { kind: 'inList', input, list, type: booleanType, nullable: true };
    }
    case 2: {
      if (!isText) return call(comparison, [value(), input], booleanType);
      const pattern = random.pick(['%a%', 'a%', '%b', 'a%b%', '_b%', '%', 'ab', '%é']);
      return call('like', [input, constant(pattern, varcharType)], booleanType);
    }
    case 3: {
      const other = columns.find(({ id, type }) => id !== column.id && type === column.type);
      return call(comparison, [input, columnRef(other!)], booleanType);
    }
    case 4: {
      // Left to the plain evaluator.
      const made: [Expression, SqlType] = isText
        ? [call('upper', [input], varcharType), varcharType]
        : [call('abs', [input], integerType), integerType];
      return call(comparison, [made[0], value()], booleanType);
    }
    default:
      return call(comparison, [input, value()], booleanType);
  }
}

test('tests of sampled rows agree with the plain evaluator', () => {
  const random = new Random(5);
  for (let round = 0; round < 1500; round++) {
    const data = makeColumns(random);
    const predicate = randomPredicate(random, 2);
    const built = sampleTest(predicate, (id) => ({ data: data[id], type: columns[id].type }), rows);
    assert.ok(built !== undefined, 'every predicate of these can be tested');
    const passing: number[] = [];
    for (let row = 0; row < rows; row++) {
      const environment: Environment = {
        column: (id) => valueAt(data[id], row),
        parameter: () => null,
      };
      const expected = evaluate(predicate, environment) === true;
      assert.equal(built.test(row) === 1, expected, JSON.stringify(predicate, replacer));
      if (expected) passing.push(row);
    }
    const all = Uint32Array.from({ length: rows }, (_, row) => row);
    assert.deepEqual([...all.subarray(0, filterRows(built, all, rows))], passing);
  }
});

function valueAt(column: SampledColumn, row: number): ConstantValue {
  if (column.nulls?.[row] === 1) return null;
  if (column.kind === 'numbers') return BigInt(column.base + column.data[row]);
  if (column.kind === 'codes') return column.values[column.data[row]];
  const from = column.starts[row];
  return new TextDecoder().decode(column.bytes.subarray(from, from + column.lengths[row]));
}

function replacer(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

test('what is only known when a query runs cannot be tested', () => {
  const parameter: Expression = { kind: 'parameter', index: 0, type: integerType, nullable: true };
  const predicate = call('eq', [columnRef(columns[0]), parameter], booleanType);
  const data = makeColumns(new Random(1));
  const fields = (id: number) => ({ data: data[id], type: columns[id].type });
  assert.equal(sampleTest(predicate, fields, rows), undefined);
  assert.equal(sampleTest(call('not', [predicate], booleanType), fields, rows), undefined);
});
