import { QuernError } from '../../src/base/error.ts';
import type { EngineAdapter } from '../../src/bench/adapters/adapter.ts';
import type { QueryRecord, Script, ScriptRecord, StatementRecord } from './parse.ts';
import { formatRows, sameText, typeClass } from './value.ts';

export interface RunOptions {
  /** `quern` or the name of the engine compared with: what skipif and onlyif mean. */
  engine: string;
  /** Replaces the expected rows and classes by what the engine gives. */
  complete?: boolean;
}

export interface Outcome {
  record: ScriptRecord;
  /** `surprise`: a pending record that passes. */
  result: 'passed' | 'failed' | 'pending' | 'surprise' | 'skipped';
  /** What is wrong, for `failed` and `pending`. */
  message?: string;
}

/** Runs the records of a script in order on a fresh engine. */
export async function runScript(
  script: Script,
  engine: EngineAdapter,
  options: RunOptions,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const record of script.records) {
    outcomes.push(await runRecord(record, engine, options));
  }
  return outcomes;
}

async function runRecord(
  record: ScriptRecord,
  engine: EngineAdapter,
  options: RunOptions,
): Promise<Outcome> {
  const { skipIf, onlyIf } = record;
  if (skipIf.includes(options.engine) || (onlyIf ?? options.engine) !== options.engine) {
    return { record, result: 'skipped' };
  }
  const message = await faultOf(record, engine, options);
  const ours = options.engine === 'quern';
  if (message === undefined) {
    return { record, result: ours && record.pending !== undefined ? 'surprise' : 'passed' };
  }
  return { record, result: ours && record.pending !== undefined ? 'pending' : 'failed', message };
}

/** What is wrong with the outcome of a record, or undefined. */
async function faultOf(record: ScriptRecord, engine: EngineAdapter, options: RunOptions) {
  if (record.kind === 'statement') return runStatement(record, engine, options);
  if (record.kind === 'query') return runQuery(record, engine, options);
  try {
    await engine.loadTpch(record.scale);
    return undefined;
  } catch (error) {
    return `error: ${firstLine(error)}`;
  }
}

async function runStatement(
  { sql, error: expected }: StatementRecord,
  engine: EngineAdapter,
  { engine: name }: RunOptions,
): Promise<string | undefined> {
  try {
    await engine.query(sql);
  } catch (error) {
    if (expected === undefined) return `error: ${firstLine(error)}`;
    if (name !== 'quern') return undefined;
    if (!(error instanceof QuernError)) return `not a QuernError: ${firstLine(error)}`;
    if (expected.code !== undefined && error.code !== expected.code) {
      return `error ${error.code} instead of ${expected.code}: ${firstLine(error)}`;
    }
    if (expected.position !== undefined && error.position !== expected.position) {
      return `error at ${error.position} instead of ${expected.position}: ${firstLine(error)}`;
    }
    return undefined;
  }
  return expected === undefined ? undefined : 'no error';
}

async function runQuery(
  record: QueryRecord,
  engine: EngineAdapter,
  options: RunOptions,
): Promise<string | undefined> {
  let types: string;
  let rows: string[];
  try {
    const table = (await engine.query(record.sql)).table();
    types = table.types.map(typeClass).join('');
    rows = formatRows(table);
  } catch (error) {
    return `error: ${firstLine(error)}`;
  }
  if (record.sort === 'rowsort') rows.sort();
  if (options.complete === true) {
    Object.assign(record, { types, expected: rows });
    return undefined;
  }
  if (types !== record.types) return `columns of classes ${types} instead of ${record.types}`;
  const expected = record.sort === 'rowsort' ? [...record.expected].sort() : record.expected;
  return rowsDifference(rows, expected, types);
}

function rowsDifference(
  rows: readonly string[],
  expected: readonly string[],
  types: string,
): string | undefined {
  for (let i = 0; i < Math.max(rows.length, expected.length); i++) {
    if (rows[i] === undefined || expected[i] === undefined) {
      return `${rows.length} rows instead of ${expected.length}`;
    }
    const [cells, expectedCells] = [rows[i].split('\t'), expected[i].split('\t')];
    const same = cells.every((cell, j) => sameText(cell, expectedCells[j] ?? '', types[j]));
    if (!same || cells.length !== expectedCells.length) {
      return `row ${i + 1} is [${rows[i]}] instead of [${expected[i]}]`;
    }
  }
  return undefined;
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0];
}
