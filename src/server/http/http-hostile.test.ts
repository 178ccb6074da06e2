import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { Random } from '../../base/random.ts';
import { MemoryDevice, Store } from '../../store/index.ts';
import { StoreCatalog } from '../volumes/store-catalog.ts';
import { StoreVolumes } from '../volumes/store-volumes.ts';
import { HttpMetrics } from './http-metrics.ts';
import { HttpServer } from './http-server.ts';
import { volumeRoutes } from './volume-routes.ts';

const store = await Store.open(new MemoryDevice());
const errors: unknown[] = [];
const metrics = new HttpMetrics();
const server = new HttpServer({
  routes: volumeRoutes(new StoreVolumes(store, new StoreCatalog(store))),
  title: 'Quern volumes',
  version: '1',
  metrics,
  connectionsMax: 120,
  requestTimeoutMs: 400,
  onError: (error) => errors.push(error),
});
let port = 0;

before(async () => {
  ({ port } = await server.listen('localhost', 0));
  await store.createVolume('disk', 1 << 20);
  await store.createVolume('kept', 1 << 20);
});
after(async () => {
  await server.close();
  await store.close();
});

/** Sends bytes as they are; resolves with all that came back, when the server hangs up. */
function exchange(
  pieces: readonly (string | Uint8Array)[],
  { pauseMs = 0, end = false } = {},
): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, 'localhost');
    let text = '';
    socket.on('data', (piece) => {
      text += piece.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
    void (async () => {
      for (const piece of pieces) {
        if (socket.destroyed) return;
        if (!socket.write(piece)) await Promise.race([drained(socket), closed(socket)]);
        if (pauseMs > 0) await new Promise((wait) => setTimeout(wait, pauseMs));
      }
      if (end) socket.end();
    })();
    setTimeout(() => socket.destroy(), 8000).unref();
  });
}

const drained = (socket: NodeJS.EventEmitter) =>
  new Promise((resolve) => socket.once('drain', resolve));
const closed = (socket: NodeJS.EventEmitter) =>
  new Promise((resolve) => socket.once('close', resolve));

const head = (method: string, path: string, more = '') =>
  `${method} ${path} HTTP/1.1\r\nhost: localhost\r\n${more}\r\n`;
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);

async function stillServes(): Promise<void> {
  const answer = await exchange([head('GET', '/v1/volumes/kept', 'connection: close\r\n')]);
  assert.equal(statusOf(answer), 200, answer);
}

test('a body without end is refused and not kept', async () => {
  const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
  const headers = 'content-type: application/json\r\ntransfer-encoding: chunked\r\n';
  const before = process.memoryUsage().rss;
  const all = Array.from({ length: 20 }, () =>
    exchange([head('POST', '/v1/volumes', headers), ...Array(400).fill(chunk)]),
  );
  for (const answer of await Promise.all(all)) {
    // The answer may be lost when the server hangs up on what still comes.
    if (answer !== '') assert.ok([408, 413].includes(statusOf(answer)), answer);
  }
  const growth = (process.memoryUsage().rss - before) / 2 ** 20;
  assert.ok(growth < 150, `500 MiB were offered, ${growth.toFixed(0)} MiB are kept`);
  await stillServes();
});

test('a body of 2 GiB that is only announced costs nothing', async () => {
  const headers = 'content-type: application/json\r\ncontent-length: 2147483648\r\n';
  const answer = await exchange([head('POST', '/v1/volumes', headers), '{"name":"x"']);
  assert.ok(answer === '' || statusOf(answer) >= 400, answer);
  await stillServes();
});

test('heads and bodies that come drop by drop are cut off, and others are served meanwhile', async () => {
  const began = performance.now();
  const drops = 'x: y\r\n'.repeat(200).match(/.{1,2}/gs) ?? [];
  const slowHead = exchange(['GET /v1/volumes HTTP/1.1\r\n', ...drops], { pauseMs: 50 });
  const headers = 'content-type: application/json\r\ncontent-length: 1000\r\n';
  const slowBody = exchange([head('POST', '/v1/volumes', headers), ...'{"name":1}'.repeat(50)], {
    pauseMs: 50,
  });
  await stillServes();
  assert.ok(/^$|408/.test(await slowHead), 'cut off');
  await slowBody;
  assert.ok(performance.now() - began < 7000, 'nobody may take as long as he likes');
});

test('a flood of headers is refused', async () => {
  const many = Array.from({ length: 5000 }, (_, i) => `x-${i}: ${'y'.repeat(20)}\r\n`).join('');
  assert.equal(statusOf(await exchange([head('GET', '/v1/volumes', many)])), 431);
  const long = `cookie: ${'z'.repeat(1 << 20)}\r\n`;
  assert.equal(statusOf(await exchange([head('GET', '/v1/volumes', long)])), 431);
  await stillServes();
});

