import { blockType, type Pointer, pointerFanout } from '../layout.ts';
import type { TreeHolder } from './map-tree.ts';
import type { Expected, Pool } from './pool.ts';
import { VolumeNode } from './volume-node.ts';

/** Logical blocks below one pointer of a node at `level`. */
export function pointerSpan(level: number): number {
  return pointerFanout ** level;
}

/** The logical blocks of a volume: a tree of pointers by position, holes left out. */
export class VolumeTree {
  readonly pool: Pool;
  readonly holder: TreeHolder;
  readonly #expected: Expected;
  /** The leaf looked at last and the root it was found under; saves the way down. */
  #leaf: VolumeNode | undefined;
  #leafRoot: Pointer | undefined;

  constructor(pool: Pool, holder: TreeHolder) {
    this.pool = pool;
    this.holder = holder;
    this.#expected = { type: blockType.volumeNode, what: holder.name };
  }

  load(pointer: Pointer): VolumeNode {
    return this.pool.load(pointer, this.#expected) as VolumeNode;
  }

  /** The leaf that has logical block `index`, undefined if there is a hole that large. */
  leafFor(index: number): VolumeNode | undefined {
    const root = this.holder.root;
    if (root === undefined) return undefined;
    const first = index - (index % pointerFanout);
    const memo = this.#leaf;
    if (memo !== undefined && memo.position === first && this.#leafRoot === root) return memo;
    let node = this.load(root);
    if (index >= pointerSpan(node.level + 1)) return undefined;
    while (node.level > 0) {
      const slot = Math.floor(index / pointerSpan(node.level)) % pointerFanout;
      const child = node.pointerAt(slot);
      if (child.id === 0) return undefined;
      node = this.load(child);
    }
    this.#leaf = node;
    this.#leafRoot = root;
    return node;
  }

  /** Reads what changing block `index` needs, so that damage is found before a change begins. */
  prepare(index: number): void {
    this.leafFor(index);
  }

  /** The leaf for block `index`, ready to be changed; the way to it is made. */
  ownLeaf(index: number): VolumeNode {
    let node = this.#ownRoot(index);
    while (node.level > 0) {
      const span = pointerSpan(node.level);
      const slot = Math.floor(index / span) % pointerFanout;
      const child = node.pointerAt(slot);
      let next: VolumeNode;
      if (child.id === 0) {
        const position = Math.floor(index / span) * span;
        next = this.pool.add(new VolumeNode(node.level - 1, this.holder.objectId, position));
      } else {
        next = this.pool.own(child, this.#expected) as VolumeNode;
      }
      if (next.id !== child.id) node.setPointer(slot, this.pool.pointerTo(next));
      node = next;
    }
    this.#leaf = node;
    this.#leafRoot = this.holder.root;
    return node;
  }

  #ownRoot(index: number): VolumeNode {
    const { holder, pool } = this;
    let root: VolumeNode;
    if (holder.root === undefined) {
      let level = 0;
      while (index >= pointerSpan(level + 1)) level++;
      root = pool.add(new VolumeNode(level, holder.objectId, 0));
      holder.root = pool.pointerTo(root);
      return root;
    }
    root = pool.own(holder.root, this.#expected) as VolumeNode;
    if (root.id !== holder.root.id) holder.root = pool.pointerTo(root);
    while (index >= pointerSpan(root.level + 1)) {
      const above = pool.add(new VolumeNode(root.level + 1, holder.objectId, 0));
      above.setPointer(0, holder.root);
      holder.root = pool.pointerTo(above);
      root = above;
    }
    return root;
  }

  /**
   * Points the logical blocks from `first` on to the blocks from `id` on, all of one birth, with
   * two words of checksum each. The blocks they pointed to lose a reference.
   */
  set(first: number, id: number, birth: number, checks: Uint32Array): void {
    const { blocks, now } = this.pool;
    const count = checks.length / 2;
    for (let i = 0; i < count; ) {
      const leaf = this.ownLeaf(first + i);
      const firstSlot = (first + i) % pointerFanout;
      const end = Math.min(pointerFanout, firstSlot + count - i);
      for (let slot = firstSlot; slot < end; slot++, i++) {
        const old = leaf.idAt(slot);
        if (old !== 0) blocks.dropReference(old, leaf.birthAt(slot), now);
        leaf.set(slot, id + i, birth, checks[2 * i], checks[2 * i + 1]);
      }
    }
  }

  /** Makes a hole of blocks [from, to). Whole subtrees are let go at their top. */
  clear(from: number, to: number): void {
    const { holder, pool } = this;
    if (holder.root === undefined || from >= to) return;
    this.#leaf = undefined;
    const top = this.load(holder.root);
    if (from === 0 && to >= pointerSpan(top.level + 1)) {
      pool.release(holder.root, blockType.volumeNode);
      holder.root = undefined;
      return;
    }
    if (!this.#anyData(top, from, to)) return;
    const root = pool.own(holder.root, this.#expected) as VolumeNode;
    if (root.id !== holder.root.id) holder.root = pool.pointerTo(root);
    this.#clear(root, from, to);
  }

  #clear(node: VolumeNode, from: number, to: number): void {
    const span = pointerSpan(node.level);
    const firstSlot = Math.max(0, Math.floor((from - node.position) / span));
    const { pool } = this;
    for (let slot = firstSlot; slot < pointerFanout; slot++) {
      const start = node.position + slot * span;
      if (start >= to) return;
      const child = node.pointerAt(slot);
      if (child.id === 0) continue;
      if (node.level === 0) {
        pool.blocks.dropReference(child.id, child.birth, pool.now);
        node.clear(slot);
      } else if (from <= start && start + span <= to) {
        pool.release(child, blockType.volumeNode);
        node.clear(slot);
      } else if (this.#anyData(this.load(child), from, to)) {
        const next = pool.own(child, this.#expected) as VolumeNode;
        if (next.id !== child.id) node.setPointer(slot, pool.pointerTo(next));
        this.#clear(next, from, to);
      }
    }
  }

  #anyData(node: VolumeNode, from: number, to: number): boolean {
    const span = pointerSpan(node.level);
    for (let slot = 0; slot < pointerFanout; slot++) {
      const start = node.position + slot * span;
      if (start + span <= from || node.idAt(slot) === 0) continue;
      return start < to;
    }
    return false;
  }

  /**
   * The blocks of [from, to) as maximal ranges that are all data or all hole. Holes cost nothing
   * however large they are.
   */
  *ranges(from: number, to: number): Generator<{ from: number; to: number; data: boolean }> {
    let range: { from: number; to: number; data: boolean } | undefined;
    for (let at = from; at < to; ) {
      const { end, data } = this.#uniform(at, to);
      if (range?.data === data) range.to = end;
      else {
        if (range !== undefined) yield range;
        range = { from: at, to: end, data };
      }
      at = end;
    }
    if (range !== undefined) yield range;
  }

  /** How far from `at` the blocks are alike, as far as one node shows. */
  #uniform(at: number, to: number): { end: number; data: boolean } {
    const root = this.holder.root;
    if (root === undefined) return { end: to, data: false };
    let node = this.load(root);
    if (at >= pointerSpan(node.level + 1)) return { end: to, data: false };
    for (;;) {
      const span = pointerSpan(node.level);
      let slot = Math.floor((at - node.position) / span);
      const present = node.idAt(slot) !== 0;
      if (present && node.level > 0) {
        node = this.load(node.pointerAt(slot));
        continue;
      }
      while (slot < pointerFanout && (node.idAt(slot) !== 0) === present) slot++;
      const end = node.position + slot * span;
      return { end: Math.min(end, to), data: present };
    }
  }

  /**
   * The ranges of [from, to) in which the two trees point to different blocks. Subtrees they share
   * are skipped at their top, so this costs what was changed.
   */
  static *differences(
    a: VolumeTree,
    b: VolumeTree,
    from: number,
    to: number,
  ): Generator<{ from: number; to: number }> {
    let range: { from: number; to: number } | undefined;
    for (const [start, end] of differing(a, a.holder.root, b, b.holder.root, from, to)) {
      if (range?.to === start) range.to = end;
      else {
        if (range !== undefined) yield range;
        range = { from: start, to: end };
      }
    }
    if (range !== undefined) yield range;
  }
}

/** A subtree of one of two trees that are being compared. */
function* differing(
  a: VolumeTree,
  aPointer: Pointer | undefined,
  b: VolumeTree,
  bPointer: Pointer | undefined,
  from: number,
  to: number,
): Generator<[number, number]> {
  if (aPointer?.id === bPointer?.id) return;
  const aNode = aPointer === undefined ? undefined : a.load(aPointer);
  const bNode = bPointer === undefined ? undefined : b.load(bPointer);
  const level = Math.max(aNode?.level ?? 0, bNode?.level ?? 0);
  const position = aNode?.position ?? bNode?.position ?? 0;
  const span = pointerSpan(level);
  for (let slot = 0; slot < pointerFanout; slot++) {
    const start = position + slot * span;
    if (start + span <= from) continue;
    if (start >= to) return;
    const aChild = childAt(aNode, aPointer, level, slot);
    const bChild = childAt(bNode, bPointer, level, slot);
    if (aChild?.id === bChild?.id) continue;
    if (level === 0) yield [start, start + 1];
    else yield* differing(a, aChild, b, bChild, from, to);
  }
}

/** The child in a slot of a node at `level`; a lower node stands for a parent that has only it. */
function childAt(
  node: VolumeNode | undefined,
  pointer: Pointer | undefined,
  level: number,
  slot: number,
): Pointer | undefined {
  if (node === undefined) return undefined;
  if (node.level < level) return slot === 0 ? pointer : undefined;
  const child = node.pointerAt(slot);
  return child.id === 0 ? undefined : child;
}
