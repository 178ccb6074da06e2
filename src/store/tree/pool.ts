import { assert } from '../../base/assert.ts';
import type { PlacedBlock } from '../block/block-file.ts';
import { damaged } from '../block/block-file.ts';
import type { Blocks, ViewRegister } from '../block/blocks.ts';
import { blockType, blockWords, bytesOf, type Pointer, readHeader } from '../layout.ts';
import { MapNode } from './map-node.ts';
import type { TreeNode } from './node.ts';
import { VolumeNode } from './volume-node.ts';

/** What the reader of a pointer expects to find. */
export interface Expected {
  readonly type: number;
  /** For messages: what is being read. */
  readonly what: string;
}

/** Does the pointer lack its checksum, because the node was only in memory when it was made? */
export function isIncomplete(pointer: Pointer): boolean {
  return pointer.low === 0 && pointer.high === 0;
}

/** A subtree without a reference; views taken since `death` cannot see it. */
export interface Doomed {
  pointer: Pointer;
  type: number;
  death: number;
}

/**
 * The nodes of all trees that are in memory: the dirty ones, and a cache of clean ones.
 *
 * Copy on write is lazy, as in btrfs. A reference count counts the pointers to a block from
 * distinct nodes (and from the catalog). Changing a node that has one reference replaces it;
 * changing one that has several copies it, and then the copy points to the same children too, so
 * each of their counts grows by one. Whether a node belongs to one tree only is thus known on the
 * way down from the root, and dropping a tree stops wherever it meets a node that someone else
 * still points to.
 */
export class Pool {
  readonly blocks: Blocks;
  readonly #views: ViewRegister;
  readonly #nodes = new Map<number, TreeNode>();
  readonly #cleanMax: number;
  #clean = 0;
  /** The running transaction: the birth of what is made now. */
  now = 1;
  /** The last transaction in which anything was born. */
  lastBirth = 0;
  /** Dirty nodes, those that are dead but kept for a view included. */
  dirtyCount = 0;
  /** A checkpoint is sealing nodes and may not have written them: nothing leaves the cache. */
  pinned = false;
  /** Subtrees that lost their last reference and wait to be taken apart. */
  doomed: Doomed[] = [];

  constructor(blocks: Blocks, views: ViewRegister, cacheNodes: number) {
    this.blocks = blocks;
    this.#views = views;
    this.#cleanMax = cacheNodes;
    blocks.onReuse = (id) => this.#forget(id);
  }

