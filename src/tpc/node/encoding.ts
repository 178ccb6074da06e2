import { ArrowFile, encodeArrowBatch } from '../../format/arrow/write.ts';
import { type Codec, type CodecName, loadCodec } from '../../format/compression/codec.ts';
import { type EncodedChunk, encodeRowGroup } from '../../format/parquet/encode.ts';
import { ParquetFile } from '../../format/parquet/write.ts';
import type { ColumnBatch, Schema } from '../../value/batch.ts';

/** What is written of a file by a worker: rows, as text or as a block of columns. */
export type Encoding =
  | { readonly kind: 'text' }
  | { readonly kind: 'parquet'; readonly codec: CodecName }
  | { readonly kind: 'arrow'; readonly stream: boolean };

/** What the end of a file says about a block. */
export type BlockNote =
  | { readonly kind: 'parquet'; readonly chunks: readonly EncodedChunk[] }
  | { readonly kind: 'arrow'; readonly metadataBytes: number };

export interface EncodedBlock {
  readonly parts: readonly Uint8Array[];
  readonly note: BlockNote;
}

/** Encodes batches of columns in a worker. */
export type BlockEncoder = (schema: Schema, batch: ColumnBatch) => EncodedBlock;

/** Undefined for text, which kernels write themselves. */
export async function loadEncoder(encoding: Encoding): Promise<BlockEncoder | undefined> {
  switch (encoding.kind) {
    case 'text':
      return undefined;
    case 'parquet':
      return parquetEncoder(await loadCodec(encoding.codec));
    case 'arrow':
      return (schema, batch) => {
        const { metadata, body } = encodeArrowBatch(schema, batch);
        return {
          parts: [metadata, ...body],
          note: { kind: 'arrow', metadataBytes: metadata.length },
        };
      };
  }
}

function parquetEncoder(codec: Codec): BlockEncoder {
  return (schema, batch) => {
    const piece = { batch, from: 0, to: batch.rowCount };
    const { bytes, chunks } = encodeRowGroup(schema, [piece], codec);
    return { parts: [bytes], note: { kind: 'parquet', chunks } };
  };
}

/** The beginning and the end of a file of blocks. */
export interface BlockFile {
  head(): Uint8Array;
  /** Takes note of the next block. */
  note(rows: number, bytes: number, note: BlockNote): void;
  finish(): Uint8Array;
}

export function blockFile(
  encoding: Exclude<Encoding, { kind: 'text' }>,
  schema: Schema,
): BlockFile {
  if (encoding.kind === 'parquet') {
    const file = new ParquetFile(schema);
    return {
      head: () => file.head(),
      note: (rows, bytes, note) => {
        if (note.kind === 'parquet') file.note(rows, bytes, note.chunks);
      },
      finish: () => file.finish(),
    };
  }
  const file = new ArrowFile(schema, encoding.stream);
  return {
    head: () => file.head(),
    note: (_rows, bytes, note) => {
      if (note.kind === 'arrow') file.note(note.metadataBytes, bytes - note.metadataBytes);
    },
    finish: () => file.finish(),
  };
}
