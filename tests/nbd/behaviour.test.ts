import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { QuernError, sqlState } from '../../src/base/error.ts';
import { MemoryExport, StaticCatalog } from '../../src/server/nbd/memory-export.ts';
import {
  command,
  commandFlag,
  errorNumber,
  option,
  optionReply,
} from '../../src/server/nbd/protocol.ts';
import { NbdServer, type NbdServerOptions } from '../../src/server/nbd/server.ts';
import { infoData, RawClient, requestBytes } from './raw-client.ts';
import { SlowExport } from './slow-export.ts';

const folder = mkdtempSync(join(tmpdir(), 'quern-nbd-'));
after(() => rmSync(folder, { recursive: true }));
let sockets = 0;

const mebibyte = 1024 * 1024;

/** A server for one test, ended with it; its one export opens its gate as `gate` says. */
async function serve(
  gate: (what: string, offset: number) => Promise<void>,
  options: Partial<NbdServerOptions> = {},
) {
  const path = join(folder, `socket${sockets++}`);
  const disk = new SlowExport(new MemoryExport(64 * mebibyte), gate);
  const catalog = new StaticCatalog([['disk', disk]]);
  const server = new NbdServer({ catalog, ...options });
  await server.listen({ kind: 'unix', path });
  return {
    server,
    path,
    disk,
    [Symbol.asyncDispose]: () => server.close(0),
  };
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, `waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

test('replies come in the order in which requests are done', async () => {
  const open = new Map<number, () => void>();
  await using site = await serve((_, offset) => {
    return new Promise((resolve) => open.set(offset, resolve));
  });
  const client = await RawClient.open(site.path, 'disk');
  for (const cookie of [1n, 2n, 3n]) {
    client.send({ type: command.read, offset: cookie * 4096n, length: 4096, cookie });
  }
  await until(() => open.size === 3, 'all three are under way');
  for (const cookie of [3n, 1n, 2n]) {
    open.get(Number(cookie) * 4096)?.();
    assert.equal((await client.chunk()).cookie, cookie);
  }
  client.close();
});

test('what an export throws becomes an error reply', async () => {
  const codes: [string, number][] = [
    [sqlState.diskFull, errorNumber.noSpace],
    [sqlState.dataCorrupted, errorNumber.io],
    [sqlState.outOfMemory, errorNumber.noMemory],
    [sqlState.featureNotSupported, errorNumber.notSupported],
  ];
  await using site = await serve(async (_, offset) => {
    throw new QuernError(codes[offset / 4096][0], 'block 7 of volume disk is damaged');
  });
  const client = await RawClient.open(site.path, 'disk');
  for (const [index, [, error]] of codes.entries()) {
    for (const type of [command.read, command.trim, command.writeZeroes, command.cache]) {
      const [chunk] = await client.request({ type, offset: index * 4096, length: 200_000 });
      assert.equal(chunk.error, error);
      assert.match(chunk.payload.toString('utf8', 6), /block 7/);
    }
    const data = Buffer.alloc(100_000);
    assert.equal(await client.outcome({ type: command.write, offset: index * 4096, data }), error);
  }
  client.close();
  await until(() => site.server.connectionCount === 0, 'the connection is gone');
  assert.equal(site.server.pool.usedBytes, 0, 'failed requests give their memory back');
});

test('requests beyond the limit wait in the socket', async () => {
  let waiting: (() => void)[] = [];
  await using site = await serve(() => new Promise((resolve) => waiting.push(resolve)));
  const client = await RawClient.open(site.path, 'disk');
  const count = 1000;
  for (let i = 0; i < count; i++) client.send({ type: command.flush, cookie: BigInt(i) });
  await until(() => waiting.length === 128, 'as many as may are under way');
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(waiting.length, 128);
  let answered = 0;
  while (answered < count) {
    for (const resolve of waiting.splice(0)) resolve();
    await client.chunk();
    answered++;
  }
  waiting = [];
  client.close();
});

test('a client that does not read its replies stops being served, not the others', async () => {
  await using site = await serve(async () => {}, { memoryBytesMax: 64 * mebibyte });
  const greedy = await RawClient.open(site.path, 'disk');
  greedy.socket.pause();
  await fill(site.path);
  for (let i = 0; i < 200; i++) {
    const flags = commandFlag.dontFragment;
    greedy.send({ type: command.read, flags, length: mebibyte, cookie: BigInt(i) });
  }
  const modest = await RawClient.open(site.path, 'disk');
  for (let i = 0; i < 50; i++) await modest.readRange(0, 512);
  await until(() => site.server.pool.usedBytes > 0, 'the greedy one holds memory');
  assert.ok(site.server.pool.usedBytes <= 24 * mebibyte, 'and not more than its share');
  greedy.close();
  modest.close();
  await until(() => site.server.connectionCount === 0, 'both are gone');
  assert.equal(site.server.pool.usedBytes, 0);
});

async function fill(path: string): Promise<void> {
  const client = await RawClient.open(path, 'disk');
  await client.outcome({ type: command.write, data: Buffer.alloc(2 * mebibyte, 1) });
  client.close();
}

test('who holds memory that others wait for, and stands still, is let go', async () => {
  await using site = await serve(async () => {}, {
    memoryBytesMax: 64 * mebibyte,
    stallTimeoutMs: 1000,
  });
  const idle: RawClient[] = [];
  for (let i = 0; i < 2; i++) {
    const client = await RawClient.open(site.path, 'disk');
    client.socket.pause();
    const flags = commandFlag.dontFragment;
    client.send({ type: command.read, flags, length: 32 * mebibyte });
    idle.push(client);
  }
  await until(() => site.server.pool.usedBytes === 64 * mebibyte, 'the idle hold it all');
  const busy = await RawClient.open(site.path, 'disk');
  assert.equal(await busy.outcome({ type: command.write, data: Buffer.alloc(mebibyte) }), 0);
  assert.ok(site.server.connectionCount < 3, 'one of them had to go');
  for (const client of [...idle, busy]) client.close();
});

test('large writes are taken in parts: who announces much and sends little holds little', async () => {
  let broken = false;
  const written: number[] = [];
  const gate = async (what: string, offset: number) => {
    if (what !== 'write') return;
    written.push(offset);
    if (broken) throw new QuernError(sqlState.diskFull, 'no space left');
  };
  await using site = await serve(gate, { memoryBytesMax: 64 * mebibyte });
  const idle: RawClient[] = [];
  for (let i = 0; i < 40; i++) {
    const client = await RawClient.open(site.path, 'disk');
    client.socket.write(requestBytes({ type: command.write, length: 32 * mebibyte }));
    client.socket.write(Buffer.alloc(1000));
    idle.push(client);
  }
  const busy = await RawClient.open(site.path, 'disk');
  await until(() => site.server.pool.usedBytes >= 40 * mebibyte, 'all have announced');
  const data = Buffer.alloc(9 * mebibyte + 5, 0);
  for (let i = 0; i < data.length; i += 4096) data.writeUInt32LE(i, i);
  assert.equal(await busy.outcome({ type: command.write, offset: 3, data }), 0);
  assert.ok((await busy.readRange(3, data.length)).equals(data));
  assert.equal(new Set(written).size, 10, `${written}`);
  broken = true;
  assert.equal(await busy.outcome({ type: command.write, data }), errorNumber.noSpace);
  assert.equal(written.length, 11, 'nothing is written behind a failure');
  assert.equal((await busy.readRange(9 * mebibyte, 1)).length, 1, 'the stream goes on');
  broken = false;
  assert.equal(await busy.outcome({ type: command.write, data, flags: commandFlag.fua }), 0);
  for (const client of [...idle, busy]) client.close();
});

test('shutting down: what is under way is finished, what comes is refused', async () => {
  const waiting: (() => void)[] = [];
  await using site = await serve(() => new Promise((resolve) => waiting.push(resolve)));
  const client = await RawClient.open(site.path, 'disk');
  const haggler = await RawClient.greet(site.path);
  client.send({ type: command.write, cookie: 1n, data: Buffer.alloc(4096, 1) });
  await until(() => waiting.length === 1, 'the write is under way');
  const closed = site.server.close(1000);
  client.send({ type: command.write, cookie: 2n, data: Buffer.alloc(100_000, 2) });
  const refused = await client.chunk();
  assert.deepEqual([refused.cookie, refused.error], [2n, errorNumber.shutdown]);
  const [reply] = await haggler.option(option.go, infoData('disk'));
  assert.equal(reply.type, optionReply.errShutdown);
  setTimeout(() => waiting[0](), 1100);
  const finished = await client.chunk();
  assert.deepEqual([finished.cookie, finished.error], [1n, 0]);
  await client.ended();
  await closed;
  assert.equal(site.disk.closed, 1, 'the export was given up, once');
});

test('a client that vanishes: its writes come to their end, its export is given up', async () => {
  const waiting: (() => void)[] = [];
  await using site = await serve(() => new Promise((resolve) => waiting.push(resolve)));
  const client = await RawClient.open(site.path, 'disk');
  client.send({ type: command.write, data: Buffer.alloc(200_000, 1) });
  client.send({ type: command.read, length: mebibyte });
  await until(() => waiting.length === 2, 'both are under way');
  client.socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(site.disk.closed, 0, 'not while its requests are under way');
  const openAll = () => {
    for (const resolve of waiting.splice(0)) resolve();
    return site.disk.closed === 1;
  };
  await until(openAll, 'the export is given up');
  await until(() => site.server.pool.usedBytes === 0, 'all memory is back');
});

test('clients that vanish with replies on their way: all memory is back, once', async () => {
  await using site = await serve(async () => {}, { memoryBytesMax: 64 * mebibyte });
  await fill(site.path);
  for (let round = 0; round < 10; round++) {
    const leaving = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const client = await RawClient.open(site.path, 'disk');
        client.socket.on('error', () => {});
        client.socket.pause();
        for (let i = 0; i < 60; i++) {
          const flags = i % 3 === 0 ? commandFlag.dontFragment : 0;
          client.send({ type: command.read, flags, length: i % 2 === 0 ? mebibyte : 50_000 });
        }
        return client;
      }),
    );
    await until(() => site.server.pool.usedBytes > 4 * mebibyte, 'replies wait');
    for (const client of leaving) client.socket.destroy();
    await until(() => site.server.connectionCount === 0, 'all are gone');
    await until(() => site.server.pool.usedBytes === 0, 'all memory is back');
  }
});

test('clients beyond the limit are turned away', async () => {
  await using site = await serve(async () => {}, { connectionsMax: 2 });
  const clients = [await RawClient.greet(site.path), await RawClient.greet(site.path)];
  const third = await RawClient.connect(site.path);
  assert.equal((await third.ended()).length, 0);
  for (const client of clients) client.close();
});

test('a client that does not finish its handshake is let go', async () => {
  await using site = await serve(async () => {}, { handshakeTimeoutMs: 50 });
  const client = await RawClient.greet(site.path);
  client.socket.write('IHAVE');
  await client.ended();
});

test('a second server does not take the socket of the first; a dead one leaves it', async () => {
  await using site = await serve(async () => {});
  const other = new NbdServer({ catalog: new StaticCatalog([]) });
  const { path } = site;
  await assert.rejects(other.listen({ kind: 'unix', path }), { code: sqlState.objectInUse });
  await other.close(0);
});
