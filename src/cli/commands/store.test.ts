import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { after, test } from 'node:test';
import { aesSealer } from '../../store/node/aes-sealer.ts';
import { openStoreFile } from '../../store/node/store-file.ts';
import { main } from '../main.ts';

const folder = mkdtempSync(join(tmpdir(), 'quern-store-cli-'));
after(() => rmSync(folder, { recursive: true }));

async function quern(...args: string[]): Promise<{ code: number; out: Buffer; err: string }> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  const collect = (list: Buffer[]): Writable =>
    new Writable({
      write(chunk, _encoding, done) {
        list.push(Buffer.from(chunk));
        done();
      },
    });
  const io = { stdin: Readable.from([]), stdout: collect(out), stderr: collect(err) };
  const code = await main(args, io as unknown as Parameters<typeof main>[1]);
  return { code, out: Buffer.concat(out), err: Buffer.concat(err).toString() };
}

test('a store file is snapshot, branched, sent, received, compacted and verified', async () => {
  const file = join(folder, 'a.quern');
  const store = await openStoreFile(file);
  const volume = await store.createVolume('disk', 1 << 20);
  volume.write(new Uint8Array(1 << 20).fill(5), 0);
  await store.close();
  assert.equal((await quern('store', 'snapshot', file, 'disk@one')).code, 0);
  assert.equal((await quern('store', 'branch', file, 'disk@one', 'copy')).code, 0);
  const info = JSON.parse((await quern('store', 'info', file, '--json')).out.toString());
  assert.deepEqual(
    info.objects.map((object: { name: string }) => object.name),
    ['copy', 'disk'],
  );
  assert.equal(info.objects[0].usage.exclusive, 0);
  const stream = await quern('store', 'send', file, 'disk@one');
  writeFileSync(join(folder, 'stream'), stream.out);
  const received = await quern('store', 'receive', file, 'again', join(folder, 'stream'));
  assert.equal(received.out.toString(), 'again@one\n');
  assert.equal((await quern('store', 'delete', file, 'again')).code, 1);
  assert.equal((await quern('store', 'delete', file, 'again@one')).code, 0);
  assert.equal((await quern('store', 'delete', file, 'again')).code, 0);
  const compacted = JSON.parse((await quern('store', 'compact', file, '--json')).out.toString());
  assert.ok(compacted.after <= 4 << 20);
  assert.match((await quern('store', 'verify', file)).out.toString(), /, 0 problems\n$/);
});

test('verify names what is damaged and fails', async () => {
  const file = join(folder, 'b.quern');
  const store = await openStoreFile(file);
  const volume = await store.createVolume('disk', 1 << 20);
  volume.write(new Uint8Array(8192).fill(0xab), 65536);
  await store.close();
  const bytes = readFileSync(file);
  const at = bytes.indexOf(Buffer.alloc(8192, 0xab));
  bytes[at + 5000] ^= 1;
  writeFileSync(file, bytes);
  const { code, out } = await quern('store', 'verify', file);
  assert.equal(code, 1);
  assert.match(out.toString(), /volume 'disk' at byte 69632/);
});

test('an encrypted store is worked on with its key, and not without', async () => {
  const file = join(folder, 'c.quern');
  const keyFile = join(folder, 'key');
  writeFileSync(keyFile, '0123456789abcdef'.repeat(4) + '\n');
  const key = Buffer.from('0123456789abcdef'.repeat(4), 'hex');
  const store = await openStoreFile(file, { encryption: aesSealer(key) });
  await store.createVolume('disk', 1 << 20);
  await store.close();
  const { code, out } = await quern('store', 'verify', file, '--key-file', keyFile);
  assert.equal(code, 0, out.toString());
  const refused = await quern('store', 'verify', file);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /is encrypted/);
});
