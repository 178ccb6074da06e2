/** The pages of a column chunk: their headers, one after the other with the data between them. */

import { encodings, pageTypes } from './schema.ts';
import { ThriftReader, type ThriftStruct } from './thrift.ts';
import { brokenPage } from './unpack.ts';

const pageBytesMax = 1 << 30;

export interface PageHeader {
  readonly type: number;
  readonly uncompressedBytes: number;
  readonly compressedBytes: number;
  /** Values or entries, NULLs included. */
  readonly values: number;
  readonly encoding: number;
  /** How the levels of version 1 are encoded. */
  readonly levelEncoding: number;
  /** Bytes of repetition and of definition levels in front, never compressed: version 2. */
  readonly repetitionBytes: number;
  readonly definitionBytes: number;
  /** False only where a page of version 2 says so. */
  readonly isCompressed: boolean;
}

/** Bytes of the levels of version 2, and what is skipped before the values. */
export function pageLevels(page: PageHeader): { bytes: number; skipped: number } {
  const bytes = page.definitionBytes;
  const skipped = page.repetitionBytes + bytes;
  if (skipped > page.compressedBytes || skipped > page.uncompressedBytes) throw brokenPage();
  return { bytes, skipped };
}

/**
 * All pages with values or entries of a chunk of `rowCount` rows, and where their bytes begin.
 * Other kinds of pages hold nothing that is needed.
 */
export function readPageHeaders(
  bytes: Uint8Array,
  rowCount: number,
): { readonly page: PageHeader; readonly at: number }[] {
  const thrift = new ThriftReader(bytes);
  const pages: { page: PageHeader; at: number }[] = [];
  for (let rows = 0; rows < rowCount; ) {
    const page = readPageHeader(thrift.struct());
    const at = thrift.position;
    if (page.compressedBytes > bytes.length - at) throw brokenPage();
    thrift.position = at + page.compressedBytes;
    if (page.type === pageTypes.data || page.type === pageTypes.dataV2) {
      if (page.values > rowCount - rows) throw brokenPage('a page of too many rows');
      rows += page.values;
    } else if (page.type !== pageTypes.dictionary) continue;
    pages.push({ page, at });
  }
  return pages;
}

/** A page of another kind has no values. */
export function readPageHeader(fields: ThriftStruct): PageHeader {
  const type = integerField(fields, 1);
  const uncompressedBytes = integerField(fields, 2);
  if (uncompressedBytes > pageBytesMax) throw brokenPage('a page that is too large');
  const common = {
    type,
    uncompressedBytes,
    compressedBytes: integerField(fields, 3),
    levelEncoding: encodings.rle as number,
    repetitionBytes: 0,
    definitionBytes: 0,
    isCompressed: true,
  };
  if (type === pageTypes.dictionary) {
    const detail = structField(fields, 7);
    return { ...common, values: integerField(detail, 1), encoding: encodings.plain };
  }
  if (type === pageTypes.data) {
    const detail = structField(fields, 5);
    return {
      ...common,
      values: integerField(detail, 1),
      encoding: integerField(detail, 2),
      levelEncoding: integerField(detail, 3),
    };
  }
  if (type !== pageTypes.dataV2) return { ...common, values: 0, encoding: encodings.plain };
  const detail = structField(fields, 8);
  return {
    ...common,
    values: integerField(detail, 1),
    encoding: integerField(detail, 4),
    definitionBytes: integerField(detail, 5),
    repetitionBytes: integerField(detail, 6),
    isCompressed: detail.get(7) !== false,
  };
}

function integerField(struct: ThriftStruct, id: number): number {
  const value = struct.get(id);
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw brokenPage('a page header');
}

function structField(struct: ThriftStruct, id: number): ThriftStruct {
  const value = struct.get(id);
  if (value instanceof Map) return value;
  throw brokenPage('a page header');
}
