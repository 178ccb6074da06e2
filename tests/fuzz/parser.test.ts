import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/base/random.ts';
import type { Statement } from '../../src/sql/ast/statement.ts';
import { formatDiagnostic } from '../../src/sql/diagnostic.ts';
import { parse } from '../../src/sql/parse.ts';
import { printStatement } from '../../src/sql/print/statement.ts';
import { Mutator } from './mutator.ts';
import { sqlCorpus } from './sql-corpus.ts';

/** The tree without spans, as JSON, in which absent and undefined are the same. */
function shape(statement: Statement): unknown {
  return JSON.parse(
    JSON.stringify(statement, (key, value) => (key === 'span' ? undefined : value)),
  );
}

function parseOne(sql: string): Statement {
  const { statements, diagnostics } = parse(sql);
  const message = diagnostics.map((diagnostic) => formatDiagnostic(sql, diagnostic)).join('\n');
  assert.equal(message, '');
  assert.equal(statements.length, 1);
  return statements[0];
}

function checkRoundTrip(statement: Statement): void {
  const text = printStatement(statement);
  assert.deepEqual(shape(parseOne(text)), shape(statement), text);
}

test('what is printed parses to the same tree', () => {
  for (const sql of sqlCorpus) checkRoundTrip(parseOne(sql));
});

test('spans lie within the text, and those of children within their parent', () => {
  for (const sql of sqlCorpus) {
    checkSpans(parseOne(sql), { start: 0, end: sql.length });
  }
});

function checkSpans(node: unknown, within: { start: number; end: number }): void {
  if (typeof node !== 'object' || node === null) return;
  const span = 'span' in node ? (node.span as { start: number; end: number }) : within;
  assert.ok(within.start <= span.start && span.start <= span.end && span.end <= within.end);
  for (const [key, child] of Object.entries(node)) if (key !== 'span') checkSpans(child, span);
}

/** Parses hostile text: it may be wrong, but then it must say so, in time, with a place. */
function checkSurvives(sql: string, seed: number): void {
  const { statements, diagnostics } = parse(sql);
  for (const diagnostic of diagnostics) {
    const { start, end } = diagnostic.span;
    assert.ok(0 <= start && start <= end && end <= sql.length, `seed ${seed}: span in ${sql}`);
    assert.ok(formatDiagnostic(sql, diagnostic).length > 0);
  }
  for (const statement of statements) checkRoundTrip(statement);
}

const mutator = new Mutator(sqlCorpus);

test('mutated statements and random tokens never throw, and what is accepted prints back', () => {
  const rounds = Number(process.env['FUZZ_ROUNDS'] ?? 20000);
  const firstSeed = Number(process.env['FUZZ_SEED'] ?? 1);
  for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
    const random = new Random(seed);
    const sql = mutator.next(random);
    try {
      checkSurvives(sql, seed);
    } catch (error) {
      throw new Error(`seed ${seed}: ${sql}`, { cause: error });
    }
  }
});

test('random characters never throw', () => {
  const characters = [...'\'"$;()[]{}*/-.,:=<>|\\ \n\tabcEXx019_?éß\u{1f600}\u00a0\u0000'];
  for (let seed = 1; seed <= 5000; seed++) {
    const random = new Random(seed);
    checkSurvives(
      Array.from({ length: random.int(1, 60) }, () => random.pick(characters)).join(''),
      seed,
    );
  }
});

test('deep nesting is an error, not a stack overflow', () => {
  const depth = 100_000;
  const nested: [string, string, string][] = [
    ['select ', '(', '1'],
    ['select ', 'not ', '1'],
    ['select ', '- ', '1'],
    ['select ', 'f(', '1'],
    ['select ', '[', '1'],
    ['select ', 'case when ', '1'],
    ['select ', '(select ', '1'],
    ['', 'select * from (', 't'],
    ['select * from ', '(', 't'],
    ['', '(', 'select 1'],
    ['', 'explain ', 'select 1'],
    ['', 'with a as (', 'select 1'],
    ['select 1::', 'struct(a ', 'int'],
    ['select a from t group by ', 'rollup(', 'a'],
  ];
  for (const [head, part, tail] of nested) {
    const { diagnostics } = parse(head + part.repeat(depth) + tail);
    assert.equal(diagnostics[0]?.code, '54000', part);
  }
  for (const link of [
    ' + 1',
    ' || 1',
    ' is null',
    ' in (1)',
    ' collate c',
    '::int',
    ' union select 1',
  ]) {
    assert.equal(parse(`select 1${link.repeat(depth)}`).diagnostics[0]?.code, '54000', link);
  }
});

test('long flat statements are no problem, and take linear time', () => {
  const flat = (count: number): string =>
    `select a from t where ${'x = 1 and '.repeat(count)} y in (${'1, '.repeat(count)} 2)`;
  assert.equal(parse(flat(20000)).diagnostics.length, 0);
  const time = (count: number): number => {
    const sql = flat(count);
    const start = performance.now();
    parse(sql);
    return performance.now() - start;
  };
  time(2000);
  const small = Math.min(time(2000), time(2000), time(2000));
  const large = Math.min(time(40000), time(40000));
  assert.ok(large < small * 20 * 8 + 20, `2,000: ${small} ms, 40,000: ${large} ms`);
});
