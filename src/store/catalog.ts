import { QuernError, sqlState } from '../base/error.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { ObjectKind } from './journal/operation.ts';
import { blockType, type Pointer } from './layout.ts';
import { readPackedPointer, writePackedPointer } from './tree/map-node.ts';
import type { MapTree, TreeHolder } from './tree/map-tree.ts';
import type { VolumeTree } from './tree/volume-tree.ts';

/** What the catalog keeps of an object or a snapshot. */
export interface CatalogEntry {
  kind: ObjectKind;
  objectId: number;
  /** Bytes, of a volume. */
  size: number;
  root: Pointer | undefined;
  /** Milliseconds since 1970. */
  created: number;
  /** Random, of a snapshot: tells incremental streams that two stores have the same one. */
  guid: Uint8Array;
  /** What a branch was made from: `name` or `name@snapshot`. */
  origin: string;
}

/** The writable end of an object: what writes change. */
export interface Head extends TreeHolder {
  readonly name: string;
  readonly kind: ObjectKind;
  readonly objectId: number;
  root: Pointer | undefined;
  size: number;
  readonly created: number;
  readonly origin: string;
  /** Deleted; handles that are still around must not write. */
  gone: boolean;
  readonly map: MapTree | undefined;
  readonly volume: VolumeTree | undefined;
}

/** The state a snapshot keeps, for whoever reads it. */
export interface SnapshotHolder extends TreeHolder {
  readonly kind: ObjectKind;
  readonly size: number;
  /** Deleted. */
  gone: boolean;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const catalogPrefix = { head: 0x68, snapshot: 0x73, doomed: 0x7a, uncommitted: 0x78 };

/** Throws unless `name` can name an object or a snapshot. */
export function checkName(name: string): void {
  const length = encoder.encode(name).length;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it rejects
  if (length > 0 && length <= 200 && !/[\u0000-\u001f@/]/.test(name)) return;
  throw new QuernError(sqlState.invalidParameterValue, `'${name}' cannot be a name`, {
    hint: 'Names have 1 to 200 bytes and no @, / or control characters.',
  });
}

function withPrefix(prefix: number, text: string): Uint8Array {
  const bytes = encoder.encode(text);
  const key = new Uint8Array(bytes.length + 1);
  key[0] = prefix;
  key.set(bytes, 1);
  return key;
}

/** `h` and the name. */
export function headKey(name: string): Uint8Array {
  return withPrefix(catalogPrefix.head, name);
}

/** `s`, the name of the object, a zero, the name of the snapshot. */
export function snapshotKey(name: string, snapshot: string): Uint8Array {
  return withPrefix(catalogPrefix.snapshot, `${name}\0${snapshot}`);
}

export function doomedKey(index: number): Uint8Array {
  return withPrefix(catalogPrefix.doomed, index.toString().padStart(10, '0'));
}

export function uncommittedKey(index: number): Uint8Array {
  return withPrefix(catalogPrefix.uncommitted, index.toString().padStart(10, '0'));
}

/** The range of keys that begin with `key`. */
export function prefixRange(key: Uint8Array): [Uint8Array, Uint8Array] {
  const to = key.slice();
  to[to.length - 1]++;
  return [key, to];
}

export function prefixOnly(prefix: number): Uint8Array {
  return Uint8Array.of(prefix);
}

export function headName(key: Uint8Array): string {
  return decoder.decode(key.subarray(1));
}

export function snapshotName(key: Uint8Array): { object: string; snapshot: string } {
  const [object, snapshot] = decoder.decode(key.subarray(1)).split('\0');
  return { object, snapshot };
}

/** The type of the nodes of an object's tree. */
export function nodeType(kind: ObjectKind): number {
  return kind === 'map' ? blockType.mapNode : blockType.volumeNode;
}

/** An inline value: tag 0, kind, object id, size, root pointer or zeros, time, guid, origin. */
export function encodeEntry(entry: CatalogEntry): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(0);
  writer.u8(entry.kind === 'map' ? 0 : 1);
  writer.varint(entry.objectId);
  writer.varint(entry.size);
  writePackedPointer(writer, entry.root ?? { id: 0, birth: 0, low: 0, high: 0 });
  writer.varint(entry.created);
  writer.block(entry.guid);
  writer.text(entry.origin);
  return writer.take();
}

export function decodeEntry(value: Uint8Array): CatalogEntry {
  const reader = new ByteReader(value);
  reader.u8();
  const kind: ObjectKind = reader.u8() === 0 ? 'map' : 'volume';
  const objectId = reader.varint();
  const size = reader.varint();
  const root = readPackedPointer(reader);
  return {
    kind,
    objectId,
    size,
    root: root.id === 0 ? undefined : root,
    created: reader.varint(),
    guid: reader.block().slice(),
    origin: reader.text(),
  };
}

/** A subtree that waits to be taken apart: tag 0, type of its nodes, pointer. */
export function encodeDoomed(pointer: Pointer, type: number): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(0);
  writer.u8(type);
  writePackedPointer(writer, pointer);
  return writer.take();
}

export function decodeDoomed(value: Uint8Array): { pointer: Pointer; type: number } {
  const reader = new ByteReader(value);
  reader.u8();
  const type = reader.u8();
  return { type, pointer: readPackedPointer(reader) };
}
