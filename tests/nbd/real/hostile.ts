import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { command, commandFlag } from '../../../src/server/nbd/protocol.ts';
import { openStoreFile } from '../../../src/store/node/store-file.ts';
import { RawClient, requestBytes } from '../raw-client.ts';

const mebibyte = 1 << 20;

/**
 * A hundred and more hostile clients against a server of its own process: its memory stays below
 * what it says, and an honest client is served all the time.
 */
export function hostileTests(): void {
  test('hostile clients: memory has its bound, others are served', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'quern-hostile-'));
    const file = join(folder, 'volumes.quern');
    const store = await openStoreFile(file);
    const disk = await store.createVolume('disk', 256 * mebibyte);
    for (let at = 0; at < 256; at++) disk.write(new Uint8Array(mebibyte).fill(at), at * mebibyte);
    await store.close();
    const socket = join(folder, 'socket');
    const server = await startServer(file, socket);
    const clients: RawClient[] = [];
    try {
      const honest = await RawClient.open(socket, 'disk');
      const calm = await serveFor(1000, honest, server);
      for (let i = 0; i < 100; i++) clients.push(await announceAndStop(socket));
      for (let i = 0; i < 40; i++) clients.push(await askAndNotRead(socket));
      for (let i = 0; i < 20; i++) clients.push(await halfHandshake(socket));
      for (let i = 0; i < 10; i++) clients.push(await drip(socket));
      const attacked = await serveFor(6000, honest, server);
      // Large requests wait until those who stand still are let go, after ten seconds.
      const began = performance.now();
      const data = Buffer.alloc(8 * mebibyte, 1);
      assert.equal(await honest.outcome({ type: command.write, data }), 0);
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      for (const client of clients) client.close();
      const later = await serveFor(500, honest, server);
      honest.close();
      t.diagnostic(`calm: ${tell(calm)}`);
      t.diagnostic(`attacked by ${clients.length}: ${tell(attacked)}; 8 MiB after ${seconds} s`);
      t.diagnostic(`later: ${tell(later)}`);
      assert.ok(attacked.peak < calm.peak + 450, `memory: ${tell(attacked)}`);
      assert.ok(attacked.median < 100 && attacked.count > 20, `service: ${tell(attacked)}`);
    } finally {
      for (const client of clients) client.close();
      server.kill('SIGTERM');
      if (server.exitCode === null) await once(server, 'exit');
      rmSync(folder, { recursive: true });
    }
  });
}

interface Service {
  /** Requests answered, and milliseconds for one. */
  count: number;
  median: number;
  worst: number;
  /** MiB of resident memory. */
  peak: number;
}

function tell({ count, median, worst, peak }: Service): string {
  const times = `median ${median.toFixed(2)} ms, worst ${worst.toFixed(1)} ms`;
  return `${count} requests, ${times}, memory at most ${peak.toFixed(0)} MiB`;
}

/** Reads and writes 4 KiB, one at a time, and watches the server's memory. */
async function serveFor(
  milliseconds: number,
  client: RawClient,
  server: ChildProcess,
): Promise<Service> {
  const end = performance.now() + milliseconds;
  const times: number[] = [];
  let peak = 0;
  for (let i = 0; performance.now() < end; i++) {
    const began = performance.now();
    const offset = ((i * 7919) % 65536) * 4096;
    if (i % 2 === 0) {
      assert.equal((await client.readRange(offset, 4096)).length, 4096);
    } else {
      const data = Buffer.alloc(4096, i);
      assert.equal(await client.outcome({ type: command.write, offset, data }), 0);
    }
    times.push(performance.now() - began);
    if (i % 50 === 0) peak = Math.max(peak, residentMebibytes(server));
  }
  times.sort((a, b) => a - b);
  const median = times[times.length >> 1];
  return { count: times.length, median, worst: times[times.length - 1], peak };
}

function residentMebibytes({ pid }: ChildProcess): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** Announces 32 MiB, sends a part of it, and stands still. */
async function announceAndStop(socket: string): Promise<RawClient> {
  const client = await quiet(RawClient.open(socket, 'disk'));
  client.socket.write(requestBytes({ type: command.write, length: 32 * mebibyte }));
  client.socket.write(Buffer.alloc(300_000));
  return client;
}

/** Asks for 1 GiB in large and small pieces and takes none of it. */
async function askAndNotRead(socket: string): Promise<RawClient> {
  const client = await quiet(RawClient.open(socket, 'disk'));
  client.socket.pause();
  for (let i = 0; i < 1000; i++) {
    const length = i % 2 === 0 ? 2 * mebibyte : 60_000;
    const flags = i % 3 === 0 ? commandFlag.dontFragment : 0;
    const offset = (i % 200) * mebibyte;
    client.send({ type: command.read, flags, offset, length, cookie: BigInt(i) });
  }
  return client;
}

/** An option that never ends. */
async function halfHandshake(socket: string): Promise<RawClient> {
  const client = await quiet(RawClient.greet(socket));
  const head = Buffer.alloc(16);
  head.write('IHAVEOPT');
  head.writeUInt32BE(7, 8);
  head.writeUInt32BE(100_000, 12);
  client.socket.write(head);
  client.socket.write(Buffer.alloc(50_000));
  return client;
}

/** Requests byte by byte. */
async function drip(socket: string): Promise<RawClient> {
  const client = await quiet(RawClient.open(socket, 'disk'));
  const bytes = requestBytes({ type: command.write, offset: 0, data: Buffer.alloc(100_000) });
  let at = 0;
  const timer = setInterval(() => {
    if (client.socket.destroyed || at >= bytes.length) clearInterval(timer);
    else client.socket.write(bytes.subarray(at, ++at));
  }, 5);
  return client;
}

/** A client whose connection may break without anybody caring. */
async function quiet(opening: Promise<RawClient>): Promise<RawClient> {
  const client = await opening;
  client.socket.on('error', () => {});
  return client;
}

async function startServer(file: string, socket: string): Promise<ChildProcess> {
  const program = new URL('../../../../bin/quern.js', import.meta.url).pathname;
  const child = spawn(process.execPath, [program, 'serve', file, '--nbd', `unix:${socket}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await new Promise<void>((resolve, reject) => {
    let text = '';
    child.stderr.on('data', (piece) => {
      text += piece;
      if (text.includes('serving')) resolve();
    });
    child.once('exit', () => reject(new Error(`the server does not start: ${text}`)));
  });
  return child;
}
