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
 * A block is exclusive if it and every node above it have one reference. So the walk knows on its
 * way down, and needs no other tree.
 */
export function usageOf(core: StoreCore, root: Pointer | undefined, kind: ObjectKind): Usage {
  const { pool, blocks } = core;
  const type = nodeType(kind);
  let referenced = 0;
  let exclusive = 0;
  const visit = (pointer: Pointer, above: boolean): void => {
    const own = above && blocks.references(pointer.id) === 1;
    referenced++;
    if (own) exclusive++;
    const node = pool.load(pointer, { type, what: 'an object' });
    node.children((id, _birth, isNode) => {
      if (isNode) {
        visit(pool.childPointer(node, id), own);
        return;
      }
      referenced++;
      if (own && blocks.references(id) === 1) exclusive++;
    });
  };
  if (root !== undefined) visit(root, true);
  return {
    referenced: referenced * blockSize,
    exclusive: exclusive * blockSize,
    shared: (referenced - exclusive) * blockSize,
  };
}
