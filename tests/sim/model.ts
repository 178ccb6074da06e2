import { checksum, checksumResult } from '../../src/store/block/checksum.ts';

/**
 * What a store contains, in the simplest possible form. Values are never changed, only replaced.
 */
export interface ModelVolume {
  kind: 'volume';
  bytes: Uint8Array;
}
export interface ModelMap {
  kind: 'map';
  /** Keys in hexadecimal. */
  entries: ReadonlyMap<string, Uint8Array>;
}
export type ModelObject = ModelVolume | ModelMap;

/** By `name` and `name@snapshot`. */
export type ModelState = ReadonlyMap<string, ModelObject>;

const digests = new WeakMap<ModelObject, string>();

function bytesDigest(bytes: Uint8Array): string {
  checksum(bytes, 1);
  return `${bytes.length}:${checksumResult[0].toString(16)}${checksumResult[1].toString(16)}`;
}

function objectDigest(object: ModelObject): string {
  let digest = digests.get(object);
  if (digest === undefined) {
    digest =
      object.kind === 'volume'
        ? bytesDigest(object.bytes)
        : [...object.entries]
            .map(([key, value]) => `${key}=${bytesDigest(value)}`)
            .sort()
            .join(',');
    digests.set(object, digest);
  }
  return digest;
}

/** Equal for equal states. */
export function stateDigest(state: ModelState): string {
  const names = [...state.keys()].sort();
  return names.map((name) => `${name} ${objectDigest(state.get(name)!)}`).join('\n');
}
