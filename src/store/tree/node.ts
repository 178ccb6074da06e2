/**
 * A node of a tree of blocks, in memory. A node is dirty from its creation until a checkpoint has
 * given it a place; then it never changes again. See `pool.ts` for who may change a dirty one.
 */
export interface TreeNode {
  /** One of `blockType`. */
  readonly type: number;
  readonly level: number;
  /** The object the node was made for; branches share it afterwards. */
  readonly owner: number;
  id: number;
  birth: number;
  dirty: boolean;
  /** Seen since the cache last looked for something to drop. */
  recent: boolean;
  /** The same contents, for a new id. */
  copy(): TreeNode;
  /** Calls `visit` for every pointer in the node: to nodes below, or to blocks of data. */
  children(visit: ChildVisitor): void;
  /** The block to be written, which is the node's own memory if it has it in this form. */
  serialize(): Uint32Array;
}

export type ChildVisitor = (id: number, birth: number, isNode: boolean) => void;
