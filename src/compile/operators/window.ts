import { type Column, columnRef } from '../../plan/expression.ts';
import { usedColumns } from '../../plan/free-columns.ts';
import { maxRows } from '../../plan/max-rows.ts';
import type { Window, WindowCall } from '../../plan/plan.ts';
import { eachExpression } from '../../plan/rewrite.ts';
import { type Expr, i32, type Local } from '../../wasm/index.ts';
import { freeGroupTexts, passingTextsFrom } from '../expressions/own-text.ts';
import { type Consume, type Query, Scope } from '../query.ts';
import type { Value } from '../value.ts';
import { keeps } from './keep.ts';
import { defineStored, produceRange, wanted } from './materialize.ts';
import { produceSorted, type SortedRows } from './sorted-rows.ts';
import { produceSortedSpilling, type SortedWalker, type WalkMemory } from './sorted-spill.ts';
import { windowAggregates } from './window-aggregate.ts';
import { FrameBounds } from './window-frame.ts';
import { rankValue } from './window-rank.ts';
import { rowValue } from './window-value.ts';
import { type Peers, ScratchMemory, type WindowWalk } from './window-walk.ts';

/**
 * Window functions. The rows are put in order once (sorted-rows.ts); then one loop goes over each
 * partition, computes the functions of a row and pushes it on at once, so that nothing is stored
 * but what a function needs to look back or ahead.
 *
 * Aggregates over a frame that only grows keep one state. One that slides takes the rows that
 * leave out again, if that is exact, or has states of its front and of the rest; else a segment
 * tree over the partition answers for any frame in logarithmic time (Leis et al., "Efficient
 * Processing of Window Functions in Analytical SQL Queries", VLDB 2015).
 */
export function produceWindow(plan: Window, query: Query, consume: Consume): void {
  const calls = neededCalls(plan, query);
  const columns = storedColumns(plan, query, calls);
  const { input, partition, order } = plan;
  const spec = { input, columns, partition, order };
  const parts = { plan, columns, calls, query };
  if (!keeps(query, input, roughRowBytes + roughFieldBytes * columns.length)) {
    const walker: SortedWalker = (rows, scope, bounds, outgoing) =>
      walkPartitions({ ...parts, rows }, scope, bounds, outgoing);
    produceSortedSpilling(spec, query, 'window', walker, consume);
    return;
  }
  const rows = produceSorted(spec, query);
  const produceBuckets = (body: (scope: Scope, start: Local, end: Local) => void) => {
    if (rows.isPartitioned) {
      produceRange(query, 'window', rows.buckets, 1, (scope, bucket) => {
        const { start, end } = rows.bucket(scope.f, scope.pipeline.frame, bucket);
        body(scope, start, end);
      });
      return;
    }
    const one = query.frameSlot(4, 4);
    query.callStep(query.unique('one'), (f) => f.do(i32.store(f.param.frame, 1, one)));
    produceRange(query, 'window', one, 1, (scope) => {
      const { f, pipeline } = scope;
      const end = f.let(i32.load(pipeline.frame, rows.count), 'end');
      body(scope, f.let(i32.const(0), 'start'), end);
    });
  };
  produceBuckets((scope, start, end) => {
    walkPartitions({ ...parts, rows }, scope, { start, end }, consume);
  });
}

/** Guesses, before values are known: of a row to sort, and of a field of it. */
const roughRowBytes = 40;
const roughFieldBytes = 12;

/** A call with the column its values go to. */
interface NumberedCall extends WindowCall {
  readonly column: Column;
}

interface WindowParts {
  readonly plan: Window;
  readonly rows: SortedRows;
  readonly columns: readonly Column[];
  readonly calls: readonly NumberedCall[];
  readonly query: Query;
}

function neededCalls(plan: Window, query: Query): NumberedCall[] {
  const needed = query.required.get(plan);
  const added = plan.columns.length - plan.calls.length;
  return plan.calls
    .map((call, i) => ({ ...call, column: plan.columns[added + i] }))
    .filter(({ column }) => needed?.has(column.id) ?? true);
}

/** The columns of the input that are used above or by the calls. */
function storedColumns(plan: Window, query: Query, calls: readonly WindowCall[]): Column[] {
  const ids = new Set(query.required.get(plan));
  eachExpression({ ...plan, partition: [], order: [], calls }, (expression) => {
    for (const id of usedColumns(expression).keys()) ids.add(id);
  });
  // The key of a RANGE is compared with its bounds.
  for (const { frame } of calls) {
    if (frame?.unit !== 'range') continue;
    for (const id of usedColumns(plan.order[0]?.expression ?? columnRef(plan.columns[0])).keys()) {
      ids.add(id);
    }
  }
  return wanted(plan.input.columns, ids);
}