  /** The node a pointer points to. */
  load(pointer: Pointer, expected: Expected): TreeNode {
    const known = this.#nodes.get(pointer.id);
    if (known !== undefined) {
      known.recent = true;
      if (known.birth === pointer.birth && known.type === expected.type) return known;
      throw damaged(`a pointer of ${expected.what} to block ${pointer.id}`, this.blocks.file);
    }
    // A view may hold a pointer from before the node was sealed.
    if (isIncomplete(pointer)) pointer = this.#sealed.get(pointer.id) ?? pointer;
    const words = new Uint32Array(blockWords);
    const what = (): string => `a tree node of ${expected.what} (block ${pointer.id})`;
    this.blocks.read(bytesOf(words), pointer, what);
    const header = readHeader(words);
    if (header === undefined || header.type !== expected.type) throw damaged(what());
    if (header.id !== pointer.id || header.birth !== pointer.birth) throw damaged(what());
    const node =
      header.type === blockType.mapNode
        ? MapNode.parse(words, header)
        : VolumeNode.parse(words, header);
    if (node === undefined) throw damaged(what());
    this.#nodes.set(node.id, node);
    if (++this.#clean > this.#cleanMax) this.#evict();
    return node;
  }

  isDirty(id: number): boolean {
    return this.#nodes.get(id)?.dirty === true;
  }

  /** Makes `node` a member of the pool under a new id, with one reference. */
  add<T extends TreeNode>(node: T): T {
    node.id = this.blocks.newNode();
    node.birth = this.now;
    this.lastBirth = this.now;
    node.dirty = true;
    this.#nodes.set(node.id, node);
    this.dirtyCount++;
    return node;
  }

  /**
   * The node, ready to be changed in place: itself if nobody else can see it, else a copy that has
   * taken over the caller's reference. The caller must then point to the copy.
   */
  own(pointer: Pointer, expected: Expected): TreeNode {
    const node = this.load(pointer, expected);
    const shared = this.blocks.references(pointer.id) > 1;
    if (node.dirty && !shared && node.birth > this.#views.newest()) return node;
    const copy = this.add(node.copy());
    if (shared) {
      copy.children((id) => this.blocks.addReference(id));
    }
    this.blocks.dropReference(pointer.id, pointer.birth, this.now);
    return copy;
  }

  pointerTo(node: TreeNode): Pointer {
    return { id: node.id, birth: node.birth, low: 0, high: 0 };
  }

  /** Drops a reference to a subtree. What dies with it is taken apart by {@link reclaim}. */
  release(pointer: Pointer, type: number, death = this.now): void {
    if (this.blocks.references(pointer.id) > 1) {
      this.blocks.dropReference(pointer.id, pointer.birth, death);
    } else {
      this.doomed.push({ pointer, type, death });
    }
  }

  /** Takes doomed subtrees apart until about `budget` pointers have been dropped. */
  reclaim(budget: number): void {
    while (budget > 0) {
      const next = this.doomed.pop();
      if (next === undefined) return;
      budget -= this.#takeApart(next);
    }
  }

  /** Before a checkpoint: what is doomed and exists only in memory cannot be kept for later. */
  reclaimDirty(): void {
    const kept: typeof this.doomed = [];
    for (let next = this.doomed.pop(); next !== undefined; next = this.doomed.pop()) {
      if (this.isDirty(next.pointer.id)) this.#takeApart(next);
      else kept.push(next);
    }
    this.doomed = kept;
  }

  #takeApart({ pointer, type, death }: Doomed): number {
    const node = this.load(pointer, { type, what: 'a deleted object' });
    let count = 1;
    node.children((id, birth, isNode) => {
      count++;
      if (!isNode) {
        this.blocks.dropReference(id, birth, death);
      } else {
        this.release(this.childPointer(node, id), type, death);
      }
    });
    this.blocks.dropReference(pointer.id, pointer.birth, death);
    return count;
  }

  childPointer(node: TreeNode, id: number): Pointer {
    assert(node instanceof MapNode || node instanceof VolumeNode, 'there are two kinds of node');
    return node.pointerOf(id);
  }

  /** The dirty nodes right above leaves, for {@link sealLeaves}. */
  dirtyParents(): TreeNode[] {
    return [...this.#nodes.values()].filter((node) => node.dirty && node.level === 1);
  }

  /**
   * Seals the dirty leaves below a dirty node ahead of the checkpoint that is being prepared.
   * Whoever changes one of them again makes a copy; so this is done when nearly all will be sealed.
   */
  sealLeaves(parent: TreeNode, blocks: PlacedBlock[]): void {
    if (!parent.dirty || this.#nodes.get(parent.id) !== parent) return;
    // Dead, but kept for a view: its leaves may be dead too, and are never written.
    if (this.blocks.references(parent.id) === 0) return;
    assert(
      parent instanceof MapNode || parent instanceof VolumeNode,
      'there are two kinds of node',
    );
    parent.replaceIncomplete((child) => this.serialize(child, parent.type, blocks));
  }

  /**
   * Seals a subtree's dirty nodes, children first, places them and collects what is to be written.
   * Returns the pointer with its checksum.
   */
  serialize(pointer: Pointer, type: number, blocks: PlacedBlock[]): Pointer {
    if (!isIncomplete(pointer)) return pointer;
    const node = this.#nodes.get(pointer.id);
    if (node?.dirty === true) this.#seal(node, type, blocks);
    return this.#sealed.get(pointer.id) ?? pointer;
  }

  /**
   * Complete pointers to the nodes sealed by the running checkpoint, since nodes can have several
   * parents; and to all nodes sealed while a view is open, since the view's pointers may be older.
   */
  readonly #sealed = new Map<number, Pointer>();

  #seal(node: TreeNode, type: number, blocks: PlacedBlock[]): void {
    assert(node instanceof MapNode || node instanceof VolumeNode, 'there are two kinds of node');
    if (node.level > 0) {
      node.replaceIncomplete((child) => this.serialize(child, type, blocks));
    }
    const place = this.blocks.placeNode(node.id);
    const { sealer } = this.blocks.file;
    const bytes = sealer.seal(bytesOf(node.serialize()), node.id, node.birth);
    blocks.push({ place, bytes });
    node.dirty = false;
    this.dirtyCount--;
    this.#clean++;
    const { low, high } = sealer;
    this.#sealed.set(node.id, { id: node.id, birth: node.birth, low, high });
  }

  /** A checkpoint is over, so every pointer is where it belongs; or a view was closed. */
  forgetSealed(): void {
    if (!this.pinned && this.#views.newest() < 0) this.#sealed.clear();
  }

  #forget(id: number): void {
    this.#sealed.delete(id);
    const node = this.#nodes.get(id);
    if (node === undefined) return;
    this.#nodes.delete(id);
    if (node.dirty) this.dirtyCount--;
    else this.#clean--;
  }

  /** Second chance: nodes seen since the last round stay. */
  #evict(): void {
    if (this.pinned) return;
    const goal = this.#cleanMax - (this.#cleanMax >>> 3);
    for (let round = 0; round < 2 && this.#clean > goal; round++) {
      for (const [id, node] of this.#nodes) {
        if (node.dirty) continue;
        if (node.recent && round === 0) {
          node.recent = false;
          continue;
        }
        this.#nodes.delete(id);
        if (--this.#clean <= goal) return;
      }
    }
  }

  /** Drops every clean node, so that the next look at each reads and checks the device. */
  dropCache(): void {
    if (this.pinned) return;
    for (const [id, node] of this.#nodes) if (!node.dirty) this.#nodes.delete(id);
    this.#clean = 0;
  }
}
