import { readFileSync } from 'node:fs';
import { nearestName } from '../../base/nearest.ts';
import { twoColumns } from '../help.ts';
import { write } from '../io.ts';
import { textFormats } from '../print/printer.ts';
import { scriptStatements } from '../statements.ts';
import { UsageError } from '../usage-error.ts';
import type { Shell } from './shell.ts';

interface DotCommand {
  /** What stands after the name in the help. */
  argument: string;
  summary: string;
  run(shell: Shell, argument: string): Promise<void>;
}

const commands: Record<string, DotCommand> = {
  '.help': {
    argument: '',
    summary: 'List these commands',
    run: (shell) => write(shell.state.io.stdout, dotHelp()),
  },
  '.mode': {
    argument: 'FORMAT',
    summary: `Write results as ${textFormats.join(', ')}`,
    async run({ state }, argument) {
      const format = textFormats.find((name) => name === argument);
      if (format === undefined) throw new UsageError(`.mode takes ${textFormats.join(', ')}`);
      state.format = format;
    },
  },
  '.quit': {
    argument: '',
    summary: 'Leave',
    async run({ state }) {
      state.done = true;
    },
  },
  '.read': {
    argument: 'FILE',
    summary: 'Run the statements of a file',
    async run(shell, argument) {
      if (argument === '') throw new UsageError('.read needs the name of a file');
      for (const statement of scriptStatements(readFileSync(argument, 'utf8'))) {
        await shell.run(statement);
      }
    },
  },
  '.schema': {
    argument: '[TABLE]',
    summary: 'Show the columns of a table, or of all',
    run: (shell, argument) => shell.run(argument === '' ? allColumns : `DESCRIBE ${argument}`),
  },
  '.tables': {
    argument: '',
    summary: 'List the tables and views',
    run: (shell) => shell.run('SHOW TABLES'),
  },
  '.timer': {
    argument: 'on|off',
    summary: 'Show how long each statement takes',
    async run({ state }, argument) {
      if (argument !== 'on' && argument !== 'off') throw new UsageError('.timer takes on or off');
      state.timer = argument === 'on';
    },
  },
};

export const dotNames = Object.keys(commands);

const allColumns = `SELECT table_name, column_name, data_type, is_nullable
  FROM information_schema.columns ORDER BY table_name, ordinal_position`;

/** What fingers that know psql type. */
const psqlNames: Readonly<Record<string, string>> = {
  '\\?': '.help',
  '\\d': '.tables',
  '\\dt': '.tables',
  '\\i': '.read',
  '\\q': '.quit',
};

/** Whether a line is a command of the shell, not SQL. */
export function isDotCommand(line: string): boolean {
  return /^\s*[.\\]/.test(line);
}

/** Runs a line that starts with a dot, or with a backslash as in psql. */
export async function runDotCommand(shell: Shell, line: string): Promise<void> {
  const [word, ...rest] = line.split(/\s+/);
  const isTable = word === '\\d' && rest.length > 0;
  const name = word === '.exit' ? '.quit' : isTable ? '.schema' : (psqlNames[word] ?? word);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    const near = nearestName(name, dotNames);
    throw new UsageError(`unknown command ${name}${near === undefined ? '' : `, not ${near}?`}`);
  }
  await command.run(shell, rest.join(' ').replace(/;$/, ''));
}

function dotHelp(): string {
  const rows = Object.entries(commands).map(([name, { argument, summary }]) => {
    return [`${name} ${argument}`, summary] as const;
  });
  return twoColumns(rows);
}