/** The loop over the partitions among the rows from `start` to `end`. */
function walkPartitions(
  parts: WindowParts,
  scope: Scope,
  { start, end }: { readonly start: Local; readonly end: Local },
  consume: Consume,
): WalkMemory {
  const { plan, rows, query, columns } = parts;
  const { f, pipeline } = scope;
  const access = rows.walk(pipeline);
  const partitionStart = f.let(start, 'partition_start');
  const partitionEnd = f.local('i32', 'partition_end');
  const index = f.local('i32', 'row_index');
  const rowScope = (row: Local): Scope => {
    const inner = new Scope(pipeline);
    defineStored(inner, columns, rows.fields, row);
    return inner;
  };
  const walk: WindowWalk = {
    query,
    f,
    access,
    local: pipeline.local,
    partitionStart,
    partitionEnd,
    index,
    order: plan.order,
    rowsMax: maxRows(plan.input),
    paged: rows.isPaged,
    memory: new ScratchMemory(),
    row: (at) => rowScope(f.let(access.row(at), 'row')),
    outside: () => new Scope(pipeline),
  };
  const peers = new PeerGroups(rows, walk);
  const functions = makeFunctions(parts.calls, walk, peers);
  const freePassingTexts = walk.paged ? passingTextsFrom(scope) : undefined;
  if (walk.paged) pipeline.after(() => freeGroupTexts(scope));
  f.while(i32.ltU(partitionStart, end), () => {
    f.checkpoint();
    f.set(partitionEnd, i32.add(partitionStart, 1));
    if (rows.isPartitioned) {
      f.block((done) => {
        f.loop((again) => {
          f.checkpoint();
          f.brIf(done, i32.geU(partitionEnd, end));
          const same = rows.samePartition(access, partitionStart, partitionEnd, scope.child());
          f.brIf(done, i32.eqz(same));
          f.set(partitionEnd, i32.add(partitionEnd, 1));
          f.checkpoint(1, { onlyResumed: true });
          f.br(again);
        });
      });
    } else f.set(partitionEnd, end);
    f.set(index, partitionStart);
    if (walk.paged) freeGroupTexts(scope);
    peers.begin();
    for (const { begin } of functions) begin?.();
    f.while(i32.ltU(index, partitionEnd), () => {
      f.checkpoint();
      peers.advance();
      const current = walk.row(index);
      for (const item of functions) {
        item.values(current).forEach((value, i) => {
          current.define(item.columns[i], value);
        });
      }
      consume(current);
      freePassingTexts?.();
      f.set(index, i32.add(index, 1));
      f.checkpoint();
    });
    f.set(partitionStart, partitionEnd);
    f.checkpoint(1, { onlyResumed: true });
  });
  return walk.memory;
}

/** Some calls that are computed together. */
interface WindowFunctions {
  readonly columns: readonly Column[];
  /** Code at the start of a partition. */
  readonly begin?: (() => void) | undefined;
  /** The values for the row of the scope, at the walk's index. */
  values(current: Scope): readonly Value[];
}

function makeFunctions(
  calls: readonly NumberedCall[],
  walk: WindowWalk,
  peers: PeerGroups,
): WindowFunctions[] {
  const bounds = new FrameBounds(walk, (keys) => peers.of(keys));
  const functions: WindowFunctions[] = [];
  const aggregates: NumberedCall[] = [];
  for (const item of calls) {
    const columns = [item.column];
    const rank = rankValue(item, walk, (keys) => peers.of(keys));
    if (rank !== undefined) {
      functions.push({ columns, values: (current) => [rank(current)] });
      continue;
    }
    const row = rowValue(item, walk, bounds);
    if (row === undefined) aggregates.push(item);
    else functions.push({ columns, begin: row.begin, values: (scope) => [row.value(scope)] });
  }
  for (const group of windowAggregates(aggregates, walk, bounds)) {
    functions.push({ ...group, columns: group.calls.map((at) => aggregates[at].column) });
  }
  return [{ columns: [], begin: () => bounds.begin(), values: () => [] }, ...functions];
}

/** Where the peers of the current row are, for each number of keys that a call orders by. */
class PeerGroups {
  readonly #rows: SortedRows;
  readonly #walk: WindowWalk;
  readonly #groups = new Map<number, Peers & { readonly number: Local }>();

  constructor(rows: SortedRows, walk: WindowWalk) {
    this.#rows = rows;
    this.#walk = walk;
  }

  of(keys: number): Peers {
    const { f, partitionStart, partitionEnd } = this.#walk;
    if (keys === 0) {
      const endOf = () => partitionEnd;
      return { start: partitionStart, end: partitionEnd, number: undefined, endOf };
    }
    let peers = this.#groups.get(keys);
    if (peers === undefined) {
      peers = {
        start: f.local('i32', 'peers_start'),
        end: f.local('i32', 'peers_end'),
        number: f.local('i32', 'peers_number'),
        endOf: (first) => this.#endOf(first, keys),
      };
      this.#groups.set(keys, peers);
    }
    return peers;
  }

  begin(): void {
    const { f, partitionStart } = this.#walk;
    for (const { end, number } of this.#groups.values()) {
      f.set(end, partitionStart);
      f.set(number, 0);
    }
  }

  /** Code at the start of each row: finds the end of its peers where new ones begin. */
  advance(): void {
    const { f, index } = this.#walk;
    for (const { start, end, number, endOf } of this.#groups.values()) {
      f.if(i32.eq(index, end), () => {
        f.set(start, end);
        f.set(number, i32.add(number, 1));
        f.set(end, endOf(start));
      });
    }
  }

  #endOf(first: Local, keys: number): Expr {
    const { f, partitionEnd, access } = this.#walk;
    const end = f.let(i32.add(first, 1), 'end');
    f.block((done) => {
      f.loop((again) => {
        f.checkpoint();
        f.brIf(done, i32.geU(end, partitionEnd));
        const scope = this.#walk.outside();
        f.brIf(done, i32.eqz(this.#rows.samePeers(access, first, end, keys, scope)));
        f.set(end, i32.add(end, 1));
        f.checkpoint(1, { onlyResumed: true });
        f.br(again);
      });
    });
    return end;
  }
}
