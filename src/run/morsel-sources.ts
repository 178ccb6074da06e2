/** Where the morsels of a step come from. */
import type { Program, RangeStep, RowsStep, ScanStep } from '../compile/program.ts';
import { type RowGroup, rowsPerGroup, type Segment } from '../table/layout.ts';
import type { SegmentPager } from '../table/segment-pager.ts';
import {
  type Morsels,
  type RowRuns,
  rangeMorsels,
  rowMorsels,
  scanMorsels,
  scannedGroups,
} from './morsels.ts';
import type { RowBuffers } from './row-buffers.ts';
import type { Runtime } from './runtime.ts';
import type { SpillBudget } from './spill/budget.ts';
import type { MovableRows } from './spill/movable-rows.ts';
import { PagedRows } from './spill/paged-rows.ts';

/**
 * The morsels of a step, unit by unit: what a unit reads is in memory from its opening to its
 * closing.
 */
export interface MorselSource {
  readonly units: number;
  /** `sequence`: the number of the first morsel. */
  open(unit: number, sequence: number): Morsels;
  close(unit: number): void;
}

/** Share of the memory that the segments of a scan may take at once. */
const unitShare = 1 / 4;
/** A bound on the bytes of most segments, texts apart: 8 for each row. */
const roughSegmentBytes = 8 * rowsPerGroup;

/** A bound on the bytes of what a scan reads, found in less time than what it really takes. */
function roughBytes(step: ScanStep, groups: readonly RowGroup[], pager: SegmentPager): number {
  let bytes = 0;
  for (const ordinal of step.ordinals) {
    bytes += groups.length * roughSegmentBytes;
    if (!hasTexts(step, ordinal)) continue;
    for (const { segments } of groups) bytes += pager.bytesOf(segments[ordinal]);
  }
  return bytes;
}

function hasTexts({ table }: ScanStep, ordinal: number): boolean {
  return table.data.columns[ordinal].layout.kind === 'string';
}

/** What the sources are sources of. */
interface Context {
  readonly runtime: Runtime;
  readonly program: Program;
  readonly owner: number;
  readonly threads: number;
  readonly buffers: RowBuffers;
  /** The local area of a worker. */
  readonly localOf: (worker: number) => number;
  /** In an execution that spills. */
  readonly spilled: (SpillBudget & { readonly rows: MovableRows }) | undefined;
}

export class MorselSources {
  readonly #context: Context;
  /** Segments that stay until the end. */
  readonly #pinned = new Set<Segment>();
  /** Segments that the morsels under way read. */
  readonly #unitPins: Segment[] = [];
  /** Whether steps may change the movable rows that they read. */
  changing = false;
  /** In an execution that spills. */
  readonly paged: PagedRows | undefined;

  constructor(context: Context) {
    this.#context = context;
    const { runtime, spilled } = context;
    if (spilled === undefined) return;
    const { memory } = runtime;
    this.paged = new PagedRows(memory, spilled.rows, (buffer) => this.seal(buffer));
  }

  /** Row groups that zone maps rule out. */
  pruned(step: ScanStep): number {
    return step.table.data.rowGroups.length - scannedGroups(step).length;
  }

  /**
   * Segments stay in memory while morsels read them, as many at a time as fit. Those with texts
   * that rows refer to stay until the execution ends; `passing`: no row outlives its morsel.
   */
  scan(step: ScanStep, passing: boolean): MorselSource {
    const { runtime, owner, threads } = this.#context;
    const units = this.#scanUnits(step);
    const keeps = step.keepsTexts && !passing;
    const kept = new Set(keeps ? step.ordinals.filter((i) => hasTexts(step, i)) : []);
    const open = (unit: number, sequence: number) => {
      for (const { segments } of units[unit]) {
        for (const ordinal of step.ordinals) this.#pin(segments[ordinal], kept.has(ordinal));
      }
      return scanMorsels(runtime.memory, owner, step, units[unit], threads, sequence);
    };
    return { units: units.length, open, close: () => this.#unpinUnit() };
  }

  /** The row groups of a scan, in parts whose segments take at most a share of the memory. */
  #scanUnits(step: ScanStep): RowGroup[][] {
    const { memory, pager } = this.#context.runtime;
    const groups = scannedGroups(step);
    const bytesMax = memory.pages.total().limitBytes * unitShare;
    if (pager === undefined || roughBytes(step, groups, pager) <= bytesMax) return [groups];
    const units: RowGroup[][] = [[]];
    let bytes = 0;
    for (const group of groups) {
      let more = 0;
      for (const ordinal of step.ordinals) more += pager.bytesOf(group.segments[ordinal]);
      if (bytes + more > bytesMax && bytes > 0) {
        units.push([]);
        bytes = 0;
      }
      units[units.length - 1].push(group);
      bytes += more;
    }
    return units;
  }

