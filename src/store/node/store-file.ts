import { FileDevice } from '../device/node/file-device.ts';
import type { StoreOptions } from '../options.ts';
import { Store } from '../store.ts';
import { zlibCompressor } from './zlib-compressor.ts';

/**
 * Opens the store in a file, or makes one. Large values that were compressed can be read; new ones
 * are compressed if `compress` is true, which pays when the disk is slower than deflate.
 */
export async function openStoreFile(
  path: string,
  options: StoreOptions & { create?: boolean } = {},
): Promise<Store> {
  const { create = true, readOnly = false } = options;
  const device = new FileDevice(path, { readOnly, create });
  return await Store.open(device, { compressor: zlibCompressor, compress: false, ...options });
}
