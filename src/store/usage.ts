import { nodeType } from './catalog.ts';
import type { StoreCore } from './core.ts';
import type { ObjectKind } from './journal/operation.ts';
import { blockSize, type Pointer } from './layout.ts';

/** The space of one object or snapshot, in bytes, tree nodes included. */
export interface Usage {
  /** Everything it reaches. */
  referenced: number;
  /** What nothing else reaches: deleting it gives back just this. */
  exclusive: number;
  /** What something else reaches too. */
  shared: number;
}

/**
 * Counts the blocks of trees, in portions, between which others have their turn; what they change
 * meanwhile may be counted as it was or as it is.
 *
 * A block is exclusive if it and every node above it have one reference. So the walk knows on its
 * way down, and needs no other tree. What lies below a node that was counted before, for another
 * snapshot, is not walked again: thousands of snapshots cost what they differ in.
 */
export class UsageWalk {
  readonly #core: StoreCore;
  /** Blocks reached from a node, itself included, by its id. */
  readonly #reached = new Map<number, number>();
  #steps = 0;
  #exclusive = 0;

  constructor(core: StoreCore) {
    this.#core = core;
  }

  async usage(root: Pointer | undefined, kind: ObjectKind): Promise<Usage> {
    if (root === undefined) return { referenced: 0, exclusive: 0, shared: 0 };
    // The nodes that are there now stay until the end.
    const close = this.#core.openView();
    try {
      this.#exclusive = 0;
      const referenced = (await this.#visit(root, nodeType(kind), true)) * blockSize;
      const exclusive = this.#exclusive * blockSize;
      return { referenced, exclusive, shared: referenced - exclusive };
    } finally {
      close();
    }
  }

  /** Blocks reached from a node; counts the exclusive ones if those above it are. */
  async #visit(pointer: Pointer, type: number, above: boolean): Promise<number> {
    const { pool, blocks, options } = this.#core;
    const own = above && blocks.references(pointer.id) === 1;
    const known = this.#reached.get(pointer.id);
    // Nothing below a shared node is exclusive.
    if (known !== undefined && !own) return known;
    if (++this.#steps % options.portion === 0) {
      await options.pause();
      this.#core.checkOpen();
    }
    const node = pool.load(pointer, { type, what: 'an object' });
    let reached = 1;
    if (own) this.#exclusive++;
    const below: Pointer[] = [];
    node.children((id, _birth, isNode) => {
      if (isNode) {
        below.push(pool.childPointer(node, id));
        return;
      }
      reached++;
      if (own && blocks.references(id) === 1) this.#exclusive++;
    });
    for (const child of below) reached += await this.#visit(child, type, own);
    this.#reached.set(pointer.id, reached);
    return reached;
  }
}
