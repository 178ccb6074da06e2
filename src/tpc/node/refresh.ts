import { availableParallelism } from 'node:os';
import { QuernError, sqlState } from '../../base/error.ts';
import {
  deleteLines,
  deleteSegments,
  insertSegments,
  type RefreshSet,
  refreshSet,
  refreshSetsMax,
} from '../h/refresh.ts';
import { type Scale, scaleOf, type UnitRange } from '../h/scale.ts';
import type { Span } from '../h/spans.ts';
import { writeFully } from './jobs.ts';
import { fileError, OutputFiles } from './output-files.ts';
import type { Progress, ProgressListener } from './progress.ts';
import { runJobs } from './run-jobs.ts';

/** Files that are open at the same time. */
const openFilesMax = 600;
const keysPerWrite = 16_384;

export interface RefreshOptions {
  readonly scale: number;
  /** The first set, from 1, and how many. */
  readonly first?: number | undefined;
  readonly sets: number;
  readonly out: string;
  /** Files for the orders of a set, for their lines, and for the keys to delete; one by default. */
  readonly insertSegments?: number | undefined;
  readonly deleteSegments?: number | undefined;
  readonly threads?: number | undefined;
  readonly overwrite?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ProgressListener | undefined;
}

/** A file of inserts or deletes: a piece of a set. */
interface RefreshFile {
  readonly name: string;
  readonly set: RefreshSet;
  readonly piece: UnitRange;
  readonly kind: 'orders' | 'lineitem' | 'delete';
}

/**
 * Writes refresh sets as dbgen -U does, under its names: `orders.tbl.u1`, `lineitem.tbl.u1` and
 * `delete.1`, or with segments `orders.tbl.u1.1` … `delete.u1.1` …
 */
export async function generateRefreshSets(options: RefreshOptions): Promise<Progress> {
  const scale = scaleOf(options.scale);
  const { first = 1, sets } = options;
  checkOptions(options, scale, first);
  const perSet =
    2 * Math.min(options.insertSegments ?? 1, scale.refreshOrders) + (options.deleteSegments ?? 1);
  const setsAtOnce = Math.max(1, Math.floor(openFilesMax / perSet));
  let done: Progress = { rows: 0, bytes: 0, fraction: 0, elapsedMs: 0 };
  for (let set = first; set < first + sets; set += setsAtOnce) {
    const numbers = range(set, Math.min(setsAtOnce, first + sets - set));
    const before = done;
    const total = (progress: Progress): Progress => ({
      rows: before.rows + progress.rows,
      bytes: before.bytes + progress.bytes,
      fraction: (set - first + progress.fraction * numbers.length) / sets,
      elapsedMs: before.elapsedMs + progress.elapsedMs,
    });
    const onProgress = (progress: Progress) => options.onProgress?.(total(progress));
    done = total(await writeSets(options, scale, numbers, onProgress));
  }
  return done;
}

async function writeSets(
  options: RefreshOptions,
  scale: Scale,
  numbers: readonly number[],
  onProgress: ProgressListener,
): Promise<Progress> {
  const { out, overwrite = false, signal } = options;
  const plan = numbers.flatMap((number) => filesOf(refreshSet(scale, number), options));
  const names = plan.map(({ name }) => name);
  const files = OutputFiles.open(out, names, { overwrite, besideOthers: true });
  try {
    const progress = await runJobs({
      config: { scale, output: 'tbl', tables: ['orders', 'lineitem'] },
      descriptors: files.descriptors,
      encoding: { kind: 'text' },
      heads: [],
      files: [],
      sequential: false,
      threads: options.threads ?? availableParallelism(),
      signal,
      onProgress,
      spans: () => insertSpans(plan),
    });
    const deleted = writeDeletes(plan, files.descriptors, signal);
    files.commit();
    return {
      ...progress,
      rows: progress.rows + deleted.rows,
      bytes: progress.bytes + deleted.bytes,
    };
  } catch (error) {
    files.discard();
    throw signal?.aborted === true ? error : fileError(error, `to ${out}`);
  }
}

function filesOf(set: RefreshSet, options: RefreshOptions): RefreshFile[] {
  const { number, orders } = set;
  const { insertSegments: inserts, deleteSegments: deletes } = options;
  const insertFiles = insertSegments(orders.count, inserts ?? 1).flatMap((piece, index) => {
    const suffix = inserts === undefined ? '' : `.${index + 1}`;
    return (['orders', 'lineitem'] as const).map((kind) => {
      return { name: `${kind}.tbl.u${number}${suffix}`, set, piece, kind };
    });
  });
  const deleteFiles = deleteSegments(orders.count, deletes ?? 1).map((piece, index) => {
    const name = deletes === undefined ? `delete.${number}` : `delete.u${number}.${index + 1}`;
    return { name, set, piece, kind: 'delete' as const };
  });
  return [...insertFiles, ...deleteFiles];
}

/** A span for each pair of files, orders and their lines, which stand side by side. */
function insertSpans(files: readonly RefreshFile[]): Span[] {
  return files.flatMap(({ set, piece, kind }, index) => {
    if (kind !== 'orders') return [];
    return {
      group: 0,
      start: set.orders.start + piece.start,
      count: piece.count,
      firstIndex: set.firstIndex + piece.start,
      sequence: set.insertSequence,
      origin: set.orders.start,
      outputs: [index, index + 1],
      head: '',
    };
  });
}

function writeDeletes(
  files: readonly RefreshFile[],
  descriptors: readonly number[],
  signal: AbortSignal | undefined,
): { rows: number; bytes: number } {
  const encoder = new TextEncoder();
  let rows = 0;
  let bytes = 0;
  for (const [index, { set, piece, kind }] of files.entries()) {
    if (kind !== 'delete') continue;
    for (let at = 0; at < piece.count; at += keysPerWrite) {
      signal?.throwIfAborted();
      const count = Math.min(keysPerWrite, piece.count - at);
      const text = encoder.encode(deleteLines(set, { start: piece.start + at, count }));
      writeFully(descriptors[index]!, text, null);
      bytes += text.length;
    }
    rows += piece.count;
  }
  return { rows, bytes };
}

function checkOptions(options: RefreshOptions, scale: Scale, first: number): void {
  const { sets, insertSegments: inserts = 1, deleteSegments: deletes = 1 } = options;
  const last = first + sets - 1;
  if (![first, sets].every((count) => Number.isSafeInteger(count) && count >= 1)) {
    throw invalid(`refresh sets are counted from 1; got ${sets} from ${first} on`);
  }
  if (last > refreshSetsMax) {
    throw invalid(`there are ${refreshSetsMax} refresh sets; ${last} would be the last`);
  }
  for (const segments of [inserts, deletes]) {
    if (!(Number.isSafeInteger(segments) && segments >= 1 && segments <= openFilesMax / 3)) {
      throw invalid(`segments are counted from 1 to ${openFilesMax / 3}; got ${segments}`);
    }
  }
  if (scale.refreshOrders === 0) {
    throw invalid(`at scale factor ${scale.factor} refresh sets are empty; 0.007 is the smallest`);
  }
}

function invalid(message: string): QuernError {
  return new QuernError(sqlState.invalidParameterValue, message);
}

function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}
