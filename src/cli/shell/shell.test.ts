import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Database, openDatabase } from '../database.ts';
import { type Capture, capture } from '../testing.ts';
import { Completion } from './completion.ts';
import { History } from './history.ts';
import { Shell } from './shell.ts';

const folder = mkdtempSync(join(tmpdir(), 'quern-shell-'));
let database: Database;

before(async () => {
  database = await openDatabase(undefined, { threads: 1 });
  await database.query("create table fruit as select 1 as id, 'apple' as name");
});

after(async () => {
  await database.close();
  rmSync(folder, { recursive: true });
});

function newShell(): { shell: Shell; captured: Capture } {
  const captured = capture();
  const shell = new Shell({
    database,
    io: captured.io,
    format: 'values',
    timer: false,
    done: false,
  });
  return { shell, captured };
}

test('a statement runs when its semicolon is there, over several lines', async () => {
  const { shell, captured } = newShell();
  assert.equal(await shell.takeLine('select name'), undefined);
  assert.ok(shell.continues);
  assert.equal(await shell.takeLine("from fruit where name <> ';'"), undefined);
  assert.equal(captured.out(), '');
  const entry = await shell.takeLine('; select 2; select');
  assert.equal(entry, "select name\nfrom fruit where name <> ';'\n; select 2;");
  assert.equal(captured.out(), 'apple\n2\n');
  assert.ok(shell.continues);
  shell.clear();
  await shell.takeLine('select 3;');
  assert.equal(captured.out(), 'apple\n2\n3\n');
});

test('an error is told and the shell goes on', async () => {
  const { shell, captured } = newShell();
  await shell.takeLine('select nope; select 5;');
  assert.match(captured.err(), /^error: .*nope/);
  assert.equal(captured.out(), '5\n');
});

test('an interrupt cancels the statement, drops those behind it, and the shell goes on', async () => {
  const { shell, captured } = newShell();
  assert.equal(shell.interrupt(), 'nothing');
  const endless = 'select count(*) from range(100000) a, range(100000) b, range(100000) c';
  const running = shell.takeLine(`${endless}; select 6;`);
  await delay(100);
  assert.equal(shell.interrupt(), 'statement');
  assert.equal(shell.interrupt(), 'program');
  await running;
  assert.equal(captured.err(), 'error: the statement was cancelled\n');
  await shell.takeLine('select 7;');
  assert.equal(captured.out(), '7\n');
});

test('dot commands', async () => {
  const { shell, captured } = newShell();
  const path = join(folder, 'script.sql');
  writeFileSync(path, 'select 1; select 2');
  for (const line of ['.mode csv', `.read ${path}`, '.tables', '.schema fruit', '.timer on']) {
    await shell.takeLine(line);
  }
  await shell.takeLine('select 3;');
  assert.equal(captured.err(), '');
  assert.match(
    captured.out(),
    /1\n1\n2\n2\nname\nfruit\n[\s\S]*id,INTEGER[\s\S]*3\n3\n[\d.]+ ms\n$/,
  );
  await shell.takeLine('.help');
  assert.match(captured.out(), /\.mode FORMAT +Write results as table, csv/);
  await shell.takeLine('.mode xml');
  await shell.takeLine('.tabels');
  assert.match(captured.err(), /\.mode takes table[\s\S]*unknown command \.tabels, not \.tables\?/);
  assert.ok(!shell.state.done);
  await shell.takeLine('.quit');
  assert.ok(shell.state.done);
});

test('completion knows keywords, tables, commands and their arguments', async () => {
  const completion = new Completion(database);
  assert.deepEqual(await completion.complete('select * from fr'), [['fruit', 'from'], 'fr']);
  assert.deepEqual(await completion.complete('SELE'), [['SELECT'], 'SELE']);
  assert.deepEqual(await completion.complete('.mo'), [['.mode'], '.mo']);
  assert.deepEqual(await completion.complete('.mode nd'), [['ndjson'], 'nd']);
  assert.deepEqual(await completion.complete('select '), [[], '']);
});

test('the history keeps statements of several lines, survives damage and does without a file', () => {
  const path = join(folder, 'history');
  const history = new History(path);
  history.add('select 1\n  + 2;');
  history.add('.tables');
  history.add('.tables');
  writeFileSync(path, `${readFileSync(path, 'utf8')}half a li`);
  assert.deepEqual(new History(path).entries, ['select 1\n  + 2;', '.tables']);
  const nowhere = new History(join(folder, 'no', 'such', 'folder'));
  nowhere.add('select 1;');
  assert.deepEqual(nowhere.entries, ['select 1;']);
});
