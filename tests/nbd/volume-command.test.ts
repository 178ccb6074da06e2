import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { after, before, test } from 'node:test';
import { main } from '../../src/cli/main.ts';
import { command, errorNumber } from '../../src/server/nbd/protocol.ts';
import type { ServerEvent } from '../../src/server/server-event.ts';
import { type Service, startService } from '../../src/server/service.ts';
import { HttpVolumes } from '../../src/server/volumes/http-volumes.ts';
import { RawClient } from './raw-client.ts';

const folder = mkdtempSync(join(tmpdir(), 'quern-volume-'));
const file = join(folder, 'volumes.quern');
const tokens = join(folder, 'tokens');
writeFileSync(tokens, 'the-token-of-this-test *\n');
let service: Service;
let server = '';

before(async () => {
  const nbd = [`unix:${join(folder, 'socket')}`];
  service = await startService({ file, nbd, http: 'localhost:0', tokens, version: '1' });
  server = new URL(service.addresses[1]).origin;
});
after(async () => {
  await service.close();
  rmSync(folder, { recursive: true });
});

async function volume(...args: string[]) {
  const texts = ['', ''];
  const [stdout, stderr] = texts.map((_, i) => {
    return new Writable({
      write(chunk, _encoding, done) {
        texts[i] += chunk;
        done();
      },
    });
  });
  const all = ['volume', ...args, '--server', server, '--token', 'the-token-of-this-test'];
  const code = await main(all, { stdin: Readable.from([]), stdout, stderr });
  return { code, out: texts[0], err: texts[1] };
}

test('volumes are made, kept, cloned, changed, listed and deleted', async () => {
  assert.match((await volume('create', 'data', '--size', '1GiB')).out, /^data +1073741824 /m);
  assert.match((await volume('snapshot', 'data', 'one')).out, /^one +1073741824 /m);
  assert.match((await volume('clone', 'data@one', 'copy')).out, /data@one$/m);
  assert.match((await volume('resize', 'copy', '--size', '2GiB')).out, /^copy +2147483648 /m);
  const list = JSON.parse((await volume('list', '--json')).out);
  assert.deepEqual(
    list.map(({ name, snapshots }: Record<string, unknown>) => [name, snapshots]),
    [
      ['copy', 0],
      ['data', 1],
    ],
  );
  assert.match((await volume('snapshots', 'data')).out, /^one /m);
  assert.deepEqual(await volume('changes', 'data', '--since', 'one'), {
    code: 0,
    out: '',
    err: '',
  });
  assert.equal((await volume('delete', 'data@one')).code, 0);
  assert.equal((await volume('delete', 'data')).code, 0);
  assert.equal((await volume('delete', 'copy')).code, 0);
  assert.equal((await volume('list')).out, '');
});

test('a backup, one of changes, and both restored', async () => {
  await volume('create', 'source', '--size', '8MiB');
  const client = await RawClient.open(join(folder, 'socket'), 'source');
  const write = (offset: number, text: string) =>
    client.outcome({ type: command.write, offset, data: Buffer.alloc(100_000, text) });
  await write(1_000_000, 'first');
  await volume('snapshot', 'source', 'one');
  await write(1_050_000, 'second');
  await write(6_000_000, 'third');
  await volume('snapshot', 'source', 'two');
  const whole = join(folder, 'whole');
  const changes = join(folder, 'changes');
  assert.equal((await volume('backup', 'source@one', '--out', whole)).code, 0);
  const since = ['--since', 'one', '--out', changes];
  assert.equal((await volume('backup', 'source@two', ...since)).code, 0);
  assert.match((await volume('restore', 'target', whole)).out, /^one /m);
  assert.match((await volume('restore', 'target', changes)).out, /^two /m);
  const other = await RawClient.open(join(folder, 'socket'), 'target@two');
  const size = 8 * 1024 * 1024;
  assert.ok((await client.readRange(0, size)).equals(await other.readRange(0, size)));
  const usage = JSON.parse((await volume('usage', 'source', '--json')).out);
  assert.ok(usage.referencedBytes > 200_000 && usage.exclusiveBytes < usage.sharedBytes);
  client.close();
  other.close();
  const damaged = readFileSync(whole);
  damaged[damaged.length >> 1] ^= 1;
  writeFileSync(whole, damaged);
  const refused = await volume('restore', 'broken', whole);
  assert.match(refused.err, /damaged/);
  assert.doesNotMatch((await volume('list')).out, /broken/);
});

test('snapshots are served read-only and stay as they were, clones are writable', async () => {
  const socket = join(folder, 'socket');
  await volume('create', 'base', '--size', '1MiB');
  const base = await RawClient.open(socket, 'base');
  const put = (client: RawClient, text: string) =>
    client.outcome({ type: command.write, data: Buffer.from(text) });
  await put(base, 'before');
  await volume('snapshot', 'base', 'kept');
  await put(base, 'after!');
  await volume('clone', 'base@kept', 'branch');
  const kept = await RawClient.open(socket, 'base@kept');
  const branch = await RawClient.open(socket, 'branch');
  assert.equal(await put(kept, 'never!'), errorNumber.notPermitted);
  assert.equal((await kept.readRange(0, 6)).toString(), 'before');
  assert.equal((await branch.readRange(0, 6)).toString(), 'before');
  assert.equal(await put(branch, 'branch'), 0);
  const texts = [base, kept, branch].map(async (client) => String(await client.readRange(0, 6)));
  assert.deepEqual(await Promise.all(texts), ['after!', 'before', 'branch']);
  assert.match((await volume('delete', 'base@kept')).err, /a client uses 'base@kept'/);
  for (const client of [base, kept, branch]) client.close();
});

