import { QuernError, sqlState } from '../../base/error.ts';
import type { WindowCall } from '../../plan/plan.ts';
import { type Expr, i32, type Local } from '../../wasm/index.ts';
import type { Scope } from '../query.ts';
import type { Value } from '../value.ts';
import { AccumulatorSet, isAccumulated } from './accumulator.ts';
import {
  type Cell,
  cellOffsets,
  groupTexts,
  type KeepValue,
  keepGroupValue,
  localCells,
  memoryCells,
  writeValue,
  zeroLike,
} from './cells.ts';
import type { Frame, FrameBounds, RowRange } from './window-frame.ts';
import { greatest, scratch, type WindowWalk } from './window-walk.ts';

/** Aggregates over one frame, computed in one way. */
export interface AggregateGroup {
  /** Indexes of the calls. */
  readonly calls: readonly number[];
  readonly begin?: (() => void) | undefined;
  values(current: Scope): readonly Value[];
}

/** Puts aggregates with equal frames together, so that they share what they accumulate. */
export function windowAggregates(
  calls: readonly WindowCall[],
  walk: WindowWalk,
  bounds: FrameBounds,
): AggregateGroup[] {
  const byFrame = new Map<Frame, number[]>();
  calls.forEach((item, i) => {
    if (item.call.distinct || item.call.order.length > 0 || !isAccumulated(item.call.name)) {
      const what = item.call.distinct ? `${item.call.name}(DISTINCT …)` : item.call.name;
      throw new QuernError(sqlState.featureNotSupported, `${what} with OVER is not supported yet`);
    }
    const frame = bounds.of(item);
    const list = byFrame.get(frame);
    if (list === undefined) byFrame.set(frame, [i]);
    else list.push(i);
  });
  return [...byFrame].flatMap(([frame, indexes]) => {
    const own = indexes.map((i) => calls[i]);
    if (frame.shape === 'growing') return [growing(own, indexes, frame, walk)];
    if (frame.shape === 'any') return [segmentTree(own, indexes, frame, walk)];
    // What cannot be taken out again must not keep the rest from it.
    const isInvertible = own.map((item) => makeSet([item], frame, walk).isInvertible);
    const part = (wanted: boolean) => indexes.filter((_, i) => isInvertible[i] === wanted);
    const groups: AggregateGroup[] = [];
    const pick = (list: readonly number[]) => list.map((i) => calls[i]);
    if (part(true).length > 0) groups.push(sliding(pick(part(true)), part(true), frame, walk));
    if (part(false).length > 0) {
      groups.push(twoStacks(pick(part(false)), part(false), frame, walk));
    }
    return groups;
  });
}

/**
 * Accumulators. `position`: where the row stands that is being added, if states are merged. `keep`:
 * how states have the texts of rows.
 */
function makeSet(
  calls: readonly WindowCall[],
  frame: Frame,
  walk: WindowWalk,
  position: Expr = i32.const(1),
  keep: KeepValue = walk.paged ? keepGroupValue : writeValue,
): AccumulatorSet {
  // Only the forms of the row's values are asked for: this code does not run.
  let set: AccumulatorSet | undefined;
  walk.f.if(i32.const(0), () => {
    set = new AccumulatorSet(
      calls.map(({ call }) => call),
      walk.row(walk.partitionStart),
      walk.rowsMax,
      frame.hasCurrentRow,
      () => position,
      keep,
    );
  });
  return set as AccumulatorSet;
}

function clear(cells: readonly Cell[]): void {
  for (const cell of cells) cell.set(zeroLike(cell));
}

/** One state, to which rows are added as the frame grows. */
function growing(
  calls: readonly WindowCall[],
  indexes: readonly number[],
  frame: Frame,
  walk: WindowWalk,
): AggregateGroup {
  const { f, partitionStart } = walk;
  const set = makeSet(calls, frame, walk);
  const cells = localCells(f, set.cellTypes);
  const done = f.local('i32', 'added');
  return {
    calls: indexes,
    begin: () => {
      clear(cells);
      f.set(done, partitionStart);
    },
    values: (current) => {
      if (frame.endsAtRow) set.update(cells, current);
      else {
        const [{ end }] = frame.ranges(current);
        addUpTo(set, cells, done, end, walk, frame.isWhole);
      }
      return set.values(cells, current);
    },
  };
}

