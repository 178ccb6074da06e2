import { Readable, Writable } from 'node:stream';
import type { Io } from './io.ts';

/** Streams for a command under test, and what it has written to them. */
export interface Capture {
  io: Io;
  out(): string;
  err(): string;
  /** What went to stdout, undecoded. */
  bytes(): Uint8Array;
}

export function capture(stdin = ''): Capture {
  const [stdout, out] = collector();
  const [stderr, err] = collector();
  return {
    io: { stdin: Readable.from([stdin]), stdout, stderr },
    out: () => out().toString(),
    err: () => err().toString(),
    bytes: out,
  };
}

/** A stream, and a function that gives the bytes written to it. */
function collector(): [Writable, () => Buffer] {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  return [stream, () => Buffer.concat(chunks)];
}
