/** Compression by name, for formats that compress their parts. */
import { QuernError, sqlState } from '../../base/error.ts';
import { snappyCompress, snappyDecompress } from './snappy.ts';

export type CodecName = 'none' | 'snappy' | 'gzip' | 'zstd';

export const codecNames: readonly CodecName[] = ['none', 'snappy', 'gzip', 'zstd'];

export interface Codec {
  readonly name: CodecName;
  compress(bytes: Uint8Array): Uint8Array;
  /** `size` is the length of the result; anything else is an error. */
  decompress(bytes: Uint8Array, size: number): Uint8Array;
}

type Pump = (bytes: Uint8Array, size: number) => Uint8Array;

/** Bytes as they are. */
export const noCodec: Codec = {
  name: 'none',
  compress: (bytes) => bytes,
  decompress: checked('none', (bytes) => bytes),
};

/** The codec called `name`, loaded if need be; loading it twice costs nothing. */
export async function loadCodec(name: CodecName): Promise<Codec> {
  switch (name) {
    case 'none':
      return noCodec;
    case 'snappy':
      return { name, compress: snappyCompress, decompress: checked(name, snappyDecompress) };
    case 'gzip':
      return loadGzip();
    case 'zstd':
      return (zstd ??= loadZstd());
  }
}

let zstd: Promise<Codec> | undefined;

/** Broken data and sizes that do not agree are errors of the data, whatever the library throws. */
function checked(name: CodecName, pump: Pump): Pump {
  return (bytes, size) => {
    let result: Uint8Array;
    try {
      result = pump(bytes, size);
    } catch (cause) {
      throw new QuernError(sqlState.dataCorrupted, `broken ${name} data`, { cause });
    }
    if (result.length === size) return plainBytes(result);
    throw new QuernError(
      sqlState.dataCorrupted,
      `${name} data of ${result.length} bytes where ${size} are expected`,
    );
  };
}

/** Not a Node Buffer, whose `slice` does not copy. */
function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

interface NodeZlib {
  zstdCompressSync?(bytes: Uint8Array, options?: object): Uint8Array;
  zstdDecompressSync?(bytes: Uint8Array, options?: object): Uint8Array;
  gzipSync(bytes: Uint8Array, options?: object): Uint8Array;
  gunzipSync(bytes: Uint8Array, options?: object): Uint8Array;
  readonly constants: { readonly ZSTD_c_compressionLevel: number };
}

/**
 * Node's zlib where there is one: asked of the process, so that bundles for browsers do not see it.
 */
function nodeZlib(): NodeZlib | undefined {
  const { process } = globalThis as {
    process?: { getBuiltinModule?(name: string): NodeZlib | undefined };
  };
  return process?.getBuiltinModule?.('node:zlib');
}

/** Level 1: three quarters of the time of level 3 for a twentieth more bytes. */
const zstdLevel = 1;

/** Native from Node 22.15 on; elsewhere WebAssembly. */
async function loadZstd(): Promise<Codec> {
  const native = nodeZlib();
  if (native?.zstdCompressSync !== undefined) {
    const params = { [native.constants.ZSTD_c_compressionLevel]: zstdLevel };
    return {
      name: 'zstd',
      compress: (bytes) => native.zstdCompressSync!(bytes, { params }),
      decompress: checked('zstd', (bytes, size) =>
        native.zstdDecompressSync!(bytes, { maxOutputLength: Math.max(1, size) }),
      ),
    };
  }
  const portable = await import('@bokuweb/zstd-wasm');
  await portable.init();
  return {
    name: 'zstd',
    compress: (bytes) => portable.compress(bytes, zstdLevel),
    decompress: checked('zstd', (bytes, size) =>
      size === 0 ? new Uint8Array() : portable.decompress(bytes, { defaultHeapSize: size }),
    ),
  };
}

function loadGzip(): Codec {
  const native = nodeZlib();
  if (native === undefined) {
    throw new QuernError(sqlState.featureNotSupported, 'gzip is not available here', {
      hint: 'Write the file with zstd or snappy.',
    });
  }
  return {
    name: 'gzip',
    compress: (bytes) => native.gzipSync(bytes, { level: 4 }),
    decompress: checked('gzip', (bytes, size) =>
      native.gunzipSync(bytes, { maxOutputLength: Math.max(1, size) }),
    ),
  };
}
