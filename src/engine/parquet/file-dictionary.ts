/**
 * One dictionary for a column of a file whose row groups have one each: they are read before any
 * rows, so that code compiled for the column knows all its texts.
 */
import type { ParquetChunk, ParquetColumn } from '../../format/parquet/footer.ts';
import { readPageHeader } from '../../format/parquet/pages.ts';
import { chunkCodec, type ParquetReader } from '../../format/parquet/read.ts';
import { encodings, pageTypes } from '../../format/parquet/schema.ts';
import { ThriftReader } from '../../format/parquet/thrift.ts';
import { brokenPage, PageReader } from '../../format/parquet/unpack.ts';
import { readValues, type TextValues } from '../../format/parquet/values.ts';
import type { BlockHeap } from '../../table/block-heap.ts';
import { codeWidth, worthDictionary } from '../../table/choose-layout.ts';
import { newDictionary } from '../../table/dictionary.ts';
import { dictionarySizeMax } from '../../table/staged-column.ts';
import { StringSet } from '../../table/string-set.ts';
import { isUtf8 } from '../../value/utf8.ts';
import { type FileColumn, withDictionary } from './file-column.ts';

/** Larger dictionaries, all row groups together, would cost more to read than they save. */
const dictionaryBytesMax = 16 << 20;

/** The column with a dictionary; as it was if not all its texts are known to be in one. */
export async function columnDictionary(
  reader: ParquetReader,
  file: FileColumn,
  heap: Pick<BlockHeap, 'allocate' | 'memory'>,
): Promise<FileColumn> {
  const { column } = file;
  const { rowGroups } = reader.footer;
  if (file.layout.kind !== 'string' || column.read.type.kind !== 'varchar') return file;
  if (column.physical.physical !== 'BYTE_ARRAY') return file;
  const chunks = rowGroups.map((group) => group.chunks[column.index]);
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.dictionaryBytes, 0);
  if (!chunks.every((chunk) => chunk.isCoded) || bytes > dictionaryBytesMax) return file;
  const set = new StringSet();
  const parts = await Promise.all(chunks.map((chunk) => readDictionary(reader, column, chunk)));
  for (const { offsets, bytes } of parts) {
    for (let i = 0; i + 1 < offsets.length; i++) set.add(bytes, offsets[i], offsets[i + 1]);
    if (set.count > dictionarySizeMax) return file;
  }
  const rows = rowGroups.reduce((sum, group) => sum + group.rowCount, 0);
  if (!worthDictionary(set.count, rows)) return file;
  const { dictionary, codeOf } = newDictionary(heap, set);
  const codesOf = ({ offsets, bytes }: TextValues) => {
    const codes = new Uint32Array(offsets.length - 1);
    for (let i = 0; i < codes.length; i++) {
      const number = set.find(bytes, offsets[i], offsets[i + 1]);
      if (number === undefined) throw brokenPage('a dictionary that has changed');
      codes[i] = codeOf[number];
    }
    return codes;
  };
  return withDictionary(file, dictionary, codeWidth(dictionary.count), codesOf);
}

/** The texts of a chunk's dictionary page, which comes first. */
function readDictionary(
  reader: ParquetReader,
  column: ParquetColumn,
  chunk: ParquetChunk,
): Promise<TextValues> {
  return reader.locate(column, async () => {
    const bytes = new Uint8Array(chunk.dictionaryBytes);
    await reader.source.readAt(chunk.position, bytes);
    const thrift = new ThriftReader(bytes);
    const page = readPageHeader(thrift.struct());
    const from = thrift.position;
    const to = from + page.compressedBytes;
    if (page.type !== pageTypes.dictionary || to > bytes.length) throw brokenPage();
    const codec = await chunkCodec(chunk.codec);
    const plain = codec.decompress(bytes.subarray(from, to), page.uncompressedBytes);
    const texts = readValues(new PageReader(plain), column.physical, encodings.plain, page.values);
    if (texts.form !== 'text' || !isUtf8(texts.bytes, texts.offsets)) {
      throw brokenPage('invalid UTF-8 in a text');
    }
    return texts;
  });
}
