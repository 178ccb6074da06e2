import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Random } from '../../../src/base/random.ts';
import { command, commandFlag } from '../../../src/server/nbd/protocol.ts';
import { openStoreFile } from '../../../src/store/node/store-file.ts';
import { RawClient } from '../raw-client.ts';

const rounds = Number(process.env['QUERN_CRASH_ROUNDS'] ?? 25);
const blockCount = 512;
const blockBytes = 4096;

/**
 * What was written under FUA, or before a flush that was answered, is there after `kill -9`: each
 * block carries the number of the write that wrote it, and none may be older than promised.
 */
export function crashTests(): void {
  test(`kill -9 under load, ${rounds} times`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'quern-crash-'));
    try {
      const file = join(folder, 'volumes.quern');
      const store = await openStoreFile(file);
      await store.createVolume('disk', blockCount * blockBytes);
      await store.close();
      const state = new Promises();
      for (let round = 1; round <= rounds; round++) {
        await crash(file, join(folder, 'socket'), state, new Random(round));
      }
      assert.ok(state.durableCount > rounds, 'there was something to lose');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

/** For each block: the newest write sent, and the oldest that may be found. */
class Promises {
  readonly sent = new Uint32Array(blockCount);
  readonly answered = new Uint32Array(blockCount);
  readonly durable = new Uint32Array(blockCount);
  next = 1;
  durableCount = 0;

  flushed(answered: Uint32Array): void {
    for (let i = 0; i < blockCount; i++) {
      if (answered[i] > this.durable[i]) this.durableCount++;
      this.durable[i] = Math.max(this.durable[i], answered[i]);
    }
  }
}

async function crash(file: string, socket: string, state: Promises, random: Random): Promise<void> {
  const server = await serve(file, socket);
  const client = await RawClient.open(socket, 'disk');
  await check(client, state);
  const killed = setTimeout(() => server.kill('SIGKILL'), 5 + random.int(0, 60));
  try {
    for (;;) await writeSome(client, state, random);
  } catch {
    // The server is gone, as it should be.
  }
  clearTimeout(killed);
  client.close();
  if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
}

async function serve(file: string, socket: string): Promise<ChildProcess> {
  const program = new URL('../../../../bin/quern.js', import.meta.url).pathname;
  const child = spawn(process.execPath, [program, 'serve', file, '--nbd', `unix:${socket}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', (piece) => {
      text += piece;
      if (text.includes('serving')) resolve();
    });
    child.once('exit', () => reject(new Error(`the server does not start: ${text}`)));
  });
  return child;
}

/** Eight writes at once, some of them durable; then, mostly, a flush. */
async function writeSome(client: RawClient, state: Promises, random: Random): Promise<void> {
  const blocks = new Set<number>();
  while (blocks.size < 8) blocks.add(random.int(0, blockCount - 1));
  const flags = random.int(0, 7) === 0 ? commandFlag.fua : 0;
  for (const block of blocks) {
    state.sent[block] = state.next++;
    const data = Buffer.alloc(blockBytes, `${state.sent[block]}\n`);
    data.writeUInt32LE(state.sent[block]);
    const cookie = BigInt(block);
    client.send({ type: command.write, flags, offset: block * blockBytes, data, cookie });
  }
  for (let i = 0; i < blocks.size; i++) {
    const { cookie, error } = await client.chunk();
    assert.equal(error, 0);
    const block = Number(cookie);
    state.answered[block] = state.sent[block];
    if (flags !== 0) state.durable[block] = state.sent[block];
  }
  if (random.int(0, 3) === 0) return;
  const answered = state.answered.slice();
  assert.equal(await client.outcome({ type: command.flush }), 0);
  state.flushed(answered);
}

async function check(client: RawClient, state: Promises): Promise<void> {
  for (let block = 0; block < blockCount; block++) {
    const data = await client.readRange(block * blockBytes, blockBytes);
    const found = data.readUInt32LE();
    assert.ok(
      found >= state.durable[block] && found <= state.sent[block],
      `block ${block}: found write ${found}, promised ${state.durable[block]}`,
    );
    const whole = Buffer.alloc(blockBytes, found === 0 ? 0 : `${found}\n`);
    whole.writeUInt32LE(found);
    assert.ok(data.equals(whole), `block ${block} is whole`);
    // What was found is what there is now.
    state.answered[block] = found;
    state.sent[block] = found;
    state.durable[block] = found;
  }
}
