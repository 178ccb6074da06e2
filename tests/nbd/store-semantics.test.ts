import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { command, commandFlag, option, optionReply } from '../../src/server/nbd/protocol.ts';
import { NbdServer } from '../../src/server/nbd/server.ts';
import { StoreCatalog } from '../../src/server/volumes/store-catalog.ts';
import { StoreVolumes } from '../../src/server/volumes/store-volumes.ts';
import { MemoryDevice, Store } from '../../src/store/index.ts';
import { RawClient } from './raw-client.ts';

const folder = mkdtempSync(join(tmpdir(), 'quern-semantics-'));
after(() => rmSync(folder, { recursive: true }));
let sockets = 0;

const mebibyte = 1 << 20;

/** A device that loses, when it crashes, everything since its last flush. */
class CrashingDevice extends MemoryDevice {
  #durable = new Uint8Array(0);

  override async flush(): Promise<void> {
    this.#durable = new Uint8Array(this.size());
    this.read(this.#durable, 0);
  }

  afterCrash(): CrashingDevice {
    const device = new CrashingDevice();
    device.write(this.#durable, 0);
    return device;
  }
}

async function serve(device = new CrashingDevice()) {
  const store = await Store.open(device);
  const catalog = new StoreCatalog(store);
  const server = new NbdServer({ catalog });
  const path = join(folder, `socket${sockets++}`);
  await server.listen({ kind: 'unix', path });
  return {
    store,
    volumes: new StoreVolumes(store, catalog),
    path,
    async [Symbol.asyncDispose]() {
      await server.close(0);
      await store.close();
    },
  };
}

test('a flush on one connection covers what was answered on every other', async () => {
  const device = new CrashingDevice();
  await using site = await serve(device);
  await site.store.createVolume('disk', mebibyte);
  const clients = await Promise.all([0, 1, 2].map(() => RawClient.open(site.path, 'disk')));
  const [first, second, third] = clients;
  const write = (client: RawClient, offset: number, value: number, flags = 0) =>
    client.outcome({ type: command.write, flags, offset, data: Buffer.alloc(4096, value) });
  for (let round = 1; round < 20; round++) {
    assert.equal(await write(first, 0, round), 0);
    assert.equal(await write(second, 4096, round), 0);
    assert.equal((await third.readRange(0, 1))[0], round, 'all see what was answered');
    if (round % 2 === 0) assert.equal(await third.outcome({ type: command.flush }), 0);
    else assert.equal(await write(third, 8192, round, commandFlag.fua), 0);
    const crashed = await Store.open(device.afterCrash());
    const found = crashed.volume('disk').read(0, 3 * 4096);
    if (round % 2 === 0) assert.deepEqual([found[0], found[4096]], [round, round]);
    else assert.equal(found[8192], round, 'FUA covers its own write');
    await crashed.close();
  }
  for (const client of clients) client.close();
});

test('a volume that grows under its clients: they go on, new ones see the new size', async () => {
  await using site = await serve();
  const { volumes, path } = site;
  await volumes.create('disk', mebibyte);
  const before = await RawClient.open(path, 'disk');
  await before.outcome({ type: command.write, offset: mebibyte - 10, data: Buffer.alloc(10, 7) });
  await volumes.resize('disk', 2 * mebibyte);
  assert.equal((await before.readRange(mebibyte - 1, 1))[0], 7);
  const after = await RawClient.open(path, 'disk');
  const data = Buffer.alloc(4096, 9);
  assert.equal(await after.outcome({ type: command.write, offset: 2 * mebibyte - 4096, data }), 0);
  assert.equal((await before.readRange(2 * mebibyte - 1, 1))[0], 9);
  await assert.rejects(volumes.resize('disk', mebibyte), /2 clients use 'disk'/);
  before.close();
  after.close();
});

test('thousands of exports are listed and opened', async () => {
  await using site = await serve();
  const count = 2000;
  const names = Array.from({ length: count }, (_, i) => `volume ${i}`);
  await Promise.all(names.map((name) => site.store.createVolume(name, mebibyte)));
  await site.volumes.takeSnapshot('volume 7', 'kept');
  const haggler = await RawClient.greet(site.path);
  haggler.socket.write(optionBytes(option.list));
  const listed: string[] = [];
  for (;;) {
    const { type, data } = await haggler.optionReply();
    if (type === optionReply.ack) break;
    listed.push(data.subarray(4, 4 + data.readUInt32BE(0)).toString());
  }
  assert.deepEqual(listed.sort(), [...names, 'volume 7@kept'].sort());
  haggler.close();
  const clients = await Promise.all(
    names.slice(0, 200).map((name) => RawClient.open(site.path, name)),
  );
  await Promise.all(
    clients.map((client, i) => client.outcome({ type: command.write, data: Buffer.alloc(512, i) })),
  );
  for (const [i, client] of clients.entries()) {
    assert.equal((await client.readRange(511, 1))[0], i & 255);
    client.close();
  }
});

/** An option without data. */
function optionBytes(which: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.write('IHAVEOPT');
  bytes.writeUInt32BE(which, 8);
  return bytes;
}
