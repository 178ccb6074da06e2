/** Files and blobs of the browser as sources of bytes. */
import { type ByteSource, chunkSource, type RandomSource } from '../source.ts';

/** Reads a blob, such as a file the user has chosen, from start to end. */
export function blobSource(blob: Blob, name: string): ByteSource {
  return chunkSource(streamChunks(blob.stream()), name);
}

/** Reads a blob anywhere. */
export function blobRandomSource(blob: Blob, name: string): RandomSource {
  return {
    name,
    size: blob.size,
    async readAt(position, into) {
      into.set(new Uint8Array(await blob.slice(position, position + into.length).arrayBuffer()));
    },
    async close() {},
  };
}

/** The chunks of a web stream, such as the body of a response. */
export async function* streamChunks(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel();
  }
}
