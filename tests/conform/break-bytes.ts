/** Damaging files. */
import type { Random } from '../../src/base/random.ts';

/** Cut off, bytes changed, a stretch removed or repeated. */
export function breakBytes(random: Random, bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return bytes;
  const at = random.int(0, bytes.length - 1);
  const to = random.int(at, Math.min(bytes.length, at + 20));
  switch (random.int(0, 3)) {
    case 0:
      return bytes.slice(0, at);
    case 1: {
      const changed = bytes.slice();
      for (let i = random.int(1, 4); i > 0; i--) {
        changed[random.int(0, bytes.length - 1)] = random.chance(0.5)
          ? random.u32()
          : random.pick([...'",|\n\r\\0-.']).charCodeAt(0);
      }
      return changed;
    }
    case 2:
      return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(to)]);
    default:
      return Uint8Array.from([...bytes.subarray(0, to), ...bytes.subarray(at)]);
  }
}
