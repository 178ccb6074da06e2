/** Adding staged rows to one column of a table: keeps its layout if they fit, else rewrites it. */
import { assert } from '../base/assert.ts';
import type { SqlType } from '../value/type.ts';
import type { BlockHeap } from './block-heap.ts';
import {
  type ColumnSummary,
  chooseFixedLayout,
  codeWidth,
  fitsLayout,
  greatest,
  isText,
  least,
  regrownLayout,
  summarizeColumn,
  worthDictionary,
} from './choose-layout.ts';
import { codesIn, newDictionary, stringSetOf } from './dictionary.ts';
import { newCodeMap } from './encode.ts';
import { type ColumnLayout, rowsPerGroup } from './layout.ts';
import { dictionaryVector, readSegment } from './read.ts';
import { type ColumnEncoding, extendSegment, newSegment } from './segment.ts';
import { type Piece, StagedColumn } from './staged-column.ts';
import type { StoredSegment } from './stored-segment.ts';
import type { StringSet } from './string-set.ts';
import type { Table } from './table.ts';

export interface AppendedColumn {
  readonly layout: ColumnLayout;
  /**
   * New segments for the groups of the old version that stay full, when they had to be rewritten.
   */
  readonly rewritten: readonly StoredSegment[] | undefined;
  /** Segments from the group on that the first added row falls into. */
  readonly added: readonly StoredSegment[];
  readonly summary: ColumnSummary;
}

/** Takes a segment of a full group, which is never written again. */
type TakeFull = (segment: StoredSegment) => void;

/**
 * Stops after each segment, for whoever wants to do something else between. `inPlace`: the blocks
 * of the table's last group may be written behind its rows.
 */
export function* appendColumn(
  heap: BlockHeap,
  table: Table,
  ordinal: number,
  staged: StagedColumn,
  inPlace: boolean,
  takeFull: TakeFull,
): Generator<void, AppendedColumn> {
  const summary = summarizeColumn(staged);
  yield;
  const { encoding, keeps } = isText(staged.type)
    ? encodeText(heap, table, ordinal, staged)
    : encodeFixed(table, ordinal, staged.type, summary);
  const tailRows = table.rowCount % rowsPerGroup;
  const old = table.rowGroups.map((group) => group.segments[ordinal] as StoredSegment);
  const rewritten = keeps ? undefined : rewrite(heap, table, ordinal, encoding.layout, takeFull);
  const tail = tailRows === 0 ? undefined : (rewritten ?? old).at(-1);
  const added: StoredSegment[] = [];
  for (const [group, pieces] of piecesByGroup(staged.pieces)) {
    const rows = pieces.reduce((sum, piece) => sum + piece.to - piece.from, 0);
    if (group === 0 && tail !== undefined) {
      added.push(extendSegment(heap, encoding, tail, tailRows, pieces, rows, keeps && inPlace));
    } else {
      const segment = newSegment(heap, encoding, pieces, rows);
      if (rows === rowsPerGroup) takeFull(segment);
      added.push(segment);
    }
    yield;
  }
  if (rewritten !== undefined && tail !== undefined) {
    for (const block of tail.blocks) heap.release(block);
    rewritten.pop();
  }
  return { layout: encoding.layout, rewritten, added, summary };
}

interface Chosen {
  readonly encoding: ColumnEncoding;
  /** False when the rows that are there must be rewritten. */
  readonly keeps: boolean;
}

function encodeFixed(table: Table, ordinal: number, type: SqlType, summary: ColumnSummary): Chosen {
  const { layout, statistics } = table.columns[ordinal];
  const chosen = (layout: ColumnLayout, keeps: boolean): Chosen => ({
    encoding: { layout, strings: undefined, codes: undefined },
    keeps,
  });
  if (table.rowCount === 0) return chosen(chooseFixedLayout(type, summary.min, summary.max), true);
  if (fitsLayout(layout, summary.min, summary.max)) return chosen(layout, true);
  const min = statistics.min === undefined ? summary.min : least(statistics.min, summary.min!);
  const max = statistics.max === undefined ? summary.max : greatest(statistics.max, summary.max!);
  return chosen(regrownLayout(type, statistics, min, max), false);
}

function encodeText(heap: BlockHeap, table: Table, ordinal: number, staged: StagedColumn): Chosen {
  const { layout } = table.columns[ordinal];
  const strings = staged.numbered?.vector();
  const plain = { layout: { kind: 'string' }, strings, codes: undefined } as const;
  const rows = table.rowCount + staged.rowCount;
  const set = staged.strings;
  if (table.rowCount === 0) {
    if (set === undefined || !worthDictionary(set.count, rows))
      return { encoding: plain, keeps: true };
    return { encoding: encodeNew(heap, set, set), keeps: true };
  }
  if (layout.kind === 'string') return { encoding: plain, keeps: true };
  assert(layout.kind === 'dictionary', 'text is stored plainly or by dictionary');
  if (set === undefined) return { encoding: plain, keeps: false };
  const codeOf = codesIn(heap.memory, layout.dictionary, set.vector());
  if (codeOf !== undefined) {
    return { encoding: { layout, strings, codes: newCodeMap(codeOf) }, keeps: true };
  }
  const union = stringSetOf(dictionaryVector(heap.memory, layout.dictionary));
  const { offsets, bytes } = set.vector();
  for (let i = 0; i < set.count; i++) union.add(bytes, offsets[i], offsets[i + 1]);
  if (!worthDictionary(union.count, rows)) return { encoding: plain, keeps: false };
  return { encoding: encodeNew(heap, union, set), keeps: false };
}

/** A dictionary of all strings of `union`, and codes for those of its subset `staged`. */
function encodeNew(heap: BlockHeap, union: StringSet, staged: StringSet): ColumnEncoding {
  const { dictionary, codeOf } = newDictionary(heap, union);
  const layout = { kind: 'dictionary', width: codeWidth(dictionary.count), dictionary } as const;
  const strings = staged.vector();
  const codes = union === staged ? codeOf : codesIn(heap.memory, dictionary, strings);
  assert(codes !== undefined, 'a union has the strings of its parts');
  return { layout, strings, codes: newCodeMap(codes) };
}

/** All segments of the column in another layout, which every value fits in. */
function rewrite(
  heap: BlockHeap,
  table: Table,
  ordinal: number,
  layout: ColumnLayout,
  takeFull: TakeFull,
): StoredSegment[] {
  const { type } = table.schema[ordinal];
  const from = table.columns[ordinal].layout;
  return table.rowGroups.map(({ segments, rowCount }) => {
    const staged = new StagedColumn(type);
    staged.add(readSegment(heap.memory, type, from, segments[ordinal], rowCount), rowCount);
    const strings = staged.numbered?.vector();
    let codes: ColumnEncoding['codes'];
    if (layout.kind === 'dictionary') {
      const codeOf = codesIn(heap.memory, layout.dictionary, strings!);
      assert(codeOf !== undefined, 'the new dictionary has the entries of the old');
      codes = newCodeMap(codeOf);
    }
    const segment = newSegment(heap, { layout, strings, codes }, staged.pieces, rowCount);
    if (rowCount === rowsPerGroup) takeFull(segment);
    return segment;
  });
}

function piecesByGroup(pieces: readonly Piece[]): Map<number, Piece[]> {
  const groups = new Map<number, Piece[]>();
  for (const piece of pieces) {
    const group = groups.get(piece.group);
    if (group === undefined) groups.set(piece.group, [piece]);
    else group.push(piece);
  }
  return groups;
}
