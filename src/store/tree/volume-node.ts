import { assert } from '../../base/assert.ts';
import {
  blockType,
  blockWords,
  type Header,
  headerWords,
  type Pointer,
  payloadSize,
  pointerBirth,
  pointerFanout,
  pointerId,
  pointerWords,
  readPointer,
  writeHeader,
  writePointer,
} from '../layout.ts';
import type { ChildVisitor, TreeNode } from './node.ts';

/**
 * A node of a volume's tree: 202 pointers by position. At level 0 they point to blocks of data,
 * each of which is one logical block; a pointer of zeros is a hole, at any level.
 */
export class VolumeNode implements TreeNode {
  readonly type = blockType.volumeNode;
  readonly level: number;
  readonly owner: number;
  /** The first logical block below this node. */
  readonly position: number;
  id = 0;
  birth = 0;
  dirty = false;
  recent = true;
  /** A whole block; the header is filled in when the node is written. */
  readonly words: Uint32Array;

  constructor(level: number, owner: number, position: number, words?: Uint32Array) {
    this.level = level;
    this.owner = owner;
    this.position = position;
    this.words = words ?? new Uint32Array(blockWords);
  }

  static parse(words: Uint32Array, header: Header): VolumeNode | undefined {
    if (header.level > 7) return undefined;
    const node = new VolumeNode(header.level, header.owner, header.position, words);
    node.id = header.id;
    node.birth = header.birth;
    return node;
  }

  copy(): VolumeNode {
    return new VolumeNode(this.level, this.owner, this.position, this.words.slice());
  }

  idAt(index: number): number {
    return pointerId(this.words, headerWords + index * pointerWords);
  }

  birthAt(index: number): number {
    return pointerBirth(this.words, headerWords + index * pointerWords);
  }

  checkLow(index: number): number {
    return this.words[headerWords + index * pointerWords + 3];
  }

  checkHigh(index: number): number {
    return this.words[headerWords + index * pointerWords + 4];
  }

  pointerAt(index: number): Pointer {
    return readPointer(this.words, headerWords + index * pointerWords);
  }

  setPointer(index: number, pointer: Pointer): void {
    assert(this.dirty, 'only dirty nodes change');
    writePointer(this.words, headerWords + index * pointerWords, pointer);
  }

  /** Sets a pointer given by its parts. */
  set(index: number, id: number, birth: number, low: number, high: number): void {
    assert(this.dirty, 'only dirty nodes change');
    const at = headerWords + index * pointerWords;
    const { words } = this;
    words[at] = id;
    words[at + 1] = Math.floor(id / 4294967296) | (Math.floor(birth / 4294967296) << 16);
    words[at + 2] = birth;
    words[at + 3] = low;
    words[at + 4] = high;
  }

  clear(index: number): void {
    assert(this.dirty, 'only dirty nodes change');
    const at = headerWords + index * pointerWords;
    this.words.fill(0, at, at + pointerWords);
  }

  pointerOf(id: number): Pointer {
    for (let i = 0; i < pointerFanout; i++) if (this.idAt(i) === id) return this.pointerAt(i);
    assert(false, 'the node points to the child');
  }

  isEmpty(): boolean {
    for (let i = 0; i < pointerFanout; i++) if (this.idAt(i) !== 0) return false;
    return true;
  }

  children(visit: ChildVisitor): void {
    for (let i = 0; i < pointerFanout; i++) {
      const id = this.idAt(i);
      if (id !== 0) visit(id, this.birthAt(i), this.level > 0);
    }
  }

  /** Calls `replace` for the pointers that have no checksum yet. */
  replaceIncomplete(replace: (child: Pointer) => Pointer): void {
    const { words } = this;
    for (let i = 0; i < pointerFanout; i++) {
      const at = headerWords + i * pointerWords;
      if (words[at + 3] !== 0 || words[at + 4] !== 0 || this.idAt(i) === 0) continue;
      const child = this.pointerAt(i);
      const replaced = replace(child);
      if (replaced !== child) this.setPointer(i, replaced);
    }
  }

  serialize(): Uint32Array {
    writeHeader(this.words, {
      type: this.type,
      level: this.level,
      id: this.id,
      birth: this.birth,
      owner: this.owner,
      position: this.position,
      count: pointerFanout,
      used: payloadSize,
    });
    return this.words;
  }
}