function addUpTo(
  set: AccumulatorSet,
  cells: readonly Cell[],
  done: Local,
  end: Expr,
  walk: WindowWalk,
  isLong: boolean,
): void {
  const { f } = walk;
  f.while(i32.ltU(done, end), () => {
    f.checkpoint();
    set.update(cells, walk.row(done));
    f.set(done, i32.add(done, 1));
    f.checkpoint(1, { onlyResumed: !isLong });
  });
}

/** One state, to which rows are added, and from which they are taken again. */
function sliding(
  calls: readonly WindowCall[],
  indexes: readonly number[],
  frame: Frame,
  walk: WindowWalk,
): AggregateGroup {
  const { f, partitionStart } = walk;
  const set = makeSet(calls, frame, walk);
  const cells = localCells(f, set.cellTypes);
  const added = f.local('i32', 'added');
  const removed = f.local('i32', 'removed');
  return {
    calls: indexes,
    begin: () => {
      clear(cells);
      f.set(added, partitionStart);
      f.set(removed, partitionStart);
    },
    values: (current) => {
      const [{ start, end }] = frame.ranges(current);
      addUpTo(set, cells, added, end, walk, false);
      f.while(i32.ltU(removed, start), () => {
        f.checkpoint();
        set.remove(cells, walk.row(removed));
        f.set(removed, i32.add(removed, 1));
        f.checkpoint(1, { onlyResumed: true });
      });
      return set.values(cells, current);
    },
  };
}

/**
 * States that rows cannot be taken out of, over a frame that slides: those of the front of the
 * frame, each from a row to the end of the front, and one of the rows behind it. When the front has
 * left, the rows behind it become the front ("two stacks" in Tangwongsan, Hirzel and Schneider,
 * "Low-Latency Sliding-Window Aggregation in Worst-Case Constant Time", DEBS 2017).
 */
function twoStacks(
  calls: readonly WindowCall[],
  indexes: readonly number[],
  frame: Frame,
  walk: WindowWalk,
): AggregateGroup {
  const { f, partitionStart } = walk;
  const position = f.local('i32', 'position');
  const texts = groupTexts(walk.query.unique('front'));
  const keep = walk.paged ? texts.keep : writeValue;
  const set = makeSet(calls, frame, walk, position, keep);
  // States that are merged have the texts of others, which stay until the front is another one.
  const shared = walk.paged ? makeSet(calls, frame, walk, position, writeValue) : set;
  const types = set.cellTypes;
  const { offsets, end: stateEnd } = cellOffsets(types, 0);
  const bytes = Math.max(Math.ceil(stateEnd / 8) * 8, 8);
  const room = scratch(walk, 'front', bytes);
  const states = f.local('i32', 'front_states');
  const front = f.local('i32', 'front');
  const back = f.local('i32', 'back');
  const added = f.local('i32', 'added');
  const behind = localCells(f, types);
  const result = localCells(f, types);
  /** The state of the rows from `row` to the end of the front. */
  const stateFrom = (row: Expr): Cell[] => {
    const offset = i32.mul(i32.sub(row, front), bytes);
    return memoryCells(f, f.let(i32.add(states, offset), 'state'), types, offsets);
  };
  const add = (cells: readonly Cell[], row: Expr) => {
    f.set(position, i32.add(i32.sub(row, partitionStart), 1));
    set.update(cells, walk.row(row));
  };
  const turn = (start: Local) => {
    if (walk.paged) texts.free(walk.outside());
    clear(behind);
    f.set(front, start);
    f.set(added, greatest(added, start));
    f.set(back, added);
    f.set(states, room(i32.mul(i32.sub(back, front), bytes)));
    const row = f.let(back, 'front_row');
    f.while(i32.gtU(row, front), () => {
      f.checkpoint();
      f.set(row, i32.sub(row, 1));
      const cells = stateFrom(row);
      clear(cells);
      add(cells, row);
      f.if(i32.ltU(i32.add(row, 1), back), () => {
        shared.merge(cells, stateFrom(i32.add(row, 1)), walk.outside());
      });
    });
  };
  const { pipeline } = walk.outside();
  if (walk.paged) pipeline.after(() => texts.free(walk.outside()));
  return {
    calls: indexes,
    begin: () => {
      for (const local of [front, back, added]) f.set(local, partitionStart);
      clear(behind);
      if (walk.paged) texts.free(walk.outside());
    },
    values: (current) => {
      const [{ start, end }] = frame.ranges(current);
      f.if(i32.gtU(start, back), () => turn(start));
      f.while(i32.ltU(added, end), () => {
        f.checkpoint();
        add(behind, added);
        f.set(added, i32.add(added, 1));
        f.checkpoint(1, { onlyResumed: true });
      });
      clear(result);
      f.if(i32.ltU(start, back), () => {
        shared.merge(result, stateFrom(start), walk.outside());
      });
      shared.merge(result, behind, walk.outside());
      return set.values(result, current);
    },
  };
}

