import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { QuernError, sqlState } from '../../../base/error.ts';

/** Who holds a lock, as the lock file says in JSON. */
export interface LockHolder {
  pid: number;
  host: string;
  /** When the process started, in clock ticks since boot; empty where the system does not tell. */
  started: string;
  /** When the lock was taken, ISO 8601. */
  since: string;
  command: string;
}

/** Tells a process from a later one with the same number: field 22 of /proc/PID/stat. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the name in parentheses and may contain anything.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function isAlive(holder: LockHolder): boolean {
  if (holder.host !== hostname()) return true; // Not ours to judge.
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return holder.started === '' || startOf(holder.pid) === holder.started;
}

function readHolder(path: string): { text: string; holder: LockHolder | undefined } | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  try {
    return { text, holder: JSON.parse(text) as LockHolder };
  } catch {
    return { text, holder: undefined };
  }
}

let count = 0;

/**
 * Makes sure that one process writes a file: `FILE.lock` names the holder. It appears complete or
 * not at all, because it is written under another name and linked. The lock of a process that is
 * gone is taken over: it is renamed away first, which only one of several can do, and what was
 * renamed is looked at again, in case it was a newer lock than the one that was judged.
 */
export class FileLock {
  readonly #path: string;
  readonly #text: string;

  constructor(path: string) {
    this.#path = `${path}.lock`;
    const holder: LockHolder = {
      pid: process.pid,
      host: hostname(),
      started: startOf(process.pid),
      since: new Date().toISOString(),
      command: process.argv.slice(0, 3).join(' '),
    };
    this.#text = JSON.stringify({ ...holder, number: count++ });
    const draft = `${this.#path}.${process.pid}.${count}`;
    writeFileSync(draft, this.#text, { mode: 0o600 });
    try {
      for (let attempt = 0; !this.#tryLink(draft); attempt++) {
        if (attempt === 3) throw this.#busy(readHolder(this.#path)?.holder);
        this.#removeStale(`${draft}.stale`);
      }
    } finally {
      unlinkSync(draft);
    }
  }

  #tryLink(draft: string): boolean {
    try {
      linkSync(draft, this.#path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw new QuernError(sqlState.ioError, `cannot lock ${this.#path}: ${String(error)}`, {
        cause: error,
      });
    }
  }

  #busy(holder: LockHolder | undefined): QuernError {
    const who =
      holder === undefined
        ? 'someone else'
        : `process ${holder.pid} on ${holder.host} (${holder.command}) since ${holder.since}`;
    return new QuernError(
      sqlState.objectInUse,
      `${this.#path.slice(0, -5)} is being written by ${who}`,
      {
        hint: 'Open it for reading, or let that process close it first.',
      },
    );
  }

  #removeStale(aside: string): void {
    const found = readHolder(this.#path);
    if (found === undefined) return;
    if (found.holder === undefined || isAlive(found.holder)) throw this.#busy(found.holder);
    try {
      renameSync(this.#path, aside);
    } catch {
      return; // Another process was quicker.
    }
    if (readHolder(aside)?.text !== found.text) {
      // Between the look and the rename, a living process took the lock: it gets it back.
      try {
        linkSync(aside, this.#path);
      } catch {
        // Yet another one holds it now; the first notices in `isHeld`.
      }
    }
    unlinkSync(aside);
  }

  /** Is the lock still ours? False after someone removed the file by hand. */
  isHeld(): boolean {
    return readHolder(this.#path)?.text === this.#text;
  }

  release(): void {
    try {
      if (this.isHeld()) unlinkSync(this.#path);
    } catch {
      // Removed by someone else: there is nothing left to do.
    }
  }
}
