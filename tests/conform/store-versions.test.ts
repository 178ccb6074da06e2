import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { MemoryDevice } from '../../src/store/device/memory.ts';
import { Store } from '../../src/store/index.ts';
import { formatVersion } from '../../src/store/layout.ts';
import { zlibCompressor } from '../../src/store/node/zlib-compressor.ts';
import { contentsDigest, makeStore } from './store-versions.ts';

class KeptDevice extends MemoryDevice {
  override close(): void {}
}

const folder = new URL('../../../tests/conform/stores/', import.meta.url);

test('files of every version of the format open and have their contents', async () => {
  const files = readdirSync(folder).sort();
  assert.ok(files.includes(`v${formatVersion}.quern.gz`), 'the present version has its file');
  const fresh = new KeptDevice();
  await makeStore(fresh);
  const compressor = zlibCompressor;
  const expected = contentsDigest(await Store.open(fresh, { compressor }));
  for (const file of files) {
    const device = new KeptDevice();
    device.write(gunzipSync(readFileSync(new URL(file, folder))), 0);
    const reader = await Store.open(device, { compressor, readOnly: true });
    assert.equal(contentsDigest(reader), expected, file);
    assert.ok(reader.recovery.records > 0, 'a part comes from the journal');
    const writer = await Store.open(device, { compressor });
    assert.deepEqual(writer.verify().problems, [], file);
    await writer.close();
    assert.equal(contentsDigest(await Store.open(device, { compressor })), expected, file);
  }
});

test('a version of the future is refused by its number', async () => {
  const device = new KeptDevice();
  await (await Store.open(device)).close();
  for (const place of [0, 4, 8, 12]) {
    const words = new Uint32Array(1024);
    device.read(new Uint8Array(words.buffer), place * 4096);
    words[2] = 99;
    const { checksum, checksumResult } = await import('../../src/store/block/checksum.ts');
    checksum(new Uint8Array(words.buffer, 0, 1022 * 4), 0);
    words.set(checksumResult, 1022);
    device.write(new Uint8Array(words.buffer), place * 4096);
  }
  await assert.rejects(Store.open(device), /format 99, this program knows format 1/);
});
