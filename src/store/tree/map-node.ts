import { assert } from '../../base/assert.ts';
import { ByteReader, ByteWriter, compareBytes } from '../bytes.ts';
import {
  blockType,
  blockWords,
  bytesOf,
  type Header,
  headerSize,
  type Pointer,
  payloadSize,
  writeHeader,
} from '../layout.ts';
import { extentBlocks, isExtent } from './extent.ts';
import type { ChildVisitor, TreeNode } from './node.ts';

/** Bytes of a key. With {@link inlineMax} this makes any overfull node divide into two that fit. */
export const keyMax = 1000;

function varintSize(n: number): number {
  return n < 128 ? 1 : 2;
}

/**
 * A node of a map's B+tree. A leaf (level 0) has entries of key and tagged value (see `extent.ts`);
 * an inner node has, for each child, the lowest key that may be in it and a pointer. The payload is
 * the entries one after the other: varint length and bytes of the key, then varint length and bytes
 * of the value, or the 20 bytes of the pointer.
 */
export class MapNode implements TreeNode {
  readonly type = blockType.mapNode;
  readonly level: number;
  readonly owner: number;
  id = 0;
  birth = 0;
  dirty = false;
  recent = true;
  keys: Uint8Array[];
  /** Leaves only. */
  values: Uint8Array[];
  /** Inner nodes only. */
  pointers: Pointer[];
  /** Bytes of payload. */
  used: number;

  constructor(
    level: number,
    owner: number,
    keys: Uint8Array[],
    values: Uint8Array[],
    pointers: Pointer[],
  ) {
    this.level = level;
    this.owner = owner;
    this.keys = keys;
    this.values = values;
    this.pointers = pointers;
    this.used = 0;
    for (let i = 0; i < keys.length; i++) this.used += this.entrySize(i);
  }

  static parse(words: Uint32Array, header: Header): MapNode | undefined {
    if (header.used > payloadSize || header.level > 40 || header.count === 0) return undefined;
    const reader = new ByteReader(bytesOf(words).subarray(headerSize, headerSize + header.used));
    const keys: Uint8Array[] = [];
    const values: Uint8Array[] = [];
    const pointers: Pointer[] = [];
    for (let i = 0; i < header.count; i++) {
      keys.push(reader.block());
      if (header.level === 0) values.push(reader.block());
      else pointers.push(readPackedPointer(reader));
    }
    if (!reader.done) return undefined;
    const node = new MapNode(header.level, header.owner, keys, values, pointers);
    node.id = header.id;
    node.birth = header.birth;
    return node;
  }

  entrySize(index: number): number {
    const key = this.keys[index].length;
    const head = varintSize(key) + key;
    if (this.level > 0) return head + 20;
    const value = this.values[index].length;
    return head + varintSize(value) + value;
  }

  copy(): MapNode {
    const node = new MapNode(this.level, this.owner, [], [], []);
    node.keys = this.keys.slice();
    node.values = this.values.slice();
    node.pointers = this.pointers.slice();
    node.used = this.used;
    return node;
  }

  /** The index of the first key not below `key`. */
  lowerBound(key: Uint8Array): number {
    let low = 0;
    let high = this.keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareBytes(this.keys[middle], key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Inner nodes: the index of the child whose range has `key`. */
  childIndex(key: Uint8Array): number {
    let low = 1;
    let high = this.keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareBytes(this.keys[middle], key) <= 0) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  pointerOf(id: number): Pointer {
    const pointer = this.pointers.find((p) => p.id === id);
    assert(pointer !== undefined, 'the node points to the child');
    return pointer;
  }

  children(visit: ChildVisitor): void {
    for (const pointer of this.pointers) visit(pointer.id, pointer.birth, true);
    for (const value of this.values) {
      if (isExtent(value)) extentBlocks(value, (id, birth) => visit(id, birth, false));
    }
  }

  /** Calls `replace` for the pointers that have no checksum yet. */
  replaceIncomplete(replace: (child: Pointer) => Pointer): void {
    for (let i = 0; i < this.pointers.length; i++) {
      const { low, high } = this.pointers[i];
      if (low === 0 && high === 0) this.pointers[i] = replace(this.pointers[i]);
    }
  }

  serialize(): Uint32Array {
    const words = new Uint32Array(blockWords);
    assert(this.used <= payloadSize && this.keys.length > 0, 'a node fits its block');
    const writer = new ByteWriter();
    for (let i = 0; i < this.keys.length; i++) {
      writer.block(this.keys[i]);
      if (this.level === 0) writer.block(this.values[i]);
      else writePackedPointer(writer, this.pointers[i]);
    }
    assert(writer.length === this.used, 'the size of a node is kept right');
    bytesOf(words).set(writer.view(), headerSize);
    writeHeader(words, {
      type: this.type,
      level: this.level,
      id: this.id,
      birth: this.birth,
      owner: this.owner,
      position: 0,
      count: this.keys.length,
      used: this.used,
    });
    return words;
  }
}

/** A pointer among bytes: id and birth as 6 bytes each, then the two words of the checksum. */
export function writePackedPointer(writer: ByteWriter, pointer: Pointer): void {
  writer.u48(pointer.id);
  writer.u48(pointer.birth);
  writer.u32(pointer.low);
  writer.u32(pointer.high);
}

export function readPackedPointer(reader: ByteReader): Pointer {
  return { id: reader.u48(), birth: reader.u48(), low: reader.u32(), high: reader.u32() };
}
