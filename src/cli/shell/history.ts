import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';

/** Entries kept from one session to the next. */
const entriesMax = 1000;

/**
 * The statements of earlier sessions, newest last, in a file of one JSON text a line: a statement
 * of several lines is one entry. A history that cannot be read or written is no reason to fail.
 */
export class History {
  readonly #path: string | undefined;
  readonly entries: string[] = [];

  /** `path` undefined: kept in memory only. */
  constructor(path: string | undefined) {
    this.#path = path;
    if (path === undefined || !existsSync(path)) return;
    try {
      const lines = readFileSync(path, 'utf8').split('\n');
      const entries = lines.flatMap(parseEntry).slice(-entriesMax);
      this.entries.push(...entries);
      if (lines.length > 2 * entriesMax) writeFileSync(path, entries.map(formatEntry).join(''));
    } catch {
      // See above.
    }
  }

  add(entry: string): void {
    if (entry === '' || this.entries.at(-1) === entry) return;
    this.entries.push(entry);
    if (this.#path === undefined) return;
    try {
      appendFileSync(this.#path, formatEntry(entry), { mode: 0o600 });
    } catch {
      // See above.
    }
  }
}

function formatEntry(entry: string): string {
  return `${JSON.stringify(entry)}\n`;
}

function parseEntry(line: string): string[] {
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === 'string' ? [entry] : [];
  } catch {
    return [];
  }
}

/** Where the history is: `$QUERN_HISTORY`, or a file in the home folder; '' switches it off. */
export function historyPath(): string | undefined {
  const path = process.env.QUERN_HISTORY ?? join(os.homedir(), '.quern_history');
  return path === '' ? undefined : path;
}
