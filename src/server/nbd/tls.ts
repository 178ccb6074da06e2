import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsOptions } from 'node:tls';
import { QuernError, sqlState } from '../../base/error.ts';

/**
 * Where the keys are, in the layout that qemu, nbdkit and libnbd share: a directory with
 * `server-cert.pem`, `server-key.pem` and, if clients are to show a certificate, `ca-cert.pem`; or
 * a file of pre-shared keys with a line `user:hex` each, as GnuTLS's psktool writes it.
 */
export interface TlsFiles {
  readonly certificates?: string | undefined;
  readonly preSharedKeys?: string | undefined;
  /** Demand a certificate of every client, signed by `ca-cert.pem`. */
  readonly verifyClient?: boolean | undefined;
}

/** Reads the files and makes options for Node's TLS of them. */
export function loadTls(files: TlsFiles): TlsOptions {
  const options: TlsOptions = { minVersion: 'TLSv1.2', handshakeTimeout: 10_000 };
  if (files.certificates !== undefined) {
    const read = (name: string) => readText(join(files.certificates!, name));
    options.cert = read('server-cert.pem');
    options.key = read('server-key.pem');
    if (files.verifyClient === true) {
      options.ca = read('ca-cert.pem');
      options.requestCert = true;
      options.rejectUnauthorized = true;
    }
  }
  if (files.preSharedKeys !== undefined) {
    const keys = parsePreSharedKeys(readText(files.preSharedKeys), files.preSharedKeys);
    options.pskCallback = (_socket, identity) => keys.get(identity) ?? null;
    // OpenSSL leaves the pre-shared-key suites of TLS 1.2 out of its default list.
    options.ciphers = files.certificates === undefined ? 'PSK' : 'DEFAULT:PSK';
  }
  return options;
}

function parsePreSharedKeys(text: string, path: string): Map<string, Buffer> {
  const keys = new Map<string, Buffer>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const colon = line.lastIndexOf(':');
    const hex = line.slice(colon + 1);
    if (colon < 1 || !/^([0-9a-fA-F]{2}){16,}$/.test(hex)) {
      throw new QuernError(
        sqlState.invalidParameterValue,
        `${path}, line ${index + 1}: expected user:key, the key of at least 32 hexadecimal digits`,
      );
    }
    keys.set(line.slice(0, colon), Buffer.from(hex, 'hex'));
  }
  return keys;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new QuernError(sqlState.undefinedFile, `cannot read '${path}'`, { cause });
  }
}
