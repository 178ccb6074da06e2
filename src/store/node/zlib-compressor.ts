import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { QuernError, sqlState } from '../../base/error.ts';
import type { Compressor } from '../core.ts';

/** Deflate at its fastest level; what does not shrink is stored as it is. */
export const zlibCompressor: Compressor = {
  compress: (bytes) => deflateRawSync(bytes, { level: 1 }),
  decompress: (bytes, length) => {
    let plain: Uint8Array | undefined;
    try {
      plain = inflateRawSync(bytes, { maxOutputLength: length });
    } catch {
      // Falls through: the checksum was right, so the length or the codec is not.
    }
    if (plain?.length === length) return new Uint8Array(plain.buffer, plain.byteOffset, length);
    throw new QuernError(sqlState.dataCorrupted, 'a compressed value does not unpack');
  },
};
