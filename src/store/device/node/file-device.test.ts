import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { FileDevice } from './file-device.ts';

const folder = mkdtempSync(join(tmpdir(), 'quern-device-'));
after(() => rmSync(folder, { recursive: true }));
let count = 0;
const fresh = (): string => join(folder, `device${count++}`);

test('a second writer is told who holds the file, a reader is not stopped', () => {
  const path = fresh();
  const device = new FileDevice(path);
  device.write(Uint8Array.of(1), 0);
  assert.throws(() => new FileDevice(path), {
    code: '55006',
    message: new RegExp(`is being written by process ${process.pid} on `),
  });
  const reader = new FileDevice(path, { readOnly: true });
  assert.equal(reader.size(), 1);
  reader.close();
  device.close();
  assert.equal(existsSync(`${path}.lock`), false);
  new FileDevice(path).close();
});

test('the lock of a process that is gone is taken over, also by its number in a later life', () => {
  const path = fresh();
  const gone = spawnSync(process.execPath, ['-e', '']).pid;
  const lock = { host: '', started: '1', since: 'then', command: 'x' };
  new FileDevice(path).close();
  const device = new FileDevice(path);
  const { host } = JSON.parse(readFileSync(`${path}.lock`, 'utf8'));
  device.close();
  for (const pid of [gone, process.pid]) {
    writeFileSync(`${path}.lock`, JSON.stringify({ ...lock, host, pid }));
    new FileDevice(path).close();
  }
  writeFileSync(`${path}.lock`, JSON.stringify({ ...lock, host: 'elsewhere', pid: gone }));
  assert.throws(() => new FileDevice(path), { code: '55006' });
});

test('a writer whose lock was taken away acknowledges nothing', async () => {
  const path = fresh();
  const device = new FileDevice(path);
  device.write(Uint8Array.of(1), 0);
  writeFileSync(`${path}.lock`, '{}');
  await assert.rejects(device.flush(), { code: '58030' });
  device.close();
});
