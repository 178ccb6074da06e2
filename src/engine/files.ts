import type { ByteSource, RandomSource } from '../format/source.ts';

/** Where paths in SQL lead: the file system of Node, or whatever a page offers. */
export interface FileSystem {
  open(path: string): Promise<ByteSource>;
  openRandom(path: string): Promise<RandomSource>;
  /** Writes a file whole or not at all; answers the number of bytes. */
  write(path: string, chunks: AsyncIterable<Uint8Array>): Promise<number>;
}
