import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDiagnostic } from './diagnostic.ts';
import { parse } from './parse.ts';

function firstError(sql: string): string {
  const { diagnostics } = parse(sql);
  assert.notEqual(diagnostics.length, 0, `no error for: ${sql}`);
  return formatDiagnostic(sql, diagnostics[0]);
}

test('an error shows its line, a caret and the keyword that was probably meant', () => {
  assert.equal(
    firstError('select 1,\n  2\nform t'),
    [
      'syntax error: expected the end of the statement, found "t"',
      'line 3: form t',
      '             ^',
      'hint: did you mean FROM instead of "form"?',
    ].join('\n'),
  );
  const meant = (sql: string): string | undefined =>
    /did you mean (\w+)/.exec(firstError(sql))?.[1];
  assert.equal(meant('selec 1'), 'SELECT');
  assert.equal(meant('select * form t'), 'FROM');
  assert.equal(meant('select a from t wehre x = 1'), 'WHERE');
  assert.equal(meant('select a from t group yb a'), 'BY');
  assert.equal(meant('select a from t order by a decs'), 'DESC');
  assert.equal(meant('create tabel t (a int)'), 'TABLE');
  assert.equal(meant('insert into t vlues (1)'), 'VALUES');
  assert.equal(meant('select x betwen 1 and 2 from t'), 'BETWEEN');
});

test('parsing goes on after a statement with an error', () => {
  const { statements, diagnostics } = parse("select 1; selec 2; select 'x;y'; select (; select 3");
  assert.equal(statements.length, 3);
  assert.equal(diagnostics.length, 2);
});
