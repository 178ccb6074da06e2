import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { MemoryExport, StaticCatalog } from '../../src/server/nbd/memory-export.ts';
import { command, option, optionReply } from '../../src/server/nbd/protocol.ts';
import { NbdServer } from '../../src/server/nbd/server.ts';
import { loadTls } from '../../src/server/nbd/tls.ts';
import { infoData, RawClient } from './raw-client.ts';

const folder = mkdtempSync(join(tmpdir(), 'quern-nbd-'));
const key = Buffer.alloc(32, 7);
const keys = join(folder, 'keys.psk');
writeFileSync(keys, `# who: key\nalice:${key.toString('hex')}\n`);
const catalog = new StaticCatalog([['disk', new MemoryExport(1 << 20)]]);
const tls = loadTls({ preSharedKeys: keys });
const strict = { server: new NbdServer({ catalog, tls }), path: join(folder, 'strict') };
const lenient = {
  server: new NbdServer({ catalog, tls, tlsOptional: true }),
  path: join(folder, 'lenient'),
};

before(async () => {
  for (const { server, path } of [strict, lenient]) await server.listen({ kind: 'unix', path });
});
after(async () => {
  for (const { server } of [strict, lenient]) await server.close(0);
  rmSync(folder, { recursive: true });
});

/** Upgrades a client that has greeted. */
async function upgrade(client: RawClient, identity: string, psk: Buffer): Promise<RawClient> {
  const [reply] = await client.option(option.startTls);
  assert.equal(reply.type, optionReply.ack);
  client.socket.removeAllListeners('data');
  const secure = connectTls({
    socket: client.socket,
    ciphers: 'PSK',
    pskCallback: () => ({ psk, identity }),
    checkServerIdentity: () => undefined,
  });
  await new Promise((resolve, reject) => {
    secure.once('secureConnect', resolve);
    secure.once('error', reject);
    secure.once('close', () => reject(new Error('closed')));
  });
  return new RawClient(secure);
}

test('where TLS is required everything but STARTTLS and ABORT is refused before it', async () => {
  const client = await RawClient.greet(strict.path);
  for (const which of [option.list, option.structuredReply, 12345]) {
    assert.equal((await client.option(which))[0].type, optionReply.errTlsRequired);
  }
  const [go] = await client.option(option.go, infoData('disk'));
  assert.equal(go.type, optionReply.errTlsRequired);
  assert.equal((await client.option(option.abort))[0].type, optionReply.ack);
  const old = await RawClient.greet(strict.path);
  old.sendOption(option.exportName, Buffer.from('disk'));
  assert.equal((await old.ended()).length, 0);
});

test('a client with the key gets in; what it had agreed on before is forgotten', async () => {
  for (const { path } of [strict, lenient]) {
    const plain = await RawClient.greet(path);
    await plain.option(option.structuredReply);
    const client = await upgrade(plain, 'alice', key);
    assert.equal((await client.option(option.startTls))[0].type, optionReply.errInvalid);
    await client.option(option.go, infoData('disk'));
    const data = Buffer.alloc(200_000, 'secret');
    assert.equal(await client.outcome({ type: command.write, offset: 5, data }), 0);
    const [chunk] = await client.request({ type: command.read, offset: 5, length: 6 });
    assert.equal(chunk.type, 'simple', 'structured replies were agreed on in plain text only');
    assert.equal(chunk.payload.toString(), 'secret');
    client.send({ type: command.disconnect });
    await client.ended();
  }
});

test('a client with another key, or of another name, does not', async () => {
  const wrong = Buffer.alloc(32, 8);
  for (const [name, psk] of [
    ['alice', wrong],
    ['bob', key],
  ] as const) {
    await assert.rejects(upgrade(await RawClient.greet(strict.path), name, psk));
  }
});

test('bytes smuggled in behind STARTTLS end the connection', async () => {
  const client = await RawClient.greet(strict.path);
  const starttls = Buffer.from('49484156454f50540000000500000000', 'hex');
  const smuggled = Buffer.from('49484156454f50540000000800000000', 'hex');
  client.socket.write(Buffer.concat([starttls, smuggled]));
  const rest = await client.ended();
  assert.ok(rest.length <= 20, 'at most the reply to STARTTLS was sent');
});

test('where TLS is optional a client may go without', async () => {
  const client = await RawClient.open(lenient.path, 'disk');
  assert.equal(await client.outcome({ type: command.flush }), 0);
  client.close();
});

test('a file of keys that makes no sense is refused by line', () => {
  const bad = join(folder, 'bad.psk');
  writeFileSync(bad, 'alice:00\n');
  assert.throws(() => loadTls({ preSharedKeys: bad }), /line 1: expected user:key/);
});
