import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { after, before, test } from 'node:test';
import { MemoryDevice, Store } from '../../store/index.ts';
import { StoreCatalog } from '../volumes/store-catalog.ts';
import { StoreVolumes } from '../volumes/store-volumes.ts';
import { HttpServer } from './http-server.ts';
import { TokenTable } from './tokens.ts';
import { volumeRoutes } from './volume-routes.ts';

const about = { title: 'Quern volumes', version: '1' };
const store = await Store.open(new MemoryDevice());
const catalog = new StoreCatalog(store);
const routes = volumeRoutes(new StoreVolumes(store, catalog));
const open = new HttpServer({ routes, ...about });
const guarded = new HttpServer({
  routes,
  ...about,
  tokens: TokenTable.parse(`# who may what
    reader-reader-reader volumes:read
    writer-writer-writer volumes:read,volumes:write
    master-master-master *`),
});
let base = '';
let guardedBase = '';

before(async () => {
  base = `http://localhost:${(await open.listen('localhost', 0)).port}/v1`;
  guardedBase = `http://localhost:${(await guarded.listen('localhost', 0)).port}/v1`;
});
after(async () => {
  await open.close();
  await guarded.close();
  await store.close();
});

interface Reply {
  status: number;
  type: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
  body: any;
}

async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const response = await fetch(path.startsWith('http') ? path : base + path, {
    method,
    headers: { connection: 'close', 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    body: text === '' ? undefined : JSON.parse(text),
  };
}

test('a volume from its making to its end', async () => {
  const made = await call('POST', '/volumes', { name: 'data', size: 1 << 20 });
  assert.equal(made.status, 201);
  const { created, ...rest } = made.body;
  assert.ok(Math.abs(Date.parse(created) - Date.now()) < 60_000);
  assert.deepEqual(rest, { name: 'data', size: 1 << 20, snapshots: 0, connections: 0 });
  const larger = await call('PATCH', '/volumes/data', { size: 3 << 20 });
  assert.equal(larger.body.size, 3 << 20);
  assert.equal((await call('POST', '/volumes/data/snapshots', { name: 'one' })).status, 201);
  store.volume('data').write(new Uint8Array(4096).fill(1), 8192);
  store.volume('data').write(new Uint8Array(4096).fill(1), 1 << 20);
  assert.equal((await call('POST', '/volumes/data/snapshots', { name: 'two' })).status, 201);
  const snapshots = await call('GET', '/volumes/data/snapshots');
  assert.deepEqual(
    snapshots.body.snapshots.map(({ name }: { name: string }) => name),
    ['one', 'two'],
  );
  const query = '/volumes/data/changes?since=one&to=two&limit=1';
  const first = await call('GET', query);
  assert.deepEqual(first.body, {
    ranges: [{ offset: 8192, length: 4096 }],
    nextOffset: 1 << 20,
  });
  const second = await call('GET', `${query}&offset=${first.body.nextOffset}`);
  assert.deepEqual(second.body, { ranges: [{ offset: 1 << 20, length: 4096 }] });
  const source = { volume: 'data', snapshot: 'one' };
  const clone = await call('POST', '/volumes', { name: 'copy', source });
  assert.deepEqual([clone.status, clone.body.origin], [201, 'data@one']);
  const usage = await call('GET', '/usage');
  assert.ok(usage.body.liveBytes > 8192 && usage.body.fileBytes >= usage.body.liveBytes);
  assert.equal((await call('DELETE', '/volumes/data/snapshots/one')).status, 204);
  assert.equal((await call('DELETE', '/volumes/data')).status, 204);
  const names = (await call('GET', '/volumes')).body.volumes.map((v: { name: string }) => v.name);
  assert.deepEqual(names, ['copy']);
  assert.equal((await call('DELETE', '/volumes/copy')).status, 204);
});

test('errors are problems', async () => {
  const absent = await call('GET', '/volumes/nothing');
  assert.equal(absent.type, 'application/problem+json');
  assert.deepEqual(absent.body, {
    type: 'urn:quern:problem:not-found',
    title: 'There is no such thing',
    status: 404,
    detail: "there is no volume 'nothing'",
    code: '42P01',
  });
  const wrong = await call('POST', '/volumes', { name: 'x', size: -1 });
  assert.equal(wrong.status, 400);
  assert.ok(wrong.body.errors.length > 0);
  const extra = await call('PATCH', '/volumes/nothing', { size: 1, colour: 'red' });
  assert.deepEqual(extra.body.errors[0].field, 'colour');
  await call('POST', '/volumes', { name: 'twice', size: 1 });
  assert.equal((await call('POST', '/volumes', { name: 'twice', size: 1 })).status, 409);
  assert.equal((await call('GET', '/nowhere')).status, 404);
  assert.equal((await call('PUT' as 'POST', '/volumes', {})).status, 405);
  const text = { 'content-type': 'text/plain' };
  assert.equal((await call('POST', '/volumes', { name: 'y', size: 1 }, text)).status, 415);
  const large = { name: 'z'.repeat(100_000), size: 1 };
  assert.equal((await call('POST', '/volumes', large)).status, 413);
  assert.equal((await call('GET', '/volumes/twice/changes?since=x&limit=-1')).status, 400);
  await call('DELETE', '/volumes/twice');
});

test('what a client uses is not deleted or shrunk under it', async () => {
  await call('POST', '/volumes', { name: 'busy', size: 8192 });
  const blocks = catalog.open('busy');
  assert.equal((await call('GET', '/volumes/busy')).body.connections, 1);
  assert.equal((await call('DELETE', '/volumes/busy')).status, 409);
  assert.equal((await call('PATCH', '/volumes/busy', { size: 4096 })).status, 409);
  assert.equal((await call('PATCH', '/volumes/busy', { size: 16384 })).status, 200);
  await blocks?.close();
  assert.equal((await call('DELETE', '/volumes/busy')).status, 204);
});

test('a request that repeats its key is answered like the first', async () => {
  const key = { 'idempotency-key': 'a-b-c' };
  const body = { name: 'once', size: 4096 };
  const [first, second] = await Promise.all([
    call('POST', '/volumes', body, key),
    call('POST', '/volumes', body, key),
  ]);
  assert.equal(first.status, 201);
  assert.deepEqual(second, first);
  const other = await call('POST', '/volumes', { ...body, size: 1 }, key);
  assert.equal(other.body.type, 'urn:quern:problem:key-reused');
  await call('DELETE', '/volumes/once');
});

test('tokens: none, unknown, too little, enough', async () => {
  const ask = (method: string, token?: string, body?: unknown) =>
    call(method, `${guardedBase}/volumes`, body, token ? { authorization: `Bearer ${token}` } : {});
  assert.equal((await ask('GET')).status, 401);
  assert.equal((await ask('GET', 'reader-reader-readeR')).status, 401);
  assert.equal((await ask('GET', 'reader-reader-reader')).status, 200);
  const body = { name: 'mine', size: 4096 };
  const refused = await ask('POST', 'reader-reader-reader', body);
  assert.deepEqual(
    [refused.status, refused.body.detail],
    [403, 'the scope volumes:write is needed'],
  );
  assert.equal((await ask('POST', 'writer-writer-writer', body)).status, 201);
  await store.delete('mine');
  assert.throws(() => TokenTable.parse('short *'), /line 1/);
  assert.throws(() => TokenTable.parse('long-enough-for-it all'), /line 1/);
});

test('without tokens, what comes through a browser is refused', async () => {
  const { port } = new URL(base);
  const status = (headers: Record<string, string>) =>
    new Promise((resolve, reject) => {
      const request = httpRequest({ port, host: 'localhost', path: '/v1/volumes', headers });
      request.once('response', (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      request.once('error', reject);
      request.end();
    });
  assert.equal(await status({ host: `localhost:${port}` }), 200);
  assert.equal(await status({ host: 'rebound.example' }), 421);
  assert.equal(await status({ host: `localhost:${port}`, origin: 'http://evil.example' }), 421);
});

test('the API describes itself', async () => {
  const { body } = await call('GET', '/openapi.json');
  assert.equal(body.openapi, '3.1.0');
  const operations = Object.values(body.paths).flatMap((path) => Object.values(path as object));
  const ids = operations.map(({ operationId }) => operationId);
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(ids.length, routes.length);
  const create = body.paths['/v1/volumes'].post;
  const [make, clone] = create.requestBody.content['application/json'].schema.anyOf;
  assert.deepEqual(make.required, ['name', 'size']);
  assert.deepEqual(clone.properties.source.required, ['volume']);
  const { parameters } = body.paths['/v1/volumes/{volume}/changes'].get;
  assert.deepEqual(
    parameters.map(({ name, in: where, required }: Record<string, unknown>) => [
      name,
      where,
      required,
    ]),
    [
      ['volume', 'path', true],
      ['since', 'query', true],
      ['to', 'query', false],
      ['offset', 'query', false],
      ['limit', 'query', false],
    ],
  );
});
