import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/base/random.ts';
import type { BlockDevice } from '../../src/store/device/device.ts';

/** The tests every device has to pass. `make` gives an empty one. */
export function deviceConformance(kind: string, make: () => BlockDevice): void {
  test(`${kind}: reads see the writes before them, gaps are zeros`, async () => {
    const device = make();
    assert.equal(device.size(), 0);
    device.write(new Uint8Array(100).fill(1), 10000);
    assert.equal(device.size(), 10100);
    const bytes = new Uint8Array(10100);
    device.read(bytes, 0);
    assert.ok(bytes.subarray(0, 10000).every((b) => b === 0));
    assert.ok(bytes.subarray(10000).every((b) => b === 1));
    device.write(Uint8Array.of(2, 3), 10050);
    await device.flush();
    device.read(bytes.subarray(0, 4), 10049);
    assert.deepEqual([...bytes.subarray(0, 4)], [1, 2, 3, 1]);
    device.close();
  });

  test(`${kind}: reading beyond the end is an error`, () => {
    const device = make();
    device.write(new Uint8Array(10), 0);
    assert.throws(() => device.read(new Uint8Array(11), 0), { code: '58030' });
    assert.throws(() => device.read(new Uint8Array(1), 10), { code: '58030' });
    device.close();
  });

  test(`${kind}: truncating cuts, and what is added again is zero`, () => {
    const device = make();
    device.write(new Uint8Array(3 << 20).fill(9), 0);
    device.truncate((1 << 20) + 5);
    assert.equal(device.size(), (1 << 20) + 5);
    device.truncate(2 << 20);
    const bytes = new Uint8Array(2 << 20);
    device.read(bytes, 0);
    assert.equal(bytes[(1 << 20) + 4], 9);
    assert.ok(bytes.subarray((1 << 20) + 5).every((b) => b === 0));
    device.close();
    device.close();
  });

  test(`${kind}: behaves like an array of bytes`, async () => {
    const device = make();
    const random = new Random(1);
    const model = new Uint8Array(5 << 20);
    let size = 0;
    for (let i = 0; i < 200; i++) {
      const offset = random.int(0, 4 << 20);
      const bytes = random.fill(new Uint8Array(random.int(1, random.pick([100, 70000, 1 << 20]))));
      device.write(bytes, offset);
      model.set(bytes, offset);
      size = Math.max(size, offset + bytes.length);
      assert.equal(device.size(), size);
      if (random.chance(0.1)) await device.flush();
      const at = random.int(0, size - 1);
      const target = new Uint8Array(Math.min(size - at, 100000));
      device.read(target, at);
      assert.deepEqual(target, model.slice(at, at + target.length));
    }
    device.close();
  });
}
