import { QuernError } from '../../src/base/error.ts';
import { Random } from '../../src/base/random.ts';
import type { BlockDevice } from '../../src/store/device/device.ts';

/** One test that every device has to pass; it throws if the device does not. */
export interface DeviceCase {
  name: string;
  run: (device: BlockDevice) => Promise<void>;
}

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

function checkEqual(actual: Uint8Array, expected: Uint8Array, what: string): void {
  check(actual.length === expected.length, `${what}: the length`);
  const at = actual.findIndex((byte, i) => byte !== expected[i]);
  check(at < 0, `${what}: byte ${at} is ${actual[at]}, not ${expected[at]}`);
}

function checkError(code: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    check(error instanceof QuernError && error.code === code, `${String(error)}, not ${code}`);
    return;
  }
  throw new Error(`no error ${code}`);
}

/**
 * What every device has to do; each case begins with an empty one. They use nothing that only Node
 * has, because they run in browsers too.
 */
export const deviceCases: readonly DeviceCase[] = [
  {
    name: 'reads see the writes before them, gaps are zeros',
    run: async (device) => {
      check(device.size() === 0, 'a new device is empty');
      device.write(new Uint8Array(100).fill(1), 10000);
      check(device.size() === 10100, 'a write extends the device');
      const bytes = new Uint8Array(10100);
      device.read(bytes, 0);
      checkEqual(bytes.subarray(0, 10000), new Uint8Array(10000), 'the gap');
      checkEqual(bytes.subarray(10000), new Uint8Array(100).fill(1), 'what was written');
      device.write(Uint8Array.of(2, 3), 10050);
      await device.flush();
      device.read(bytes.subarray(0, 4), 10049);
      checkEqual(bytes.subarray(0, 4), Uint8Array.of(1, 2, 3, 1), 'what was written over it');
      device.close();
    },
  },
  {
    name: 'reading beyond the end is an error',
    run: async (device) => {
      device.write(new Uint8Array(10), 0);
      checkError('58030', () => device.read(new Uint8Array(11), 0));
      checkError('58030', () => device.read(new Uint8Array(1), 10));
      device.close();
    },
  },
  {
    name: 'truncating cuts, and what is added again is zero',
    run: async (device) => {
      device.write(new Uint8Array(3 << 20).fill(9), 0);
      device.truncate((1 << 20) + 5);
      check(device.size() === (1 << 20) + 5, 'the size is what was asked for');
      device.truncate(2 << 20);
      const bytes = new Uint8Array(2 << 20);
      device.read(bytes, 0);
      check(bytes[(1 << 20) + 4] === 9, 'what was not cut is there');
      const added = bytes.subarray((1 << 20) + 5);
      checkEqual(added, new Uint8Array(added.length), 'what was added');
      device.close();
      device.close();
    },
  },
  {
    name: 'behaves like an array of bytes',
    run: async (device) => {
      const random = new Random(1);
      const model = new Uint8Array(5 << 20);
      let size = 0;
      for (let i = 0; i < 200; i++) {
        const offset = random.int(0, 4 << 20);
        const most = random.pick([100, 70000, 1 << 20]);
        const bytes = random.fill(new Uint8Array(random.int(1, most)));
        device.write(bytes, offset);
        model.set(bytes, offset);
        size = Math.max(size, offset + bytes.length);
        check(device.size() === size, 'the size follows the writes');
        if (random.chance(0.1)) await device.flush();
        const at = random.int(0, size - 1);
        const target = new Uint8Array(Math.min(size - at, 100000));
        device.read(target, at);
        checkEqual(target, model.subarray(at, at + target.length), `read ${i}`);
      }
      device.close();
    },
  },
];