test('pipelined requests are answered in order', async () => {
  const requests = Array.from({ length: 50 }, (_, i) => head('GET', `/v1/volumes/${i || 'disk'}`));
  requests.push(head('GET', '/v1/usage', 'connection: close\r\n'));
  const answer = await exchange([requests.join('')]);
  const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
  assert.deepEqual(statuses, [200, ...Array(49).fill(404), 200]);
});

test('bodies that are no JSON, no UTF-8, or of the wrong shape', async () => {
  const post = (body: Uint8Array | string, type = 'application/json') => {
    const headers = `content-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`;
    return exchange([head('POST', '/v1/volumes', `${headers}connection: close\r\n`), body]);
  };
  const bodies: (string | Uint8Array)[] = [
    '',
    '{',
    'null',
    '[]',
    '"x"',
    '{"name":"a"}',
    '{"name":"a","size":-1}',
    '{"name":"a","size":1e300}',
    '{"name":"a","size":1.5}',
    '{"name":"a","size":"1"}',
    '{"name":"a@b","size":1}',
    '{"name":"","size":1}',
    `{"name":"${'a'.repeat(300)}","size":1}`,
    '{"name":"a","size":1,"more":true}',
    '{"__proto__":{"size":1},"name":"a"}',
    `${'['.repeat(30_000)}`,
    Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
  ];
  for (const body of bodies) {
    const answer = await post(body);
    assert.equal(statusOf(answer), 400, `${body}: ${answer}`);
    assert.match(answer, /application\/problem\+json/);
  }
  assert.equal(statusOf(await post('{}', 'text/plain')), 415);
});

test('whatever is sent, there is an answer or an end, and the server goes on', async () => {
  const random = new Random(Number(process.env['QUERN_FUZZ_SEED'] ?? 1));
  const rounds = Number(process.env['QUERN_FUZZ_ROUNDS'] ?? 400);
  for (let round = 0; round < rounds; round += 20) {
    const wild = Array.from({ length: 20 }, () => exchange(wildRequest(random), { end: true }));
    for (const answer of await Promise.all(wild)) {
      assert.ok(answer === '' || statusOf(answer) >= 100, JSON.stringify(answer.slice(0, 200)));
      assert.doesNotMatch(answer, /HTTP\/1\.1 500/);
    }
  }
  await stillServes();
  assert.deepEqual(errors, []);
  // Neither do strangers fill the table of metrics with names of their own.
  assert.ok(metrics.routes.size <= 14, [...metrics.routes.keys()].join());
});

const words = [
  ...[
    '/v1/volumes',
    '/v1/volumes/disk',
    '/v1/volumes/disk/changes?since=x',
    '/v1/usage',
    '*',
    '//',
  ],
  ...[
    '/v1/volumes/%00',
    '/v1/volumes/%zz',
    '/v1/volumes/disk/snapshots',
    'http://[',
    '/?a=%',
    '\\',
  ],
  ...['/v1/volumes/disk/restore', '/v1/openapi.json', `/${'a/'.repeat(2000)}`, '/v1/volumes/é'],
  ...['/v1/volumes/disk/changes?since=a&offset=99999999999999999', '/v1/volumes/../../etc'],
];
const headerLines = [
  'content-type: application/json\r\n',
  'content-type: application/octet-stream\r\n',
  'content-length: 5\r\n',
  'content-length: -1\r\n',
  'content-length: 5\r\ncontent-length: 6\r\n',
  'transfer-encoding: chunked\r\n',
  'transfer-encoding: gzip\r\n',
  'host: evil.example\r\n',
  'idempotency-key: x\r\n',
  'expect: 100-continue\r\n',
  'upgrade: websocket\r\nconnection: upgrade\r\n',
  'authorization: Bearer \r\n',
  ': nothing\r\n',
  'a\r\n b\r\n',
  'x: \0\r\n',
];

/** A request that is nearly right, cut and changed somewhere; then the client says no more. */
function wildRequest(random: Random): (string | Uint8Array)[] {
  const method = random.pick(['GET', 'POST', 'PATCH', 'DELETE', 'PUT', 'HEAD', 'CONNECT', 'G\0T']);
  let text = `${method} ${random.pick(words)} HTTP/${random.pick(['1.1', '1.0', '2.0', '9'])}\r\n`;
  if (random.chance(0.9)) text += 'host: localhost\r\n';
  for (let i = random.int(0, 4); i > 0; i--) text += random.pick(headerLines);
  text += `connection: close\r\n\r\n${random.pick(['', 'abcde', '{"name":"n","size":1}', '5\r\nab'])}`;
  const bytes = Buffer.from(text);
  for (let i = random.int(0, 2); i > 0; i--) {
    bytes[random.int(0, bytes.length - 1)] = random.int(0, 255);
  }
  const length = random.chance(0.2) ? random.int(0, bytes.length) : bytes.length;
  return [bytes.subarray(0, length), '\r\n\r\n'];
}
