import { assert } from '../../base/assert.ts';
import type { Expression } from '../../plan/expression.ts';
import { usedColumns } from '../../plan/free-columns.ts';
import type { FrameBound, WindowCall, WindowFrame } from '../../plan/plan.ts';
import { type Expr, i32, i64, type Local } from '../../wasm/index.ts';
import { compareValues } from '../expressions/comparison.ts';
import { compileExpression } from '../expressions/compile.ts';
import { failure } from '../program.ts';
import { expressionKey, type Scope } from '../query.ts';
import {
  greatest,
  least,
  type Peers,
  type PeersOf,
  scratch,
  type WindowWalk,
} from './window-walk.ts';

/** Rows from `start` to before `end`; none if they meet. */
export interface RowRange {
  readonly start: Local;
  readonly end: Local;
}

/** The frame of a call: which rows of the partition it looks at. */
export interface Frame {
  /**
   * `growing`: from the start of the partition to an end that never moves back. `sliding`: both
   * ends never move back. `any`: nothing is known, or rows in between are left out.
   */
  readonly shape: 'growing' | 'sliding' | 'any';
  /** Whether every row is in its own frame. */
  readonly hasCurrentRow: boolean;
  /** Whether it ends with the current row itself. */
  readonly endsAtRow: boolean;
  /** Whether it is the whole partition. */
  readonly isWhole: boolean;
  /** Without what EXCLUDE leaves out: parts one after the other. To be called for each row. */
  ranges(current: Scope): readonly RowRange[];
}

const wholeToPeers: WindowFrame = {
  unit: 'range',
  start: { kind: 'unboundedPreceding' },
  end: { kind: 'currentRow' },
  exclude: 'none',
};

/** Finds the ends of frames; calls with equal frames share them. */
export class FrameBounds {
  readonly #walk: WindowWalk;
  readonly #peersOf: PeersOf;
  readonly #frames = new Map<string, Frame>();
  readonly #begins: (() => void)[] = [];

  constructor(walk: WindowWalk, peersOf: PeersOf) {
    this.#walk = walk;
    this.#peersOf = peersOf;
  }

  /** Code at the start of a partition. */
  begin(): void {
    for (const build of this.#begins) build();
  }

  of(call: WindowCall): Frame {
    const spec = call.frame ?? wholeToPeers;
    const key = frameKey(spec, call.keys);
    let frame = this.#frames.get(key);
    if (frame === undefined) {
      frame = this.#make(spec, call.keys);
      this.#frames.set(key, frame);
    }
    return frame;
  }

  #make(spec: WindowFrame, keys: number): Frame {
    const { index } = this.#walk;
    const { unit, start, end, exclude } = spec;
    const peers = this.#peersOf(unit === 'rows' && isPlain(exclude) ? 0 : keys);
    const from = this.#bound(spec, start, peers, false);
    const to = this.#bound(spec, end, peers, true);
    let known: RowRange[] | undefined;
    const fromStart = start.kind === 'unboundedPreceding';
    const isMonotone = from.isMonotone && to.isMonotone && exclude === 'none';
    const before = fromStart || start.kind === 'currentRow';
    const after = end.kind === 'currentRow' || end.kind === 'unboundedFollowing';
    const allPeers = unit !== 'rows' && end.kind === 'currentRow' && keys === 0;
    return {
      shape: !isMonotone ? 'any' : fromStart ? 'growing' : 'sliding',
      hasCurrentRow: before && after && exclude === 'none',
      endsAtRow: unit === 'rows' && end.kind === 'currentRow',
      isWhole: fromStart && (end.kind === 'unboundedFollowing' || allPeers) && exclude === 'none',
      ranges: (current) => {
        known ??= this.#exclude(from.emit(current), to.emit(current), exclude, peers, index);
        return known;
      },
    };
  }

