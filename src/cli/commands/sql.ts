import { readFileSync } from 'node:fs';
import { text as readAll } from 'node:stream/consumers';
import { defineCommand } from '../command.ts';
import { type Database, openDatabase } from '../database.ts';
import { untilInterrupted } from '../interrupt.ts';
import type { Io } from '../io.ts';
import { optionTable } from '../options.ts';
import { type OutputFormat, outputFormats, runStatement } from '../print/output.ts';
import { scriptPieces } from '../statements.ts';
import { UsageError } from '../usage-error.ts';

const options = optionTable({
  command: { type: 'text', short: 'c', value: 'SQL', summary: 'Run these statements and exit' },
  file: {
    type: 'text',
    short: 'f',
    value: 'FILE',
    summary: 'Run the statements of a file and exit',
  },
  format: {
    type: 'text',
    value: 'FORMAT',
    choices: outputFormats,
    default: 'table',
    summary: 'How results are written',
  },
  threads: {
    type: 'integer',
    value: 'N',
    min: 1,
    max: 1024,
    summary: 'Threads that work on a query (default: all cores)',
  },
  memory: { type: 'size', value: 'SIZE', summary: 'Memory for data and queries, such as 2GB' },
  'read-only': { type: 'flag', summary: 'Refuse all changes' },
});

const details = `Without FILE the data is in memory. Database files are not supported yet.
Without -c and -f, SQL is read from the terminal, or from stdin when that is none.

Ctrl-C cancels the statement that runs; a second one ends the program.

Exit code: 0, or 1 with the error on stderr, or 2 for wrong usage.

Examples:
  quern -c "select 42 as answer"
  quern -c "select kind, count(*) from 'fruit.csv' group by kind"
  quern -f report.sql --format csv > report.csv
`;

/** The default command: runs SQL from the command line, a file, stdin or a terminal. */
export const sqlCommand = defineCommand({
  name: '',
  summary: 'Quern: SQL compiled to WebAssembly',
  positionals: '[FILE]',
  positionalsMax: 1,
  options,
  details,
  async run({ options, positionals, io }) {
    if (options.command !== undefined && options.file !== undefined) {
      throw new UsageError('-c and -f cannot be given together');
    }
    const interactive = io.stdin.isTTY === true && io.stdout.isTTY === true;
    const script =
      options.command ??
      (options.file === undefined ? undefined : readFileSync(options.file, 'utf8')) ??
      (interactive ? undefined : await readAll(io.stdin));
    const database = await openDatabase(positionals[0], {
      ...(options.threads === undefined ? {} : { threads: options.threads }),
      ...(options.memory === undefined ? {} : { memoryLimit: options.memory }),
      ...(options['read-only'] ? { readOnly: true } : {}),
      // A script has but a few queries: what a rehearsal takes, they would not give back.
      rehearse: script === undefined,
    });
    try {
      if (script === undefined) {
        const { runShell } = await import('../shell/shell.ts');
        return await runShell(database, io, { format: options.format });
      }
      return await untilInterrupted((signal) =>
        runScript(database, script, options.format, io, signal),
      );
    } finally {
      await database.close();
    }
  },
});

async function runScript(
  database: Database,
  script: string,
  format: OutputFormat,
  io: Io,
  signal: AbortSignal,
): Promise<void> {
  const state = { database, io, format, timer: false, done: false };
  for (const { kind, text } of scriptPieces(script)) {
    if (kind === 'statement') {
      await runStatement(database, text, state.format, io, { signal });
      continue;
    }
    const [{ Shell }, { runDotCommand }] = await Promise.all([
      import('../shell/shell.ts'),
      import('../shell/dot-commands.ts'),
    ]);
    await runDotCommand(new Shell(state), text);
    if (state.done) return;
  }
}
