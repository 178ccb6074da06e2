import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';

/** What a command reads from and writes to; tests give streams of their own. */
export interface Io {
  stdin: Readable & { isTTY?: boolean };
  stdout: Writable & { isTTY?: boolean; columns?: number };
  stderr: Writable & { isTTY?: boolean; columns?: number };
}

/** Writes and, when the stream is full, waits until it takes more. */
export async function write(stream: Writable, data: string | Uint8Array): Promise<void> {
  if (data.length === 0) return;
  if (!stream.write(data)) await once(stream, 'drain');
}

/** Writes one line to stderr. */
export function complain(io: Io, line: string): void {
  io.stderr.write(`${line}\n`);
}

/**
 * Ends the program quietly when the reader of its output has gone, as in `quern … | head -1`: that
 * is no failure. Other trouble with the stream is.
 */
export function quitOnClosedPipe(io: Io): void {
  io.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    complain(io, `error: cannot write to stdout: ${error.message}`);
    process.exit(1);
  });
}
