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

/** The state at one moment, which is written while the store goes on. */
interface Frozen {
  superblock: Omit<Superblock, 'blocks'>;
  writes: PlacedBlock[];
}

/**
 * Writes the present state, so that opening the store begins there. Others work meanwhile: whatever
 * grows with the number of changes is done in portions. Returns the number of the first record of
 * the journal that the state does not cover.
 *
 * 1. **Prepare.** The dirty leaves of the trees are sealed and written, and dirty table pages get
 *    their places. Nothing depends on these writes yet. If there is little to do, nothing is done.
 * 2. **Freeze.** In one step, what is there now becomes the state that is written.
 * 3. **Write** the tables, whose pages are sealed only now, or just before they change; then flush.
 * 4. **Flip.** Two copies of the superblock, flush, the other two, flush.
 */
export async function writeCheckpoint(core: StoreCore): Promise<number> {
  const { blocks, pool } = core;
  const { file } = blocks;
  const { portion, pause } = core.options;
  const mustGoOn = (): void => {
    if (core.failed) throw core.stopped();
  };
  // From its sealing until it is written, a node is nowhere but in memory.
  pool.pinned = true;
  if (pool.dirtyCount + blocks.dirtyPages > portion) await prepare(core, mustGoOn);
  const frozen = freeze(core);
  // Lets the caller finish its step before the writing begins.
  await Promise.resolve();
  file.writeAll(frozen.writes, 'metadataWritten');
  while (blocks.writeTables(portion)) {
    await pause();
    mustGoOn();
  }
  const superblock = { ...frozen.superblock, blocks: blocks.thawTables() };
  const bytes = encodeSuperblock(superblock, file.sealer);
  await file.flush();
  mustGoOn();
  const [a, b, c, d] = superblockPlaces;
  for (const place of [a, b]) file.write(bytes, place, 'metadataWritten');
  await file.flush();
  mustGoOn();
  for (const place of [c, d]) file.write(bytes, place, 'metadataWritten');
  await file.flush();
  // A flush that succeeds after one that failed proves nothing.
  mustGoOn();
  return superblock.journal.sequence;
}

async function prepare(core: StoreCore, mustGoOn: () => void): Promise<void> {
  const { blocks, pool } = core;
  const { portion, pause } = core.options;
  let writes: PlacedBlock[] = [];
  for (const parent of pool.dirtyParents()) {
    pool.sealLeaves(parent, writes);
    if (writes.length < portion) continue;
    blocks.file.writeAll(writes, 'metadataWritten');
    writes = [];
    await pause();
    mustGoOn();
  }
  blocks.file.writeAll(writes, 'metadataWritten');
  // What changes meanwhile makes more pages dirty: so not until none is left.
  for (let left = blocks.dirtyPages; left > 0 && blocks.placePages(portion); left -= portion) {
    await pause();
    mustGoOn();
  }
}

/**
 * Gives every dirty node a place and its final bytes. Happens in one step, in memory only;
 * afterwards all nodes are clean and later changes copy them. The order matters: trees before the
 * catalog, whose entries carry the checksums of their roots; then the tables, which record where
 * all of those went.
 */
function freeze(core: StoreCore): Frozen {
  const { pool, blocks, journal, catalog } = core;
  const writes: PlacedBlock[] = [];
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
  blocks.freezeTables(pool.now);
  const superblock = { ...core.superblock(), catalog: holder.root };
  blocks.freeze();
  core.lastFreeze = pool.now;
  pool.now++;
  return { superblock, writes };
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