  /** Cuts out what EXCLUDE names. */
  #exclude(
    from: Expr,
    to: Expr,
    exclude: WindowFrame['exclude'],
    peers: Peers,
    index: Local,
  ): RowRange[] {
    const { f } = this.#walk;
    const start = f.let(from, 'frame_start');
    const end = f.let(greatest(to, start), 'frame_end');
    if (exclude === 'none') return [{ start, end }];
    const row = exclude === 'currentRow';
    const cutStart = row ? index : peers.start;
    const cutEnd = row ? i32.add(index, 1) : peers.end;
    const range = (a: Expr, b: Expr): RowRange => {
      const first = f.let(a, 'part_start');
      return { start: first, end: f.let(greatest(b, first), 'part_end') };
    };
    const before = range(start, least(end, cutStart));
    const after = range(greatest(start, cutEnd), end);
    if (exclude !== 'ties') return [before, after];
    const own = range(greatest(start, index), least(end, i32.add(index, 1)));
    return [before, own, after];
  }

  #bound(spec: WindowFrame, bound: FrameBound, peers: Peers, isEnd: boolean): Bound {
    const { index, partitionStart, partitionEnd } = this.#walk;
    const fixed = (value: Expr): Bound => ({ isMonotone: true, emit: () => value });
    switch (bound.kind) {
      case 'unboundedPreceding':
        return fixed(partitionStart);
      case 'unboundedFollowing':
        return fixed(partitionEnd);
      case 'currentRow':
        if (spec.unit !== 'rows') return fixed(isEnd ? peers.end : peers.start);
        return fixed(isEnd ? i32.add(index, 1) : index);
      case 'preceding':
      case 'following': {
        const { offset } = bound;
        const back = bound.kind === 'preceding';
        if (spec.unit === 'range') return this.#rangeBound(offset, peers, isEnd);
        const isMonotone = usedColumns(offset).size === 0;
        if (spec.unit === 'groups') {
          return { isMonotone, emit: this.#groupBound(offset, peers, back, isEnd) };
        }
        const base = isEnd ? i32.add(index, 1) : index;
        const emit = (current: Scope): Expr => {
          const moved = i64.add(i64.extendI32U(base), this.#distance(offset, back, current));
          return i32.wrapI64(this.#clamp(moved, partitionStart, partitionEnd));
        };
        return { isMonotone, emit };
      }
    }
  }

  /** How far to go, an i64 that cannot overflow in sums with an index; NULL is an error. */
  #distance(offset: Expression, back: boolean, current: Scope): Expr {
    const { f, query } = this.#walk;
    const value = compileExpression(offset, current);
    assert(value.form === 'int', 'a distance is a BIGINT');
    if (value.isNull !== undefined) {
      f.if(value.isNull, () => f.call(query.fail, failure.nullFrameOffset, 0));
    }
    const limit = 2n ** 40n;
    const low = f.let(i64.select(i64.ltS(value.x, -limit), -limit, value.x), 'distance');
    const distance = i64.select(i64.gtS(low, limit), limit, low);
    return f.let(back ? i64.sub(0n, distance) : distance, 'distance');
  }

  #clamp(value: Expr, from: Local, to: Local): Expr {
    const { f } = this.#walk;
    const x = f.let(value, 'place');
    const low = i64.extendI32U(from);
    f.if(i64.ltS(x, low), () => f.set(x, low));
    const high = i64.extendI32U(to);
    return i64.select(i64.gtS(x, high), high, x);
  }

  /**
   * The first row whose key is not before the value of the bound, or, for an end, is behind it.
   * That row only moves on, for the bounds have the order of the keys.
   */
  #rangeBound(value: Expression, peers: Peers, isEnd: boolean): Bound {
    const { f, partitionStart, partitionEnd, order } = this.#walk;
    const [key] = order;
    const cursor = f.local('i32', 'range_cursor');
    this.#begins.push(() => f.set(cursor, partitionStart));
    const comparison = key.descending ? (isEnd ? 'ge' : 'gt') : isEnd ? 'le' : 'lt';
    const emit = (current: Scope): Expr => {
      const limit = compileExpression(value, current);
      const isNull = compileExpression(key.expression, current).isNull;
      const move = () => {
        f.block((done) => {
          f.loop((again) => {
            f.checkpoint();
            f.brIf(done, i32.geU(cursor, partitionEnd));
            const there = this.#walk.row(cursor);
            const other = compileExpression(key.expression, there);
            const passes = compareValues(comparison, other, limit, there);
            const passesNull =
              other.isNull === undefined
                ? passes
                : i32.select(other.isNull, key.nullsFirst ? 1 : 0, passes);
            f.brIf(done, i32.eqz(passesNull));
            f.set(cursor, i32.add(cursor, 1));
            f.checkpoint(1, { onlyResumed: true });
            f.br(again);
          });
        });
      };
      if (isNull === undefined) {
        move();
        return cursor;
      }
      f.if(i32.eqz(isNull), move);
      return i32.select(isNull, isEnd ? peers.end : peers.start, cursor);
    };
    // NULLs are all before or all behind the other keys, and so are their frames.
    return { isMonotone: true, emit };
  }

  /** The start, or the end, of the group so many groups away. */
  #groupBound(
    offset: Expression,
    peers: Peers,
    back: boolean,
    isEnd: boolean,
  ): (current: Scope) => Expr {
    const { f, partitionStart, partitionEnd } = this.#walk;
    const { number } = peers;
    if (number === undefined) {
      return (current) => {
        const away = f.let(this.#distance(offset, back, current), 'away');
        const here = isEnd ? partitionEnd : partitionStart;
        const beyond = i32.select(i64.ltS(away, 0n), partitionStart, partitionEnd);
        return i32.select(i64.eqz(away), here, beyond);
      };
    }
    const { starts, groups } = this.#groupStarts(peers);
    return (current) => {
      const away = this.#distance(offset, back, current);
      const target = f.let(i64.add(i64.extendI32U(number), away), 'target');
      if (!isEnd) f.set(target, i64.sub(target, 1n));
      f.if(i64.ltS(target, 0n), () => f.set(target, 0n));
      const last = i64.extendI32U(groups);
      f.if(i64.gtS(target, last), () => f.set(target, last));
      return i32.load(i32.add(starts, i32.shl(i32.wrapI64(target), 2)));
    };
  }

  /** Where each group of the partition begins, and after them where the partition ends. */
  #groupStarts(peers: Peers): { starts: Local; groups: Local } {
    const walk = this.#walk;
    const { f, partitionStart, partitionEnd } = walk;
    const room = scratch(walk, 'group_starts', 4);
    const groups = f.local('i32', 'groups');
    const starts = f.local('i32', 'starts');
    this.#begins.push(() => {
      const rows = i32.sub(partitionEnd, partitionStart);
      f.set(starts, room(i32.shl(i32.add(rows, 1), 2)));
      f.set(groups, 0);
      const at = f.let(partitionStart, 'at');
      f.while(i32.ltU(at, partitionEnd), () => {
        f.checkpoint();
        f.do(i32.store(i32.add(starts, i32.shl(groups, 2)), at));
        f.set(groups, i32.add(groups, 1));
        f.set(at, peers.endOf(at));
      });
      f.do(i32.store(i32.add(starts, i32.shl(groups, 2)), partitionEnd));
    });
    return { starts, groups };
  }
}

interface Bound {
  /** Whether it never moves back from row to row. */
  readonly isMonotone: boolean;
  emit(current: Scope): Expr;
}

function isPlain(exclude: WindowFrame['exclude']): boolean {
  return exclude === 'none' || exclude === 'currentRow';
}

function frameKey({ unit, start, end, exclude }: WindowFrame, keys: number): string {
  const [from, to] = [start, end].map((bound) => {
    return 'offset' in bound ? `${bound.kind} ${expressionKey(bound.offset)}` : bound.kind;
  });
  return `${unit} ${from} ${to} ${exclude} ${keys}`;
}
