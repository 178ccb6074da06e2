import { compareBytes } from '../bytes.ts';
import type { Pointer } from '../layout.ts';
import type { MapNode } from './map-node.ts';
import type { MapTree } from './map-tree.ts';

/** A key whose (tagged) value differs; undefined where the key is missing. */
export interface Difference {
  key: Uint8Array;
  before: Uint8Array | undefined;
  after: Uint8Array | undefined;
}

/** What a cursor stands before: a subtree it has not entered, or an entry. */
type Item =
  | { kind: 'tree'; low: Uint8Array; pointer: Pointer; level: number }
  | { kind: 'entry'; key: Uint8Array; value: Uint8Array };

/** Walks a tree in order of keys and enters subtrees only when told to. */
class Cursor {
  readonly #tree: MapTree;
  readonly #stack: { node: MapNode; at: number; low: Uint8Array }[] = [];
  #root: Pointer | undefined;

  constructor(tree: MapTree) {
    this.#tree = tree;
    this.#root = tree.holder.root;
  }

  peek(): Item | undefined {
    if (this.#root !== undefined) {
      const { level } = this.#tree.load(this.#root);
      return { kind: 'tree', low: new Uint8Array(0), pointer: this.#root, level };
    }
    const top = this.#stack.at(-1);
    if (top === undefined) return undefined;
    const { node, at } = top;
    if (node.level === 0) return { kind: 'entry', key: node.keys[at], value: node.values[at] };
    const low = at === 0 ? top.low : node.keys[at];
    return { kind: 'tree', low, pointer: node.pointers[at], level: node.level - 1 };
  }

  /** Goes past the item. */
  skip(): void {
    this.#root = undefined;
    for (let top = this.#stack.at(-1); top !== undefined; top = this.#stack.at(-1)) {
      if (++top.at < top.node.keys.length) return;
      this.#stack.pop();
    }
  }

  /** Goes into a subtree: the next item is the first in it. */
  enter(item: Item & { kind: 'tree' }): void {
    this.#root = undefined;
    this.#stack.push({ node: this.#tree.load(item.pointer), at: 0, low: item.low });
  }
}

/**
 * The keys whose values differ between two trees, in order. Subtrees that both have are passed at
 * their top, so this costs about what was changed.
 */
export function* mapDifferences(before: MapTree, after: MapTree): Generator<Difference> {
  const a = new Cursor(before);
  const b = new Cursor(after);
  for (;;) {
    const x = a.peek();
    const y = b.peek();
    if (x === undefined && y === undefined) return;
    if (x?.kind === 'tree' && y?.kind === 'tree' && x.pointer.id === y.pointer.id) {
      a.skip();
      b.skip();
    } else if (x?.kind === 'tree' && (y?.kind !== 'tree' || x.level >= y.level)) {
      // An entry of the other side that comes first must go first, or what both have is missed.
      if (y?.kind === 'entry' && compareBytes(y.key, x.low) < 0) yield passed(b, undefined, y);
      else a.enter(x);
    } else if (y?.kind === 'tree') {
      if (x?.kind === 'entry' && compareBytes(x.key, y.low) < 0) yield passed(a, x, undefined);
      else b.enter(y);
    } else if (x?.kind !== 'tree') {
      const difference = entryDifference(a, x, b, y);
      if (difference !== undefined) yield difference;
    }
  }
}

/** Both cursors stand before entries, or at the end. */
function entryDifference(
  a: Cursor,
  x: Entry | undefined,
  b: Cursor,
  y: Entry | undefined,
): Difference | undefined {
  if (y === undefined) return passed(a, x, undefined);
  if (x === undefined) return passed(b, undefined, y);
  const order = compareBytes(x.key, y.key);
  if (order !== 0) return order < 0 ? passed(a, x, undefined) : passed(b, undefined, y);
  a.skip();
  b.skip();
  if (compareBytes(x.value, y.value) === 0) return undefined;
  return { key: x.key, before: x.value, after: y.value };
}

type Entry = Item & { kind: 'entry' };

function passed(cursor: Cursor, x: Entry | undefined, y: Entry | undefined): Difference {
  cursor.skip();
  return { key: (x ?? y)!.key, before: x?.value, after: y?.value };
}
