import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OpfsDevice, type SyncAccessHandle } from './browser/opfs-device.ts';
import { deviceConformance } from './conformance.ts';
import { MemoryDevice } from './memory.ts';

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

deviceConformance('memory', () => new MemoryDevice());
deviceConformance('origin-private file', () => new OpfsDevice('test', new StandardHandle()));

test('a memory device with a capacity is full beyond it', () => {
  const device = new MemoryDevice({ capacity: 8192 });
  device.write(new Uint8Array(8192), 0);
  assert.throws(() => device.write(new Uint8Array(1), 8192), { code: '53100' });
});
