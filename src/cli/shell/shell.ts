import { createInterface, type Interface } from 'node:readline/promises';
import { reportError } from '../command.ts';
import type { Database } from '../database.ts';
import { complain, type Io, write } from '../io.ts';
import { type OutputFormat, runStatement } from '../print/output.ts';
import { splitStatements } from '../statements.ts';
import { Completion } from './completion.ts';
import { runDotCommand } from './dot-commands.ts';
import { History, historyPath } from './history.ts';

const firstPrompt = 'quern> ';
const nextPrompt = '   ... ';

/** What the dot commands change and the shell obeys. */
export interface ShellState {
  readonly database: Database;
  readonly io: Io;
  format: OutputFormat;
  timer: boolean;
  /** Set by `.quit`. */
  done: boolean;
}

/**
 * Takes lines and runs each statement when its semicolon is there; knows nothing of terminals, so
 * that scripts and tests can feed it.
 */
export class Shell {
  readonly state: ShellState;
  #pending = '';

  constructor(state: ShellState) {
    this.state = state;
  }

  /** Whether the next line continues a statement. */
  get continues(): boolean {
    return this.#pending !== '';
  }

  /** Forgets the lines of a statement that is not complete. */
  clear(): void {
    this.#pending = '';
  }

  /** Runs what the line completes. Gives that text for the history, or undefined. */
  async takeLine(line: string): Promise<string | undefined> {
    if (!this.continues && line.trimStart().startsWith('.')) {
      await this.#guarded(() => runDotCommand(this, line.trim()));
      return line.trim();
    }
    const text = this.#pending === '' ? line : `${this.#pending}\n${line}`;
    const { statements, rest } = splitStatements(text);
    this.#pending = rest;
    for (const statement of statements) await this.#guarded(() => this.run(statement));
    if (statements.length === 0) return undefined;
    return text.slice(0, text.length - rest.length).trim();
  }

  /** Runs one statement and prints its result, and the time when the timer is on. */
  async run(statement: string): Promise<void> {
    const { database, format, io, timer } = this.state;
    const start = performance.now();
    await runStatement(database, statement, format, io);
    if (timer) await write(io.stdout, `${(performance.now() - start).toFixed(1)} ms\n`);
  }

  /** An error ends the statement, not the shell. */
  async #guarded(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      reportError(error, this.state.io);
    }
  }
}

/** The shell on a terminal: prompt, history, completion. Returns the exit code. */
export async function runShell(
  database: Database,
  io: Io,
  { format }: { format: OutputFormat },
): Promise<number> {
  const shell = new Shell({ database, io, format, timer: false, done: false });
  const history = new History(historyPath());
  const completion = new Completion(database);
  const terminal = createInterface({
    input: io.stdin,
    output: io.stdout,
    prompt: firstPrompt,
    history: history.entries.map(oneLine).reverse(),
    historySize: 1000,
    removeHistoryDuplicates: true,
    completer: (line: string) => completion.complete(line),
  });
  await write(io.stdout, 'Quern: statements end with a semicolon, .help lists the commands\n');
  terminal.on('SIGINT', () => {
    if (!shell.continues && terminal.line === '') complain(io, '\n.quit or Ctrl-D leaves');
    else io.stdout.write('\n');
    shell.clear();
    terminal.write(null, { ctrl: true, name: 'u' });
    terminal.setPrompt(firstPrompt);
    terminal.prompt();
  });
  terminal.prompt();
  for await (const line of terminal) {
    const entry = await shell.takeLine(line);
    if (entry !== undefined) {
      history.add(entry);
      rememberStatement(terminal, entry);
    }
    if (shell.state.done) break;
    terminal.setPrompt(shell.continues ? nextPrompt : firstPrompt);
    terminal.prompt();
  }
  terminal.close();
  return 0;
}

/** A statement of several lines comes back by one key: its lines become one entry. */
function rememberStatement(terminal: Interface, entry: string): void {
  const lines = entry.split('\n');
  const kept = (terminal as Interface & { history?: string[] }).history;
  if (kept === undefined || lines.length < 2) return;
  const line = oneLine(entry);
  if (line.includes('\n')) return;
  const own = new Set(lines);
  while (kept.length > 0 && own.has(kept[0])) kept.shift();
  kept.unshift(line);
}

/** A text on one line, unless it has a comment that only a line's end would end. */
function oneLine(text: string): string {
  return text.includes('--') ? text : text.split(/\s*\n\s*/).join(' ');
}
