import assert from 'node:assert/strict';
import { test } from 'node:test';
import { optionTable, parseOptions } from './options.ts';
import { UsageError } from './usage-error.ts';

const table = optionTable({
  command: { type: 'text', short: 'c', value: 'SQL', summary: 'run it' },
  format: { type: 'text', value: 'FORMAT', choices: ['csv', 'json'], default: 'csv', summary: '' },
  threads: { type: 'integer', value: 'N', min: 1, max: 64, summary: '' },
  scale: { type: 'number', value: 'SF', default: 1, summary: '' },
  memory: { type: 'size', value: 'SIZE', summary: '' },
  tables: { type: 'list', value: 'TABLES', choices: ['orders', 'part'], summary: '' },
  overwrite: { type: 'flag', summary: '' },
});

test('absent options have their default, flags are false', () => {
  assert.deepEqual(parseOptions(table, ['file']), {
    options: {
      command: undefined,
      format: 'csv',
      threads: undefined,
      scale: 1,
      memory: undefined,
      tables: undefined,
      overwrite: false,
    },
    positionals: ['file'],
  });
});

test('every kind of value is read in every way of writing it', () => {
  const args = ['-c', 'select 1', '--format=json', '--threads', '4', '--scale', '0.01'];
  const { options } = parseOptions(table, [
    ...args,
    '--memory=1.5GiB',
    '--tables',
    'orders, part',
    '--overwrite',
  ]);
  assert.deepEqual(options, {
    command: 'select 1',
    format: 'json',
    threads: 4,
    scale: 0.01,
    memory: 1610612736,
    tables: ['orders', 'part'],
    overwrite: true,
  });
  assert.equal(parseOptions(table, ['--memory', '512MB']).options.memory, 512_000_000);
  const comment = '-- the answer\nselect 42';
  assert.equal(parseOptions(table, ['-c', comment]).options.command, comment);
  assert.deepEqual(parseOptions(table, ['--', '--threads']).positionals, ['--threads']);
});

test('what makes no sense is refused in one line that names the option', () => {
  const cases: [string[], RegExp][] = [
    [['--thread', '4'], /^unknown option --thread; did you mean --threads\?$/],
    [['-x'], /^unknown option -x$/],
    [['--command'], /^--command needs a value$/],
    [['--overwrite=yes'], /^--overwrite takes no value$/],
    [['--format', 'xml'], /^--format xml: must be one of csv, json$/],
    [['--threads', '0'], /^--threads 0: must be at least 1$/],
    [['--threads', '65'], /^--threads 65: must be at most 64$/],
    [['--threads', '1.5'], /^--threads 1.5: must be a whole number$/],
    [['--threads', ''], /^--threads : must be a whole number$/],
    [['--scale', '0x10'], /^--scale 0x10: must be a number$/],
    [['--scale', 'Infinity'], /^--scale Infinity: must be a number$/],
    [['--memory', '2 parsecs'], /^--memory 2 parsecs: must be a size such as 512MB or 2GiB$/],
    [['--tables', 'orders,line'], /^--tables line: must be one of orders, part$/],
    [['--command', '--overwrite'], /^--command needs a value$/],
  ];
  for (const [args, message] of cases) {
    assert.throws(
      () => parseOptions(table, args),
      (error) => error instanceof UsageError && message.test(error.message),
      args.join(' '),
    );
  }
});
