/**
 * Tables in linear memory: making them, adding rows, and who still uses what. README.md has the
 * invariants.
 */
import { assert } from '../base/assert.ts';
import { QuernError, sqlState } from '../base/error.ts';
import type { ColumnBatch, Field, Schema } from '../value/batch.ts';
import { type AppendedColumn, appendColumn } from './append-column.ts';
import { BlockHeap } from './block-heap.ts';
import { chooseFixedLayout, isText } from './choose-layout.ts';
import { hasGrown, joinStatistics } from './join-statistics.ts';
import { type Dictionary, type RowGroup, rowsPerGroup } from './layout.ts';
import type { LinearMemory } from './linear-memory.ts';
import { takeSample } from './sample.ts';
import { SegmentPager } from './segment-pager.ts';
import { StagedColumn } from './staged-column.ts';
import { noStatistics } from './statistics.ts';
import type { StoredSegment } from './stored-segment.ts';
import type { StoredColumn, Table } from './table.ts';

/** Rows on their way into a table: add batches, then {@link TableStorage.append} them. */
export class StagedRows {
  readonly schema: Schema;
  readonly columns: readonly StagedColumn[];
  rowCount = 0;

  /** `base`: the table that the rows will be added to. */
  constructor(schema: Schema, base?: Table) {
    this.schema = schema;
    const firstRow = (base?.rowCount ?? 0) % rowsPerGroup;
    this.columns = schema.map((field) => new StagedColumn(field.type, firstRow));
  }

  /**
   * Takes a batch, whose arrays must not change any more. Throws 23502 for a NULL in a column that
   * may have none.
   */
  add(batch: ColumnBatch): void {
    assert(batch.columns.length === this.columns.length, 'a batch has a vector for each column');
    if (batch.rowCount === 0) return;
    this.columns.forEach((column, i) => {
      const piecesBefore = column.pieces.length;
      column.add(batch.columns[i], batch.rowCount);
      if (!this.schema[i].nullable) refuseNulls(column, piecesBefore, this.schema[i]);
    });
    this.rowCount += batch.rowCount;
  }
}

function refuseNulls(column: StagedColumn, firstPiece: number, field: Field): void {
  for (let i = firstPiece; i < column.pieces.length; i++) {
    if (column.pieces[i].nullCount === 0) continue;
    throw new QuernError(
      sqlState.notNullViolation,
      `null value in column "${field.name}" violates its NOT NULL constraint`,
    );
  }
}

export class TableStorage {
  readonly memory: LinearMemory;
  /** Moves segments out of linear memory when it is short, and back in. */
  readonly pager: SegmentPager;
  readonly #heap: BlockHeap;
  /** Users of each version, versions of each row group, versions of each dictionary. */
  readonly #tables = new Map<Table, number>();
  readonly #rowGroups = new Map<RowGroup, number>();
  readonly #dictionaries = new Map<Dictionary, number>();
  /** Last groups whose blocks have been written on for a later version. */
  readonly #extended = new WeakSet<RowGroup>();

