import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scriptStatements, splitStatements } from './statements.ts';

test('semicolons inside texts, names and comments end nothing', () => {
  const text = `select ';' as "a;b"; -- one; two
    /* ; */ select 2;;
  `;
  assert.deepEqual(splitStatements(text), {
    statements: [`select ';' as "a;b"`, 'select 2'],
    rest: '',
  });
});

test('what is not ended yet is the rest', () => {
  assert.equal(splitStatements('select 1; select').rest, 'select');
  assert.equal(splitStatements("select 'a;").rest, "select 'a;");
  assert.equal(splitStatements(' -- only a comment').rest, '');
  assert.deepEqual(scriptStatements('select 1; select 2 -- end'), ['select 1', 'select 2 -- end']);
});
