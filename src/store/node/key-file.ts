import { readFileSync } from 'node:fs';
import { QuernError, sqlState } from '../../base/error.ts';
import type { SealerFactory } from '../block/sealer.ts';
import { aesSealer } from './aes-sealer.ts';

/** The `encryption` option of a store from a file: 32 bytes, or 64 hexadecimal digits. */
export function readKeyFile(path: string): SealerFactory {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new QuernError(sqlState.undefinedFile, `cannot read the key '${path}'`, { cause });
  }
  const text = bytes.toString('latin1').trim();
  const key = /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : bytes;
  if (key.length === 32) return aesSealer(key);
  throw new QuernError(
    sqlState.invalidParameterValue,
    `'${path}' is no key: it has ${bytes.length} bytes`,
    { hint: 'A key is 32 random bytes or 64 hexadecimal digits: openssl rand -hex 32 > FILE' },
  );
}
