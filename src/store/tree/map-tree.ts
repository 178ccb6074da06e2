import { assert } from '../../base/assert.ts';
import { QuernError } from '../../base/error.ts';
import { compareBytes } from '../bytes.ts';
import { blockType, type Pointer, payloadSize } from '../layout.ts';
import { extentBlocks, isExtent } from './extent.ts';
import { MapNode } from './map-node.ts';
import type { Expected, Pool } from './pool.ts';

/** Whoever holds the pointer to the top of a tree. */
export interface TreeHolder {
  root: Pointer | undefined;
  readonly objectId: number;
  readonly name: string;
}

/** A child that was divided: the new right part, and the lowest key in it. */
interface Division {
  key: Uint8Array;
  pointer: Pointer;
}

/** Neighbours are joined when together they fill less than this. */
const joinBelow = (payloadSize * 3) / 4;

/** An ordered map of bytes to tagged values, as a copy-on-write B+tree. */
export class MapTree {
  readonly pool: Pool;
  readonly holder: TreeHolder;
  readonly #expected: Expected;

  constructor(pool: Pool, holder: TreeHolder) {
    this.pool = pool;
    this.holder = holder;
    this.#expected = { type: blockType.mapNode, what: holder.name };
  }

  load(pointer: Pointer): MapNode {
    return this.pool.load(pointer, this.#expected) as MapNode;
  }

  #own(pointer: Pointer): MapNode {
    return this.pool.own(pointer, this.#expected) as MapNode;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    if (this.holder.root === undefined) return undefined;
    let node = this.load(this.holder.root);
    while (node.level > 0) node = this.load(node.pointers[node.childIndex(key)]);
    const at = node.lowerBound(key);
    if (at === node.keys.length || compareBytes(node.keys[at], key) !== 0) return undefined;
    return node.values[at];
  }

  /**
   * Reads every node that changing `key` needs, so that a damaged one is found before anything has
   * been changed.
   */
  prepare(key: Uint8Array): void {
    if (this.holder.root === undefined) return;
    let node = this.load(this.holder.root);
    while (node.level > 0) node = this.load(node.pointers[node.childIndex(key)]);
  }

  /** Sets a tagged value. What an overwritten one referred to is released. */
  put(key: Uint8Array, value: Uint8Array): void {
    const { pool, holder } = this;
    if (holder.root === undefined) {
      holder.root = pool.pointerTo(pool.add(new MapNode(0, holder.objectId, [key], [value], [])));
      return;
    }
    const root = this.#own(holder.root);
    holder.root = pool.pointerTo(root);
    const division = this.#put(root, key, value);
    if (division === undefined) return;
    const keys = [new Uint8Array(0), division.key];
    const pointers = [holder.root, division.pointer];
    holder.root = pool.pointerTo(
      pool.add(new MapNode(root.level + 1, holder.objectId, keys, [], pointers)),
    );
  }

  #put(node: MapNode, key: Uint8Array, value: Uint8Array): Division | undefined {
    let at: number;
    if (node.level > 0) {
      at = node.childIndex(key);
      const child = this.#own(node.pointers[at]);
      node.pointers[at] = this.pool.pointerTo(child);
      const division = this.#put(child, key, value);
      if (division === undefined) return undefined;
      at++;
      node.keys.splice(at, 0, division.key);
      node.pointers.splice(at, 0, division.pointer);
    } else {
      at = node.lowerBound(key);
      if (at < node.keys.length && compareBytes(node.keys[at], key) === 0) {
        node.used -= node.entrySize(at);
        this.#releaseValue(node.values[at]);
        node.values[at] = value;
      } else {
        node.keys.splice(at, 0, key);
        node.values.splice(at, 0, value);
      }
    }
    node.used += node.entrySize(at);
    return node.used <= payloadSize ? undefined : this.#divide(node, at);
  }

