import { QuernError, sqlState } from '../base/error.ts';
import { ByteWriter, compareBytes } from './bytes.ts';
import type { Head } from './catalog.ts';
import type { StoreCore } from './core.ts';
import { discardValue, loadValue, settleValue, storeValue } from './extents.ts';
import { encodeOperation, type Operation } from './journal/operation.ts';
import { recordBytesMax } from './journal/record.ts';
import { payloadSize } from './layout.ts';
import { checkKey, showKey } from './map.ts';
import { MapTree } from './tree/map-tree.ts';

/** A change of one key; `value` is tagged, undefined for a deletion. */
interface Change {
  key: Uint8Array;
  value: Uint8Array | undefined;
}

/** The changes of one map. */
interface Overlay {
  head: Head;
  changes: Map<string, Change>;
  /** `changes` in order of their keys, while that is known. */
  sorted: Change[] | undefined;
}

/**
 * Changes to any number of maps that become visible, and durable, together. There is one
 * transaction at a time; others wait for their turn in {@link Store.begin}. It sees its own
 * changes. Large values are written when they are put, everything else when it commits.
 */
export class Transaction {
  readonly #core: StoreCore;
  readonly #overlays = new Map<string, Overlay>();
  readonly #done: () => void;
  #open = true;

  /** @internal */
  constructor(core: StoreCore, done: () => void) {
    this.#core = core;
    this.#done = done;
  }

