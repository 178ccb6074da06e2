import { FileDevice } from '../device/node/file-device.ts';
import { Store, type StoreOptions } from '../store.ts';
import { zlibCompressor } from './zlib-compressor.ts';

/** Opens the store in a file, or makes one; large values are compressed unless asked otherwise. */
export function openStoreFile(
  path: string,
  options: StoreOptions & { create?: boolean } = {},
): Promise<Store> {
  const { create = true, readOnly = false } = options;
  const device = new FileDevice(path, { readOnly, create });
  return Store.open(device, { compressor: zlibCompressor, ...options });
}