test('what goes wrong is said in a line', async () => {
  assert.deepEqual(await volume('delete', 'nothing'), {
    code: 1,
    out: '',
    err: "error: there is no volume 'nothing'\n",
  });
  assert.match((await volume('create', 'x')).err, /--size SIZE is needed/);
  assert.match((await volume('snapshot', 'x')).err, /SNAPSHOT is missing/);
  server = 'http://localhost:1';
  assert.match((await volume('list')).err, /no answer from a Quern server.*hint: Start one/s);
});

test('a service does not start without protection where strangers can reach it', async () => {
  const other = join(folder, 'other.quern');
  const options = { file: other, nbd: [], version: '1' };
  await assert.rejects(startService({ ...options, http: '0.0.0.0:0' }), /needs tokens/);
  await assert.rejects(startService({ ...options, tlsVerify: true }), /TLS needs certificates/);
  const nbd = ['0.0.0.0:0'];
  const open = await startService({ ...options, nbd });
  assert.match(open.warnings[0], /NBD has no passwords/);
  await open.close();
});

test('an encrypted store is served to who has its key, and to no one else', async () => {
  const keyFile = join(folder, 'key');
  writeFileSync(keyFile, `${'5a'.repeat(32)}\n`);
  const options = { file: join(folder, 'secret.quern'), version: '1' };
  const nbd = [`unix:${join(folder, 'secret.sock')}`];
  const secret = 'Nobody inspects the spammish repetition';
  const served = await startService({ ...options, nbd, keyFile, http: 'localhost:0', tokens });
  const { origin } = new URL(served.addresses[1]);
  const volumes = new HttpVolumes(origin, 'the-token-of-this-test');
  await volumes.create('disk', 1 << 20);
  const client = await RawClient.open(join(folder, 'secret.sock'), 'disk');
  const data = Buffer.from(secret.repeat(300));
  assert.equal(await client.outcome({ type: command.write, offset: 5000, data }), 0);
  assert.deepEqual(await client.readRange(5000, data.length), data);
  client.close();
  await served.close();
  assert.ok(!readFileSync(options.file).includes(secret), 'it is not in the file');
  await assert.rejects(startService({ ...options, nbd }), /encrypted|key/);
  writeFileSync(keyFile, '5a'.repeat(31));
  await assert.rejects(startService({ ...options, nbd, keyFile }), /has 62 bytes/);
});

test('what happens is counted for Prometheus, and reported', async () => {
  const events: ServerEvent[] = [];
  const options = { file: join(folder, 'counted.quern'), version: '1', http: 'localhost:0' };
  const socket = join(folder, 'counted.sock');
  const onEvent = (event: ServerEvent) => events.push(event);
  const counted = await startService({ ...options, nbd: [`unix:${socket}`], onEvent });
  const { origin } = new URL(counted.addresses[1]);
  const volumes = new HttpVolumes(origin, undefined);
  await volumes.create('disk', 1 << 20);
  await assert.rejects(volumes.get('nothing'));
  const client = await RawClient.open(socket, 'disk');
  for (let i = 0; i < 3; i++) {
    await client.outcome({ type: command.write, offset: i * 4096, data: Buffer.alloc(4096, 1) });
  }
  await client.outcome({ type: command.flush });
  await client.outcome({ type: command.trim, offset: 1 << 20, length: 1 });
  client.close();
  const text = await (await fetch(`${origin}/metrics`)).text();
  await counted.close();
  const value = (sample: string) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${sample} `))
        ?.split(' ')[1],
    );
  assert.equal(value('quern_nbd_request_duration_seconds_count{command="write"}'), 3);
  assert.equal(value('quern_nbd_request_duration_seconds_bucket{command="write",le="+Inf"}'), 3);
  assert.equal(value('quern_nbd_request_duration_seconds_count{command="flush"}'), 1);
  assert.equal(value('quern_nbd_bytes_total{command="write"}'), 3 * 4096);
  assert.equal(value('quern_nbd_errors_total{command="trim"}'), 1);
  assert.equal(value('quern_http_requests_total{operation="getVolume",status="404"}'), 1);
  assert.ok(value('quern_store_written_bytes_total{purpose="data"}') >= 3 * 4096);
  assert.ok(value('quern_store_file_bytes') > 0);
  for (const line of text.trimEnd().split('\n')) {
    assert.match(line, /^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"]*",?)+\})? -?[\d.e+-]+)$/);
  }
  const names = events.map(({ event }) => event);
  assert.deepEqual(
    names.filter((name) => name.startsWith('nbd')),
    ['nbd-open', 'nbd-close'],
  );
  assert.ok(events.some(({ event, status }) => event === 'http' && status === 404));
});
