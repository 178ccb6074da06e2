import { QuernError, sqlState } from '../../base/error.ts';
import { ByteReader, ByteWriter } from '../bytes.ts';
import { blockSize } from '../layout.ts';

/**
 * A value in a map is its bytes after a tag of 0, or, when it is larger than {@link inlineMax}, a
 * reference to an extent after a tag of 1: blocks that hold nothing but the value (compressed if
 * that saves a block), with one checksum over all of it.
 */
export interface Extent {
  /** 0: as is; 1: compressed with the store's codec. */
  compression: 0 | 1;
  length: number;
  storedLength: number;
  birth: number;
  low: number;
  high: number;
  runs: { id: number; count: number }[];
}

export const valueTag = { inline: 0, extent: 1 } as const;
/** Bytes of a value, its tag included, that stay in the node. */
export const inlineMax = 960;

export function encodeExtent(extent: Extent): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(valueTag.extent);
  writer.u8(extent.compression);
  writer.varint(extent.length);
  writer.varint(extent.storedLength);
  writer.u48(extent.birth);
  writer.u32(extent.low);
  writer.u32(extent.high);
  writer.varint(extent.runs.length);
  for (const run of extent.runs) {
    writer.u48(run.id);
    writer.varint(run.count);
  }
  return writer.take();
}

export function isExtent(value: Uint8Array): boolean {
  return value[0] === valueTag.extent;
}

export function decodeExtent(value: Uint8Array): Extent {
  const reader = new ByteReader(value);
  reader.u8();
  const compression = reader.u8();
  const extent: Extent = {
    compression: compression === 1 ? 1 : 0,
    length: reader.varint(),
    storedLength: reader.varint(),
    birth: reader.u48(),
    low: reader.u32(),
    high: reader.u32(),
    runs: [],
  };
  let blocks = 0;
  for (let left = reader.varint(); left > 0; left--) {
    const run = { id: reader.u48(), count: reader.varint() };
    blocks += run.count;
    extent.runs.push(run);
  }
  const size = Math.max(extent.length, extent.storedLength);
  if (
    size > extentMax ||
    compression > 1 ||
    blocks !== Math.ceil(extent.storedLength / blockSize) ||
    !reader.done
  ) {
    throw new QuernError(sqlState.dataCorrupted, 'a reference to an extent makes no sense');
  }
  return extent;
}

/** Bytes of the largest extent: the largest value. */
export const extentMax = 64 * 1024 * 1024;

/** Calls `visit` for every block of an extent. */
export function extentBlocks(value: Uint8Array, visit: (id: number, birth: number) => void): void {
  const extent = decodeExtent(value);
  for (const run of extent.runs) {
    for (let i = 0; i < run.count; i++) visit(run.id + i, extent.birth);
  }
}