/**
 * A binary tree of states over the partition, in an array: node i has the children 2i and 2i + 1,
 * and the rows are the nodes from the number of rows on. Any frame is made of at most two nodes of
 * each level.
 */
function segmentTree(
  calls: readonly WindowCall[],
  indexes: readonly number[],
  frame: Frame,
  walk: WindowWalk,
): AggregateGroup {
  const { f, partitionStart, partitionEnd } = walk;
  const position = f.local('i32', 'position');
  const set = makeSet(calls, frame, walk, position);
  // States that are merged have the texts of the leaves, which stay.
  const shared = walk.paged ? makeSet(calls, frame, walk, position, writeValue) : set;
  const types = set.cellTypes;
  const { offsets, end } = cellOffsets(types, 0);
  const bytes = Math.max(Math.ceil(end / 8) * 8, 8);
  const room = scratch(walk, 'tree', 2 * bytes);
  const tree = f.local('i32', 'tree');
  const size = f.local('i32', 'tree_rows');
  const cellsAt = (address: Expr): Cell[] => memoryCells(f, address, types, offsets);
  const nodeCells = (node: Expr): Cell[] => {
    return cellsAt(f.let(i32.add(tree, i32.mul(node, bytes)), 'node'));
  };
  const result = localCells(f, types);
  const build = () => {
    f.set(size, i32.sub(partitionEnd, partitionStart));
    f.set(tree, room(i32.mul(i32.shl(size, 1), bytes)));
    const row = f.let(i32.const(0), 'leaf');
    f.while(i32.ltU(row, size), () => {
      f.checkpoint();
      const cells = nodeCells(i32.add(size, row));
      clear(cells);
      f.set(position, i32.add(row, 1));
      set.update(cells, walk.row(i32.add(partitionStart, row)));
      f.set(row, position);
      f.checkpoint();
    });
    const node = f.let(i32.sub(size, 1), 'inner');
    f.while(i32.gtS(node, 0), () => {
      f.checkpoint();
      const cells = nodeCells(node);
      const left = nodeCells(i32.shl(node, 1));
      cells.forEach((cell, i) => cell.set(left[i].get()));
      shared.merge(cells, nodeCells(i32.add(i32.shl(node, 1), 1)), walk.outside());
      f.set(node, i32.sub(node, 1));
      f.checkpoint();
    });
  };
  const add = (range: RowRange) => {
    const toNode = (index: Expr) => i32.add(i32.sub(index, partitionStart), size);
    const low = f.let(toNode(range.start), 'low');
    const high = f.let(toNode(range.end), 'high');
    f.while(i32.ltU(low, high), () => {
      f.checkpoint();
      f.if(i32.and(low, 1), () => {
        shared.merge(result, nodeCells(low), walk.outside());
        f.set(low, i32.add(low, 1));
      });
      f.if(i32.and(high, 1), () => {
        f.set(high, i32.sub(high, 1));
        shared.merge(result, nodeCells(high), walk.outside());
      });
      f.set(low, i32.shrU(low, 1));
      f.set(high, i32.shrU(high, 1));
    });
  };
  return {
    calls: indexes,
    begin: build,
    values: (current) => {
      clear(result);
      for (const range of frame.ranges(current)) add(range);
      return shared.values(result, current);
    },
  };
}
