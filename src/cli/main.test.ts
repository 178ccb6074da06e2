import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineCommand, runCommand, runGroup } from './command.ts';
import { main } from './main.ts';
import { optionTable } from './options.ts';
import { capture } from './testing.ts';

async function quern(...args: string[]) {
  const { io, out, err } = capture();
  const code = await main(args, io);
  return { code, out: out(), err: err() };
}

test('help and version go to stdout and are no failure', async () => {
  const help = await quern('--help');
  assert.deepEqual([help.code, help.err], [0, '']);
  assert.match(help.out, /Usage: quern \[options\] \[FILE\]/);
  assert.match(help.out, /--format FORMAT .*table, csv, json/);
  const version = await quern('--version');
  assert.match(version.out, /^quern \d+\.\d+\.\d+\n$/);
  assert.equal((await quern('help')).out, help.out);
});

test('wrong usage is one line on stderr and exit code 2', async () => {
  for (const args of [
    ['--nothing'],
    ['-c'],
    ['a', 'b'],
    ['--format', 'x'],
    ['-c', 'a', '-f', 'b'],
  ]) {
    const { code, out, err } = await quern(...args);
    assert.deepEqual([code, out], [2, ''], args.join(' '));
    assert.match(err, /^error: [^\n]+\n$/);
  }
});

test('a file that is not there is one line on stderr and exit code 1', async () => {
  const { code, out, err } = await quern('-f', 'no/such/file.sql');
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, /^error: ENOENT[^\n]+\n$/);
});

const echo = defineCommand({
  name: 'group echo',
  summary: 'Say it',
  positionals: 'WORD',
  positionalsMax: 1,
  options: optionTable({
    times: { type: 'integer', value: 'N', default: 1, summary: 'How often' },
  }),
  async run({ options, positionals, io }) {
    for (let i = 0; i < options.times; i++) io.stdout.write(`${positionals[0]}\n`);
    return 0;
  },
});

const group = {
  name: 'group',
  summary: 'A group',
  commands: { echo: { summary: 'Say it', load: async () => echo } },
};

test('a group runs its commands, lists them, and knows no others', async () => {
  const run = capture();
  assert.equal(await runGroup(group, ['echo', 'hi', '--times', '2'], run.io), 0);
  assert.equal(run.out(), 'hi\nhi\n');
  const help = capture();
  assert.equal(await runGroup(group, ['--help'], help.io), 0);
  assert.match(help.out(), /Usage: quern group COMMAND[\s\S]*echo {2}Say it/);
  await assert.rejects(runGroup(group, ['shout'], capture().io), /unknown command 'group shout'/);
  await assert.rejects(runCommand(echo, ['a', 'b'], capture().io), /unexpected argument 'b'/);
});