  #overlay(name: string): Overlay {
    if (!this.#open) {
      throw new QuernError(sqlState.objectNotInPrerequisiteState, 'the transaction is over');
    }
    this.#core.checkWritable();
    const known = this.#overlays.get(name);
    if (known !== undefined && !known.head.gone) return known;
    const head = this.#core.head(name);
    if (head.kind !== 'map') {
      throw new QuernError(sqlState.invalidParameterValue, `'${name}' is not a map`);
    }
    const overlay = { head, changes: new Map<string, Change>(), sorted: undefined };
    this.#overlays.set(name, overlay);
    return overlay;
  }

  put(map: string, key: Uint8Array, value: Uint8Array): void {
    checkKey(key);
    const overlay = this.#overlay(map);
    this.#change(overlay, { key: key.slice(), value: storeValue(this.#core, value) });
  }

  delete(map: string, key: Uint8Array): void {
    this.#change(this.#overlay(map), { key: key.slice(), value: undefined });
  }

  #change(overlay: Overlay, change: Change): void {
    const id = keyId(change.key);
    const old = overlay.changes.get(id)?.value;
    if (old !== undefined) discardValue(this.#core, old);
    overlay.changes.set(id, change);
    overlay.sorted = undefined;
  }

  get(map: string, key: Uint8Array): Uint8Array | undefined {
    const overlay = this.#overlay(map);
    const change = overlay.changes.get(keyId(key));
    const tagged = change === undefined ? overlay.head.map!.get(key) : change.value;
    return tagged === undefined ? undefined : this.#load(map, key, tagged);
  }

  #load(map: string, key: Uint8Array, tagged: Uint8Array): Uint8Array {
    return loadValue(this.#core, tagged, () => `key ${showKey(key)} of map '${map}'`);
  }

  /** Entries from `from` (included) to `to` (not included), as of the call. */
  *entries(map: string, from?: Uint8Array, to?: Uint8Array): Generator<[Uint8Array, Uint8Array]> {
    const overlay = this.#overlay(map);
    overlay.sorted ??= [...overlay.changes.values()].sort((a, b) => compareBytes(a.key, b.key));
    const changes = overlay.sorted;
    let next = 0;
    while (
      next < changes.length &&
      from !== undefined &&
      compareBytes(changes[next].key, from) < 0
    ) {
      next++;
    }
    const inRange = (key: Uint8Array): boolean => to === undefined || compareBytes(key, to) < 0;
    // Until the commit, nobody changes the tree of a map.
    for (const [key, tagged] of overlay.head.map!.entries(from, to)) {
      for (; next < changes.length && compareBytes(changes[next].key, key) < 0; next++) {
        const { key: own, value } = changes[next];
        if (value !== undefined && inRange(own)) yield [own, this.#load(map, own, value)];
      }
      if (next < changes.length && compareBytes(changes[next].key, key) === 0) {
        const { value } = changes[next++];
        if (value !== undefined) yield [key, this.#load(map, key, value)];
      } else {
        yield [key, this.#load(map, key, tagged)];
      }
    }
    for (; next < changes.length && inRange(changes[next].key); next++) {
      const { key: own, value } = changes[next];
      if (value !== undefined) yield [own, this.#load(map, own, value)];
    }
  }

  /**
   * Makes the changes visible; the promise resolves when they are durable. If it is rejected with
   * 53100 (disk full) nothing has changed.
   */
  commit(): Promise<void> {
    if (!this.#open) {
      return Promise.reject(
        new QuernError(sqlState.objectNotInPrerequisiteState, 'the transaction is over'),
      );
    }
    try {
      return this.#commit();
    } catch (error) {
      this.rollback();
      return Promise.reject(error);
    }
  }

  #commit(): Promise<void> {
    const core = this.#core;
    const operations = this.#operations();
    if (operations.length === 0) {
      this.rollback();
      return core.sync(); // So that what it read is durable when it has committed.
    }
    const writer = new ByteWriter();
    for (const operation of operations) encodeOperation(writer, operation);
    const onlyDeletes = operations.every((operation) => operation.type === 'delete');
    core.admit(onlyDeletes ? 'delete' : 'write', this.#nodesNeeded(writer.length));
    const apply = (): void => {
      for (const operation of operations) core.apply(operation);
      for (const overlay of this.#overlays.values()) {
        for (const { value } of overlay.changes.values()) {
          if (value !== undefined) core.uncommitted.delete(value);
        }
      }
      core.pool.now++;
    };
    if (writer.length <= recordBytesMax) {
      core.change(() => {
        apply();
        core.journal.append(writer.view());
      });
      this.#end();
      return core.sync();
    }
    return core.performLarge(apply).finally(() => this.#end());
  }

  /** The operations in order of keys; reads every node they need, so that damage shows now. */
  #operations(): Operation[] {
    const operations: Operation[] = [];
    for (const { head, changes } of this.#overlays.values()) {
      if (head.gone) {
        throw new QuernError(sqlState.undefinedTable, `'${head.name}' has been deleted meanwhile`);
      }
      const sorted = [...changes.values()].sort((a, b) => compareBytes(a.key, b.key));
      for (const { key, value } of sorted) {
        head.map!.prepare(key);
        const object = head.objectId;
        if (value === undefined) {
          if (head.map!.get(key) !== undefined) operations.push({ type: 'delete', object, key });
        } else {
          operations.push({ type: 'put', object, key, ...settleValue(this.#core, value) });
        }
      }
    }
    return operations;
  }

  /** At most so many nodes become dirty: those that exist and are touched, and new ones. */
  #nodesNeeded(bytes: number): number {
    let touched = 0;
    for (const { head, changes } of this.#overlays.values()) {
      const root = head.root;
      if (root === undefined) continue;
      const top = new MapTree(this.#core.pool, head).load(root);
      const paths = changes.size * (top.level + 1);
      touched += top.level > 1 ? paths : Math.min(paths, 1 + top.pointers.length);
    }
    return touched + Math.ceil((bytes * 3) / payloadSize) + 4;
  }

  /** Gives the changes up. */
  rollback(): void {
    if (!this.#open) return;
    for (const { changes } of this.#overlays.values()) {
      for (const { value } of changes.values()) {
        if (value !== undefined) discardValue(this.#core, value);
      }
    }
    this.#end();
  }

  #end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#done();
  }
}

function keyId(key: Uint8Array): string {
  return String.fromCharCode(...key);
}