  constructor(memory: LinearMemory) {
    this.memory = memory;
    this.#heap = new BlockHeap(memory);
    this.pager = new SegmentPager(this.#heap);
  }

  /** A table without rows. Like every new version it has one user, the caller. */
  empty(schema: Schema): Table {
    const columns = schema.map(({ type }) => ({
      layout: isText(type)
        ? ({ kind: 'string' } as const)
        : chooseFixedLayout(type, undefined, undefined),
      statistics: noStatistics,
    }));
    return this.#hold({ schema, columns, rowGroups: [], rowCount: 0 });
  }

  /**
   * A new version of `table` with the staged rows behind its own; uses the staged rows up. The old
   * version keeps its users. Throws 53200 when memory is short, and then has changed nothing.
   * `isLast`: false when more will follow at once, so that estimates can wait.
   */
  append(table: Table, staged: StagedRows, options: { readonly isLast?: boolean } = {}): Table {
    const steps = this.appendSteps(table, staged, options);
    for (;;) {
      const { done, value } = steps.next();
      if (done === true) return value;
    }
  }

  /** As {@link append}, in steps of a few milliseconds; both versions must live until the end. */
  *appendSteps(
    table: Table,
    staged: StagedRows,
    { isLast = true }: { readonly isLast?: boolean } = {},
  ): Generator<void, Table> {
    if (staged.rowCount === 0) return this.#hold({ ...table });
    const taken: Taken = { made: [], shared: [] };
    let isDone = false;
    try {
      const made = yield* this.#heap.attempt(this.#appendSteps(table, staged, isLast, taken));
      isDone = true;
      return made;
    } finally {
      if (!isDone) for (const segment of [...taken.made, ...taken.shared]) this.#drop(segment);
    }
  }

  *#appendSteps(
    table: Table,
    staged: StagedRows,
    isLast: boolean,
    taken: Taken,
  ): Generator<void, Table> {
    const tail = table.rowCount % rowsPerGroup === 0 ? undefined : table.rowGroups.at(-1);
    const inPlace = tail !== undefined && !this.#extended.has(tail);
    // From now on, for others may want to append between the steps.
    if (tail !== undefined) this.#extended.add(tail);
    const appended: AppendedColumn[] = [];
    // What is added may be larger than the memory.
    const takeFull = (segment: StoredSegment) => {
      this.#heap.disown(segment.blocks);
      taken.made.push(segment);
      this.pager.manage(segment);
    };
    for (const [ordinal, column] of staged.columns.entries()) {
      appended.push(yield* appendColumn(this.#heap, table, ordinal, column, inPlace, takeFull));
      // Frees the batches column by column: a large load does not stay in memory twice.
      column.pieces.length = 0;
    }
    const rowCount = table.rowCount + staged.rowCount;
    const rowGroups = this.#rowGroupsOf(table, appended, rowCount, taken);
    const columns: StoredColumn[] = [];
    for (const [ordinal, { layout, summary }] of appended.entries()) {
      const { memory } = this;
      columns.push({
        layout,
        statistics: joinStatistics(memory, table, ordinal, layout, summary, rowGroups, isLast),
      });
      yield;
    }
    const { schema } = table;
    const sample =
      isLast && hasGrown(table.rowCount, rowCount)
        ? takeSample(this.memory, schema, columns, rowGroups, rowCount)
        : table.sample;
    return this.#hold({ schema, columns, rowGroups, rowCount, sample });
  }

  /** The same rows, with other names of columns, or columns that may be NULL from now on. */
  withSchema(table: Table, schema: Schema): Table {
    assert(schema.length === table.schema.length, 'the columns are the same');
    return this.#hold({ ...table, schema });
  }

  /** One more user of the version: a catalog, or a statement that reads it. */
  retain(table: Table): void {
    const count = this.#tables.get(table);
    assert(count !== undefined, 'a table that is retained is alive');
    this.#tables.set(table, count + 1);
  }

  /** One user less; with the last goes what no other version shares. */
  release(table: Table): void {
    if (countDown(this.#tables, table) > 0) return;
    for (const group of table.rowGroups) {
      if (countDown(this.#rowGroups, group) > 0) continue;
      for (const segment of group.segments as readonly StoredSegment[]) this.#drop(segment);
    }
    for (const { layout } of table.columns) {
      if (layout.kind !== 'dictionary') continue;
      if (countDown(this.#dictionaries, layout.dictionary) > 0) continue;
      this.#heap.release(layout.dictionary.offsets);
    }
  }

  /** A row group less that a segment belongs to; with the last goes its content. */
  #drop(segment: StoredSegment): void {
    if (--segment.groups > 0) return;
    this.pager.forget(segment);
    for (const block of segment.blocks) this.#heap.release(block);
  }

  /** Blocks of memory in use; none when no version is alive. */
  get blockCount(): number {
    return this.#heap.blockCount;
  }

  #hold(table: Table): Table {
    this.#tables.set(table, 1);
    const added = table.rowGroups.filter((group) => countUp(this.#rowGroups, group) === 1);
    this.#managePages(table.schema, added);
    for (const { layout } of table.columns) {
      if (layout.kind === 'dictionary') countUp(this.#dictionaries, layout.dictionary);
    }
    return table;
  }

  /**
   * Full groups are never written again, so their segments may move out. Column by column, so that
   * what was allocated together moves out together and leaves large gaps.
   */
  #managePages(schema: Schema, groups: readonly RowGroup[]): void {
    for (let ordinal = 0; ordinal < schema.length; ordinal++) {
      for (const { rowCount, segments } of groups) {
        if (rowCount === rowsPerGroup) this.pager.manage(segments[ordinal] as StoredSegment);
      }
    }
  }

  /**
   * The groups of the new version: old ones shared unless a column was rewritten, then the added.
   */
  #rowGroupsOf(
    table: Table,
    columns: readonly AppendedColumn[],
    rowCount: number,
    taken: Taken,
  ): RowGroup[] {
    const fullCount = Math.floor(table.rowCount / rowsPerGroup);
    const groups: RowGroup[] = table.rowGroups.slice(0, fullCount);
    if (columns.some((column) => column.rewritten !== undefined)) {
      for (let i = 0; i < fullCount; i++) groups[i] = rewrittenGroup(groups[i], columns, i, taken);
    }
    for (let i = 0; i < columns[0].added.length; i++) {
      const firstRow = (fullCount + i) * rowsPerGroup;
      groups.push({
        firstRow,
        rowCount: Math.min(rowsPerGroup, rowCount - firstRow),
        segments: columns.map((column) => column.added[i]),
      });
    }
    return groups;
  }
}

/** What an append has made or shared, and gives back if it fails. */
interface Taken {
  readonly made: StoredSegment[];
  readonly shared: StoredSegment[];
}

/** A group of which some columns were rewritten; the others are those of the old one too. */
function rewrittenGroup(
  group: RowGroup,
  columns: readonly AppendedColumn[],
  index: number,
  taken: Taken,
): RowGroup {
  const segments = columns.map(({ rewritten }, ordinal) => {
    if (rewritten !== undefined) return rewritten[index];
    const segment = group.segments[ordinal] as StoredSegment;
    segment.groups++;
    taken.shared.push(segment);
    return segment;
  });
  return { ...group, segments };
}

function countUp<T>(counts: Map<T, number>, key: T): number {
  const count = (counts.get(key) ?? 0) + 1;
  counts.set(key, count);
  return count;
}

/** The count that is left; the key goes with the last one. */
function countDown<T>(counts: Map<T, number>, key: T): number {
  const count = counts.get(key);
  assert(count !== undefined, 'what is released is alive');
  if (count > 1) counts.set(key, count - 1);
  else counts.delete(key);
  return count - 1;
}
