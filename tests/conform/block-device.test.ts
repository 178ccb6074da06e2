import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { OpfsDevice, type SyncAccessHandle } from '../../src/store/device/browser/opfs-device.ts';
import type { BlockDevice } from '../../src/store/device/device.ts';
import { MemoryDevice } from '../../src/store/device/memory.ts';
import { FileDevice } from '../../src/store/device/node/file-device.ts';
import { deviceCases } from './block-device.ts';

/** The behaviour that the File System standard gives to sync access handles, over memory. */
class StandardHandle implements SyncAccessHandle {
  readonly #memory = new MemoryDevice();

  read(target: Uint8Array, { at }: { at: number }): number {
    const count = Math.max(0, Math.min(target.length, this.#memory.size() - at));
    if (count > 0) this.#memory.read(target.subarray(0, count), at);
    return count;
  }

  write(source: Uint8Array, { at }: { at: number }): number {
    this.#memory.write(source, at);
    return source.length;
  }

  truncate(size: number): void {
    this.#memory.truncate(size);
  }

  getSize(): number {
    return this.#memory.size();
  }

  flush(): void {}
  close(): void {}
}

const folder = mkdtempSync(join(tmpdir(), 'quern-device-'));
after(() => rmSync(folder, { recursive: true }));
let count = 0;

function deviceConformance(kind: string, make: () => BlockDevice): void {
  for (const { name, run } of deviceCases) test(`${kind}: ${name}`, () => run(make()));
}

deviceConformance('file', () => new FileDevice(join(folder, `device${count++}`)));
deviceConformance('memory', () => new MemoryDevice());
deviceConformance('origin-private file', () => new OpfsDevice('test', new StandardHandle()));

test('a memory device with a capacity is full beyond it', () => {
  const device = new MemoryDevice({ capacity: 8192 });
  device.write(new Uint8Array(8192), 0);
  assert.throws(() => device.write(new Uint8Array(1), 8192), { code: '53100' });
});