  #releaseValue(value: Uint8Array): void {
    if (!isExtent(value)) return;
    const { blocks, now } = this.pool;
    extentBlocks(value, (id, birth) => blocks.dropReference(id, birth, now));
  }

  /** Divides an overfull node in the middle, or before its last entry if that was just appended. */
  #divide(node: MapNode, changed: number): Division {
    const last = node.keys.length - 1;
    let cut = 0;
    if (changed === last && node.used - node.entrySize(last) <= payloadSize) {
      cut = last;
    } else {
      let left = 0;
      while (left + node.entrySize(cut) <= payloadSize && left < node.used / 2) {
        left += node.entrySize(cut++);
      }
    }
    const keys = node.keys.splice(cut);
    const right = this.pool.add(
      new MapNode(node.level, node.owner, keys, node.values.splice(cut), node.pointers.splice(cut)),
    );
    node.used -= right.used;
    assert(node.used <= payloadSize && right.used <= payloadSize, 'both halves fit');
    return { key: separator(node, right), pointer: this.pool.pointerTo(right) };
  }

  /** True if the key was there. */
  delete(key: Uint8Array): boolean {
    const { holder, pool } = this;
    if (holder.root === undefined || this.get(key) === undefined) return false;
    const root = this.#own(holder.root);
    holder.root = pool.pointerTo(root);
    this.#delete(root, key);
    if (root.level > 0 && root.keys.length === 1) {
      // The only child becomes the root: it gets the holder's reference, the old root dies.
      holder.root = root.pointers[0];
      pool.blocks.dropReference(root.id, root.birth, pool.now);
    } else if (root.keys.length === 0) {
      holder.root = undefined;
      pool.blocks.dropReference(root.id, root.birth, pool.now);
    }
    return true;
  }

  #delete(node: MapNode, key: Uint8Array): void {
    if (node.level === 0) {
      const at = node.lowerBound(key);
      node.used -= node.entrySize(at);
      this.#releaseValue(node.values[at]);
      node.keys.splice(at, 1);
      node.values.splice(at, 1);
      return;
    }
    const at = node.childIndex(key);
    const child = this.#own(node.pointers[at]);
    node.pointers[at] = this.pool.pointerTo(child);
    this.#delete(child, key);
    if (child.keys.length === 0) this.#removeEmpty(node, at, child);
    else if (child.used < payloadSize / 4) this.#join(node, at, child);
  }

  #removeEmpty(node: MapNode, at: number, child: MapNode): void {
    node.used -= node.entrySize(at);
    node.keys.splice(at, 1);
    node.pointers.splice(at, 1);
    if (at === 0 && node.keys.length > 0) {
      // The lowest key of a node is never compared with; an empty one takes no room.
      node.used -= node.entrySize(0);
      node.keys[0] = new Uint8Array(0);
      node.used += node.entrySize(0);
    }
    const { pool } = this;
    pool.blocks.dropReference(child.id, child.birth, pool.now);
  }

  /** Moves the entries of the right neighbour into a small child, if both fit one node well. */
  #join(node: MapNode, at: number, child: MapNode): void {
    if (at + 1 === node.keys.length) return;
    try {
      if (child.used + this.load(node.pointers[at + 1]).used > joinBelow) return;
    } catch (error) {
      if (error instanceof QuernError) return; // Damaged: no reason to fail, joining is optional.
      throw error;
    }
    const neighbour = this.#own(node.pointers[at + 1]);
    const lowest = node.keys[at + 1];
    const from = child.keys.length;
    child.keys.push(...neighbour.keys);
    child.values.push(...neighbour.values);
    child.pointers.push(...neighbour.pointers);
    if (child.level > 0) child.keys[from] = lowest;
    for (let i = from; i < child.keys.length; i++) child.used += child.entrySize(i);
    assert(child.used <= payloadSize, 'joined nodes fit');
    node.used -= node.entrySize(at + 1);
    node.keys.splice(at + 1, 1);
    node.pointers.splice(at + 1, 1);
    const { pool } = this;
    pool.blocks.dropReference(neighbour.id, neighbour.birth, pool.now);
  }

  /** Entries from `from` (included) to `to` (not included), in order of their keys. */
  *entries(from?: Uint8Array, to?: Uint8Array): Generator<[Uint8Array, Uint8Array]> {
    if (this.holder.root !== undefined) yield* this.#entries(this.holder.root, from, to);
  }

  *#entries(
    pointer: Pointer,
    from: Uint8Array | undefined,
    to: Uint8Array | undefined,
  ): Generator<[Uint8Array, Uint8Array]> {
    const node = this.load(pointer);
    if (node.level === 0) {
      for (let i = from === undefined ? 0 : node.lowerBound(from); i < node.keys.length; i++) {
        if (to !== undefined && compareBytes(node.keys[i], to) >= 0) return;
        yield [node.keys[i], node.values[i]];
      }
      return;
    }
    for (let i = from === undefined ? 0 : node.childIndex(from); i < node.keys.length; i++) {
      if (i > 0 && to !== undefined && compareBytes(node.keys[i], to) >= 0) return;
      yield* this.#entries(node.pointers[i], from, to);
      from = undefined;
    }
  }
}

/** A short key that is above all of `left` and not above the first of `right`. */
function separator(left: MapNode, right: MapNode): Uint8Array {
  if (left.level > 0) {
    const key = right.keys[0];
    right.used -= right.entrySize(0);
    right.keys[0] = new Uint8Array(0);
    right.used += right.entrySize(0);
    return key;
  }
  const below = left.keys[left.keys.length - 1];
  const above = right.keys[0];
  let common = 0;
  while (common < below.length && below[common] === above[common]) common++;
  return above.slice(0, common + 1);
}
