import type { CsvReadOptions } from '../format/csv/sniff.ts';
import type { ByteSource, RandomSource } from '../format/source.ts';
import type { BatchStream } from '../value/batch.ts';

/** Where paths in SQL lead: the file system of Node, or whatever a page offers. */
export interface FileSystem {
  open(path: string): Promise<ByteSource>;
  openRandom(path: string): Promise<RandomSource>;
  /** Reads delimited text with all threads; where it is absent, {@link open} serves. */
  readCsv?(path: string, options: CsvReadOptions): Promise<BatchStream>;
  /** Writes a file whole or not at all; answers the number of bytes. */
  write(path: string, chunks: AsyncIterable<Uint8Array>): Promise<number>;
}
