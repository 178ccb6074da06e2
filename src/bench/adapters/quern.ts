import { type OpenOptions, open, type Result } from '../../main/index.ts';
import { type SqlType, typeName } from '../../value/type.ts';
import { formatValue, type Value } from '../../value/value.ts';
import { rowReader } from '../../value/vector.ts';
import type { Cell, ResultTable } from '../result-table.ts';
import { createTableSql, type EngineAdapter, quoteSql } from './adapter.ts';

/** Our own engine as if hardly any memory were there: all operators spill. */
export function openSpillingQuern(options: { threads: number }): Promise<EngineAdapter> {
  return openQuern({ ...options, alwaysSpill: true });
}

/** Opens our own engine in memory. */
export async function openQuern(options: OpenOptions): Promise<EngineAdapter> {
  const database = await open(undefined, options);
  return {
    name: 'quern',
    async execute(sql) {
      await database.query(sql);
    },
    async load(name, schema, path) {
      await database.query(createTableSql(name, schema));
      await database.query(`COPY ${name} FROM ${quoteSql(path)}`);
    },
    async loadTpch(scale) {
      await database.query(`CALL tpch(scale => ${scale})`);
    },
    async query(sql) {
      const result = await database.query(sql);
      // What a program would do with it; the comparable form below is made from the columns.
      result.values();
      return { rowCount: result.rowCount, table: () => readResult(result) };
    },
    close: () => database.close(),
  };
}

/** A result in the form that can be compared. */
export function readResult({ schema, batches }: Result): ResultTable {
  const rows: Cell[][] = [];
  for (const batch of batches) {
    const readers = schema.map(({ type }, i) => rowReader(type, batch.columns[i]));
    for (let row = 0; row < batch.rowCount; row++) {
      rows.push(readers.map((read, i) => cellOf(schema[i].type, read(row))));
    }
  }
  return {
    columns: schema.map(({ name }) => name),
    types: schema.map(({ type }) => typeName(type)),
    rows,
  };
}

function cellOf(type: SqlType, value: Value | null): Cell {
  if (value === null) return null;
  switch (type.kind) {
    case 'boolean':
    case 'real':
    case 'double':
    case 'varchar':
      return value as Cell;
    case 'tinyint':
    case 'smallint':
    case 'integer':
    case 'bigint':
    case 'hugeint':
      return BigInt(value as number | bigint);
    case 'decimal':
      return { decimal: formatValue(type, value) };
    default:
      return formatValue(type, value);
  }
}