  #pin(segment: Segment, kept: boolean): void {
    const { pager } = this.#context.runtime;
    if (pager === undefined || this.#pinned.has(segment)) return;
    pager.pin(segment);
    if (kept) this.#pinned.add(segment);
    else this.#unitPins.push(segment);
  }

  #unpinUnit(): void {
    for (const segment of this.#unitPins) this.#context.runtime.pager?.unpin(segment);
    this.#unitPins.length = 0;
  }

  /** At the end of the execution. */
  unpin(): void {
    this.#unpinUnit();
    for (const segment of this.#pinned) this.#context.runtime.pager?.unpin(segment);
    this.#pinned.clear();
  }

  rows({ buffer, isLast }: RowsStep): MorselSource {
    const { runtime, owner, program, buffers } = this.#context;
    const { rowBytes } = program.buffers[buffer];
    const movable = this.movable(buffer);
    if (movable === undefined) {
      const runs = buffers.runs(buffer);
      const open = (_: number, sequence: number) =>
        rowMorsels(runtime.memory, owner, runs, rowBytes, sequence);
      return { units: 1, open, close: () => {} };
    }
    const units = this.#batches(buffer, movable);
    if (isLast) movable.readOnce(buffer);
    const { changing } = this;
    return {
      units: units.length,
      open: (unit, sequence) => {
        movable.load(units[unit]);
        const runs = movable.runs(units[unit]);
        return rowMorsels(runtime.memory, owner, runs, rowBytes, sequence);
      },
      close: (unit) => movable.wereRead(buffer, units[unit], changing),
    };
  }

  /** The numbers below `total`. */
  range(step: RangeStep, total: number): MorselSource {
    const { runtime, owner } = this.#context;
    const open = (_: number, sequence: number) =>
      rangeMorsels(runtime.memory, owner, total, step.grain, sequence);
    return { units: 1, open, close: () => {} };
  }

  /** The rows of a buffer in order, as many at a time as are in memory. */
  *runs(buffer: number): Generator<RowRuns> {
    const movable = this.movable(buffer);
    if (movable === undefined) {
      yield this.#context.buffers.runs(buffer);
      return;
    }
    for (const batch of this.#batches(buffer, movable)) {
      movable.load(batch);
      yield movable.runs(batch);
      movable.unload(batch);
    }
  }

  /** Those who have the rows of a buffer, if it is movable. */
  movable(buffer: number): MovableRows | undefined {
    const { spilled } = this.#context;
    return spilled?.rows.has(buffer) ? spilled.rows : undefined;
  }

  #batches(buffer: number, rows: MovableRows) {
    this.seal(buffer);
    const bytesMax = this.#context.spilled?.batchBytes ?? 0;
    return [...rows.batches(rows.extents(buffer), bytesMax)];
  }

  /** Frees the rows of a buffer, if it is movable. */
  freeMovable(buffer: number): boolean {
    const movable = this.movable(buffer);
    if (movable === undefined) return false;
    this.paged?.forget(buffer);
    this.seal(buffer);
    movable.free(movable.take(buffer));
    return true;
  }

  /** Nothing more is appended to the buffer. */
  seal(buffer: number): void {
    this.movable(buffer)?.seal(buffer, this.appenders(buffer));
  }

  /** Addresses of the appenders of a buffer, one for each worker. */
  appenders(buffer: number): number[] {
    const { program, threads, localOf } = this.#context;
    const { appender } = program.buffers[buffer];
    return Array.from({ length: threads }, (_, worker) => localOf(worker) + appender);
  }
}
