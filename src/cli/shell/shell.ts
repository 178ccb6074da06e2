import { createInterface, type Interface } from 'node:readline/promises';
import { QuernError, sqlState } from '../../base/error.ts';
import { reportError } from '../command.ts';
import type { Database } from '../database.ts';
import { complain, type Io, write } from '../io.ts';
import { type OutputFormat, runStatement } from '../print/output.ts';
import { splitStatements } from '../statements.ts';
import { Completion } from './completion.ts';
import { isDotCommand, runDotCommand } from './dot-commands.ts';
import { History, historyPath } from './history.ts';
import { StatementProgress } from './statement-progress.ts';

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
  #running: AbortController | undefined;

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
    if (!this.continues && isDotCommand(line)) {
      await this.#guarded(() => runDotCommand(this, line.trim()));
      return line.trim();
    }
    const text = this.#pending === '' ? line : `${this.#pending}\n${line}`;
    const { statements, rest } = splitStatements(text);
    this.#pending = rest;
    for (const statement of statements) {
      // Who cancels a statement does not want those behind it on the line either.
      if (!(await this.#guarded(() => this.run(statement)))) break;
    }
    if (statements.length === 0) return undefined;
    return text.slice(0, text.length - rest.length).trim();
  }

  /**
   * Cancels the statement that runs. Gives what there was to cancel: the second time nothing but
   * the program is left.
   */
  interrupt(): 'statement' | 'program' | 'nothing' {
    if (this.#running === undefined) return 'nothing';
    if (this.#running.signal.aborted) return 'program';
    this.#running.abort();
    return 'statement';
  }

  /** Runs one statement and prints its result, and the time when the timer is on. */
  async run(statement: string): Promise<void> {
    const { database, format, io, timer } = this.state;
    const start = performance.now();
    const progress = new StatementProgress(io);
    this.#running = new AbortController();
    try {
      await runStatement(database, statement, format, io, {
        signal: this.#running.signal,
        onProgress: (now) => progress.update(now),
        onResult: () => progress.clear(),
      });
    } finally {
      this.#running = undefined;
      progress.clear();
    }
    if (timer) await write(io.stdout, `${(performance.now() - start).toFixed(1)} ms\n`);
  }

  /** An error ends the statement, not the shell. False if the statement was cancelled. */
  async #guarded(action: () => Promise<void>): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (error) {
      reportError(error, this.state.io);
      return !(error instanceof QuernError && error.code === sqlState.queryCanceled);
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
    const interrupted = shell.interrupt();
    if (interrupted === 'program') process.exit(130);
    if (interrupted === 'statement') return;
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
