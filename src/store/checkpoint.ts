import type { PlacedBlock } from './block/block-file.ts';
import {
  decodeEntry,
  doomedKey,
  encodeDoomed,
  encodeEntry,
  headKey,
  nodeType,
  uncommittedKey,
} from './catalog.ts';
import type { StoreCore } from './core.ts';
import { blockType, superblockPlaces } from './layout.ts';
import { encodeSuperblock, type Superblock } from './superblock.ts';

/** The state at one moment, ready to be written while the store goes on. */
export interface Frozen {
  superblock: Superblock;
  writes: PlacedBlock[];
  copies: PlacedBlock[];
}

export interface Checkpoint {
  frozen: Frozen;
  done: Promise<void>;
}

/**
 * Gives every dirty node and table page a place and its final bytes. Happens in one step, in memory
 * only; afterwards all nodes are clean and later changes copy them. The order matters: trees before
 * the catalog, whose entries carry the checksums of their roots; then the tables, which record
 * where all of those went; the superblock last.
 */
export function freeze(core: StoreCore): Frozen {
  const { pool, blocks, journal, catalog } = core;
  const writes: PlacedBlock[] = [];
  // From its sealing until it is written, a node is nowhere but in memory.
  pool.pinned = true;
  journal.seal();
  pool.reclaimDirty();
  journal.retireCovered();
  for (const head of core.changed) {
    if (head.root !== undefined) {
      head.root = pool.serialize(head.root, nodeType(head.kind), writes);
    }
    catalog.put(headKey(head.name), encodeEntry(core.entryOf(head)));
  }
  core.changed.clear();
  for (const [name, key] of core.unsealed) {
    const entry = decodeEntry(catalog.get(key)!);
    if (entry.root !== undefined) {
      entry.root = pool.serialize(entry.root, nodeType(entry.kind), writes);
    }
    catalog.put(key, encodeEntry(entry));
    const holder = core.openSnapshots.get(name);
    if (holder !== undefined) holder.root = entry.root;
  }
  core.unsealed.clear();
  writeNotes(core);
  const holder = core.catalogHolder;
  if (holder.root !== undefined) {
    holder.root = pool.serialize(holder.root, blockType.mapNode, writes);
  }
  core.generation++;
  blocks.relocateTables();
  const superblock = { ...core.superblock(), catalog: holder.root };
  const tables = blocks.serializeTables(pool.now);
  writes.push(...tables.blocks);
  blocks.freeze();
  pool.forgetSealed();
  core.lastFreeze = pool.now;
  pool.now++;
  const whole: Superblock = { ...superblock, blocks: tables.root };
  const bytes = encodeSuperblock(whole, blocks.file.sealer);
  const copies = superblockPlaces.map((place) => ({ place, bytes }));
  return { superblock: whole, writes, copies };
}

/**
 * Unfinished work that must be known after a crash: trees that are being taken apart, and extents
 * that belong to a transaction which may never commit.
 */
function writeNotes(core: StoreCore): void {
  for (const key of core.notes) core.catalog.delete(key);
  core.notes = [];
  core.pool.doomed.forEach(({ pointer, type }, i) => {
    const key = doomedKey(i);
    core.catalog.put(key, encodeDoomed(pointer, type));
    core.notes.push(key);
  });
  let index = 0;
  for (const value of core.uncommitted) {
    // The reference of an extent, kept as an inline value: the catalog does not own the extent.
    const key = uncommittedKey(index++);
    const note = new Uint8Array(value.length + 1);
    note.set(value, 1);
    core.catalog.put(key, note);
    core.notes.push(key);
  }
}
