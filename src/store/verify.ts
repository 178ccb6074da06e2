import type { Table } from './block/table.ts';
import {
  catalogPrefix,
  decodeEntry,
  headName,
  nodeType,
  prefixOnly,
  prefixRange,
  snapshotName,
} from './catalog.ts';
import type { StoreCore } from './core.ts';
import { loadValue } from './extents.ts';
import { blockSize, blockType, type Pointer, reservedPlaces } from './layout.ts';
import { extentBlocks, isExtent } from './tree/extent.ts';
import { MapNode } from './tree/map-node.ts';
import { VolumeNode } from './tree/volume-node.ts';

export interface Problem {
  /** What is affected, by name. */
  object: string;
  problem: string;
}

export interface VerifyReport {
  problems: Problem[];
  /** Distinct blocks of trees and of data that were read and checked. */
  nodes: number;
  dataBlocks: number;
}

/**
 * Reads and checks everything a root reaches, and compares every count the store keeps with what
 * the walk found. Runs on the present state, in memory or on the device.
 */
export function verify(core: StoreCore): VerifyReport {
  return new Verification(core).run();
}

const problemsMax = 1000;

class Verification {
  readonly #core: StoreCore;
  readonly #problems: Problem[] = [];
  /** Pointers found to each block. */
  readonly #found = new Map<number, number>();
  readonly #bytes = new Uint8Array(blockSize);
  #nodes = 0;
  #dataBlocks = 0;

  constructor(core: StoreCore) {
    this.#core = core;
  }

  run(): VerifyReport {
    const core = this.#core;
    core.checkOpen();
    core.writeHeads();
    core.pool.dropCache();
    this.#tree(core.catalogHolder.root, blockType.mapNode, 'the catalog');
    this.#try('the catalog', () => this.#objects());
    for (const { pointer, type } of core.pool.doomed) this.#tree(pointer, type, 'a deleted object');
    for (const value of core.uncommitted) this.#extent(value, 'an open transaction');
    if (this.#problems.length === 0) this.#counts();
    return {
      problems: this.#problems,
      nodes: this.#nodes,
      dataBlocks: this.#dataBlocks,
    };
  }

  #report(object: string, problem: string): void {
    if (this.#problems.length < problemsMax) this.#problems.push({ object, problem });
  }

  #try(object: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#report(object, error instanceof Error ? error.message : String(error));
    }
  }

  #objects(): void {
    const { catalog } = this.#core;
    const [heads, headsEnd] = prefixRange(prefixOnly(catalogPrefix.head));
    for (const [key, value] of catalog.entries(heads, headsEnd)) {
      const entry = decodeEntry(value);
      this.#tree(entry.root, nodeType(entry.kind), `${entry.kind} '${headName(key)}'`);
    }
    const [from, to] = prefixRange(prefixOnly(catalogPrefix.snapshot));
    for (const [key, value] of catalog.entries(from, to)) {
      const entry = decodeEntry(value);
      const { object, snapshot } = snapshotName(key);
      this.#tree(entry.root, nodeType(entry.kind), `${entry.kind} '${object}@${snapshot}'`);
    }
  }

  /** Counts one more pointer; true if it is the first that was found. */
  #count(id: number): boolean {
    const found = this.#found.get(id) ?? 0;
    this.#found.set(id, found + 1);
    return found === 0;
  }

  #tree(pointer: Pointer | undefined, type: number, name: string): void {
    if (pointer === undefined || !this.#count(pointer.id)) return;
    this.#try(name, () => {
      const node = this.#core.pool.load(pointer, { type, what: name });
      this.#nodes++;
      if (node instanceof MapNode) this.#mapNode(node, name);
      else if (node instanceof VolumeNode) this.#volumeNode(node, name);
    });
  }

  #mapNode(node: MapNode, name: string): void {
    for (const pointer of node.pointers) this.#tree(pointer, node.type, name);
    for (let i = 0; i < node.values.length; i++) {
      if (isExtent(node.values[i]))
        this.#extent(node.values[i], `${name}, key ${hex(node.keys[i])}`);
    }
  }

  #extent(value: Uint8Array, name: string): void {
    let first = false;
    this.#try(name, () => {
      extentBlocks(value, (id) => {
        first = this.#count(id) || first;
      });
      if (!first) return;
      this.#dataBlocks++;
      loadValue(this.#core, value, () => name);
    });
  }

  #volumeNode(node: VolumeNode, name: string): void {
    for (let slot = 0; slot < 202; slot++) {
      const pointer = node.pointerAt(slot);
      if (pointer.id === 0) continue;
      if (node.level > 0) {
        this.#tree(pointer, node.type, name);
      } else if (this.#count(pointer.id)) {
        this.#dataBlocks++;
        const at = (node.position + slot) * blockSize;
        const what = `${name} at byte ${at}`;
        this.#try(what, () => this.#core.blocks.read(this.#bytes, pointer, () => what));
      }
    }
  }

  /** The tables against the walk. Only meaningful when the walk saw everything. */
  #counts(): void {
    const { blocks, journal } = this.#core;
    const places = new Map<number, string>();
    const claim = (place: number, who: string): void => {
      if (places.has(place)) this.#report(who, `shares place ${place} with ${places.get(place)}`);
      places.set(place, who);
      if (!blocks.space.used.get(place)) this.#report(who, `its place ${place} counts as free`);
    };
    for (let place = 0; place < reservedPlaces; place++) claim(place, 'superblocks');
    for (const run of journal.places) {
      for (let i = 0; i < run.count; i++) claim(run.place + i, 'the journal');
    }
    for (const table of blocks.tables) this.#table(table, claim);
    for (let id = 1; id < blocks.idLimit; id++) {
      const found = this.#found.get(id) ?? 0;
      const counted = blocks.references(id);
      if (found !== counted) {
        this.#report(`block ${id}`, `${counted} pointers are counted, ${found} were found`);
      }
      if (blocks.idUsed(id) !== counted > 0) this.#report(`block ${id}`, 'its id is miscounted');
      const place = blocks.placeOf(id);
      if (found > 0 && place !== 0) claim(place, `block ${id}`);
    }
    if (this.#core.options.readOnly) return;
    const used = blocks.space.used.count;
    if (used !== places.size) {
      this.#report('free space', `${used} places count as used, ${places.size} were found to be`);
    }
  }

  #table(table: Table, claim: (place: number, who: string) => void): void {
    for (const page of table.pages()) {
      if (page.place !== 0) claim(page.place, `table '${table.name}'`);
    }
  }
}

function hex(bytes: Uint8Array): string {
  const text = Array.from(bytes.subarray(0, 24), (b) => b.toString(16).padStart(2, '0')).join('');
  return bytes.length > 24 ? `${text}…` : text;
}
