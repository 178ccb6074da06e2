import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryDevice, Store } from '../../store/index.ts';
import { RequestMap } from '../volumes/request-map.ts';
import { StoreCatalog } from '../volumes/store-catalog.ts';
import { StoreVolumes } from '../volumes/store-volumes.ts';
import { HttpServer } from './http-server.ts';
import { IdempotencyTable, type RequestRecord, type StoredResponse } from './idempotency.ts';
import { volumeRoutes } from './volume-routes.ts';

const created: StoredResponse = { status: 201, type: 'application/json', body: '{}' };

/** An archive that can be looked into, and that a crash leaves as it is. */
class MapArchive {
  readonly records = new Map<string, RequestRecord>();
  async load(): Promise<Map<string, RequestRecord>> {
    return new Map(this.records);
  }
  async save(id: string, record: RequestRecord): Promise<void> {
    this.records.set(id, record);
  }
  async forget(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.records.delete(id);
  }
}

test('a server that was killed in the middle asks its successor to look', async () => {
  const archive = new MapArchive();
  const killed = await IdempotencyTable.open(archive);
  const never = new Promise<StoredResponse>(() => {});
  void killed.respond('', 'key', 'POST', () => never);
  await new Promise(setImmediate);
  const successor = await IdempotencyTable.open(archive);
  const told: (number | undefined)[] = [];
  const work = async (begunBefore?: number) => {
    told.push(begunBefore);
    return created;
  };
  assert.deepEqual(await successor.respond('', 'key', 'POST', work), created);
  assert.deepEqual(await successor.respond('', 'key', 'POST', work), created);
  const [{ time }] = archive.records.values();
  assert.deepEqual(told, [time], 'done once, and with a warning');
});

test('failures of the server are forgotten, refusals are not', async () => {
  const archive = new MapArchive();
  const table = await IdempotencyTable.open(archive);
  const failed = { ...created, status: 500 };
  await table.respond('', 'key', 'POST', async () => failed);
  assert.equal(archive.records.size, 0);
  const refused = { ...created, status: 409 };
  await table.respond('', 'key', 'POST', async () => refused);
  assert.deepEqual(await table.respond('', 'key', 'POST', async () => created), refused);
});

test('records end after a day, and there are never more than ten thousand', async () => {
  const archive = new MapArchive();
  const day = 24 * 3600_000;
  for (let i = 0; i < 10_100; i++) {
    const time = Date.now() - (i < 50 ? day : 1000) + i;
    archive.records.set(`old ${i}`, { fingerprint: '', time, response: created });
  }
  const table = await IdempotencyTable.open(archive);
  await table.respond('', 'key', 'POST', async () => created);
  assert.equal(archive.records.size, 10_000);
  assert.ok(!archive.records.has('old 100') && archive.records.has('old 101'));
});

/** The API on a store that outlives it. */
async function openSite(device: MemoryDevice) {
  const store = await Store.open(device);
  const archive = new RequestMap(store);
  const volumes = new StoreVolumes(store, new StoreCatalog(store));
  const routes = volumeRoutes(volumes);
  const server = new HttpServer({ routes, title: 't', version: '1', archive });
  const { port } = await server.listen('localhost', 0);
  const send = (method: string, path: string, key: string, body?: object) =>
    fetch(`http://localhost:${port}/v1/volumes${path}`, {
      method,
      headers: { 'idempotency-key': key, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  return {
    archive,
    send,
    async [Symbol.asyncDispose]() {
      await server.close();
      await store.close();
    },
  };
}

const disk = { name: 'disk', size: 8192 };

test('keys hold across a restart of the server, in the store that they are about', async () => {
  const device = new MemoryDevice();
  for (let round = 0; round < 2; round++) {
    await using site = await openSite(device);
    const { send } = site;
    const first = await send('POST', '', 'make', disk);
    assert.equal(first.status, 201, `round ${round}`);
    assert.equal((await first.json()).size, 8192);
    assert.equal((await send('POST', '', 'other', disk)).status, 409);
    assert.equal((await send('POST', '', 'make', { ...disk, size: 1 })).status, 422);
    assert.equal((await send('DELETE', '/nothing', 'x'.repeat(256))).status, 400);
  }
});

test('what a crash hid is told from what others did', async () => {
  const device = new MemoryDevice();
  {
    await using site = await openSite(device);
    const { send, archive } = site;
    assert.equal((await send('POST', '', 'make', disk)).status, 201);
    assert.equal((await send('POST', '', 'brief', { ...disk, name: 'brief' })).status, 201);
    assert.equal((await send('DELETE', '/brief', 'end')).status, 204);
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal((await send('POST', '', 'late', disk)).status, 409);
    for (const [id, record] of await archive.load()) {
      await archive.save(id, { ...record, response: undefined });
    }
  }
  await using site = await openSite(device);
  const { send } = site;
  assert.equal((await send('POST', '', 'make', disk)).status, 201, 'it was made, by this request');
  assert.equal((await send('POST', '', 'late', disk)).status, 409, 'it was there before');
  assert.equal((await send('DELETE', '/brief', 'end')).status, 204, 'it was deleted');
  assert.equal((await send('DELETE', '/brief', 'new')).status, 404);
});
