/**
 * Grouping before rows are distributed over partitions, in programs that spill: each worker groups
 * what it meets in a table of fixed size, and distributes the groups with what is known of them
 * when the table is full. Groups that come again soon so cost one row instead of many (Larson,
 * "Data Reduction by Partial Preaggregation", ICDE 2002). Where rows do not become fewer by that,
 * they go by the table for a while, each as a group of its own.
 */
import {
  type Expr,
  type Func,
  type FunctionBuilder,
  i32,
  type Local,
  memory,
} from '../../wasm/index.ts';
import { notDistinct } from '../expressions/logic.ts';
import type { FreedArea } from '../program.ts';
import { type Query, type Scope, scopeOutside } from '../query.ts';
import { rangeOf } from '../range.ts';
import { loadField, OwnRow, RowLayout, type StoredField } from '../row.ts';
import type { Value } from '../value.ts';
import type { AccumulatorSet } from './accumulator.ts';
import { type Cell, type CellType, memoryCells, zeroLike } from './cells.ts';
import { hashValues } from './hash.ts';
import { PartitionedRows, rowHashAt, rowHeader } from './partitions.ts';

/** In the local area of a worker: its block, which begins with the table, and what is in it. */
const blockAt = 0;
/** The next row, and the end of the room for rows; texts are stored from there downwards. */
const cursorAt = 4;
const limitAt = 8;
const usedAt = 12;
/** Rows looked up since the table was empty. */
const seenAt = 16;
/** Rows to come that are not looked up. */
const passingAt = 20;
const areaBytes = 24;

/** Code that reads texts reads a little further. */
const endBytes = 16;
/** A guess at the bytes of a text. */
const roughTextBytes = 24;
const slotBytes = 8;
/** Fewer rows for each group, in quarters, than this, and grouping is not worth it. */
const rowsPerGroupMin4 = 6;
/** So many times the rows of a table that was not worth it are not looked up. */
const passingFactor = 8;

export class PartialGroups {
  readonly rows: PartitionedRows;
  readonly #query: Query;
  readonly #set: AccumulatorSet;
  readonly #keyIndexes: readonly number[];
  readonly #layout = new RowLayout(rowHeader);
  readonly #groups: readonly StoredField[];
  readonly #cellOffsets: readonly number[];
  readonly #area: number;
  readonly #slots: number;
  readonly #blockBytes: number;

  constructor(
    query: Query,
    set: AccumulatorSet,
    groups: readonly Value[],
    keyIndexes: readonly number[],
    blockBytes: number,
  ) {
    this.#query = query;
    this.#set = set;
    this.#keyIndexes = keyIndexes;
    this.#groups = groups.map((group) => this.#layout.add(group));
    this.#cellOffsets = set.cellTypes.map((type) => this.#layout.add(cellValue(type)).offset);
    const texts = groups.filter(({ form }) => form === 'string').length;
    const bytes = 2 * slotBytes + this.#layout.rowBytes + roughTextBytes * texts;
    this.#slots = 2 ** Math.max(4, Math.floor(Math.log2((2 * blockBytes) / bytes)));
    this.#blockBytes = Math.max(blockBytes, this.#slots * (slotBytes + this.#layout.rowBytes));
    this.#area = query.localSlot(areaBytes, 8);
    this.rows = new PartitionedRows(query, 'partial_groups', this.#layout);
  }

  /** What is not needed once all rows are distributed. */
  get areas(): readonly FreedArea[] {
    return [{ of: 'local', offset: this.#area, bytes: areaBytes }];
  }

  /** The keys of a group, and its accumulators, in a row of a partition. */
  load(f: FunctionBuilder, row: Local): { groups: Value[]; hash: Expr; cells: Cell[] } {
    const groups = this.#groups.map((field) => loadField(row, field));
    return { groups, hash: i32.load(row, rowHashAt), cells: this.#cells(f, row) };
  }

  #cells(f: FunctionBuilder, row: Expr): Cell[] {
    return memoryCells(f, row, this.#set.cellTypes, this.#cellOffsets);
  }

  /** Takes the row of `scope` into account. */
  update(scope: Scope, groups: readonly Value[]): void {
    const { f, pipeline } = scope;
    const keys = this.#keyIndexes.map((i) => groups[i]);
    const hash = hashValues(keys, scope);
    const stored = this.#groups.map((field, i): [StoredField, Value] => [field, groups[i]]);
    const area = f.let(i32.add(pipeline.local, this.#area), 'groups');
    const group = this.#lookUp(scope, area, hash, stored);
    f.if(i32.eqz(group), () => {
      f.set(group, this.rows.append(scope, hash, stored));
      for (const cell of this.#cells(f, group)) cell.set(zeroLike(cell));
    });
    this.#set.update(this.#cells(f, group), scope);
  }

  /** A local with the group of the row in the worker's table, or 0 if it does not go there. */
  #lookUp(
    scope: Scope,
    area: Local,
    hash: Expr,
    stored: readonly (readonly [StoredField, Value])[],
  ): Local {
    const { f, pipeline, query } = scope;
    const distribute = this.#distribute();
    pipeline.finish = distribute.name;
    const row = f.let(i32.const(0), 'group');
    const at = f.let(i32.and(hash, this.#slots - 1), 'at');
    const entry = f.local('i32', 'entry');
    const seek = () => f.set(entry, i32.add(i32.load(area, blockAt), i32.shl(at, 3)));
    f.block((done) => {
      const passing = f.let(i32.load(area, passingAt), 'passing');
      f.if(passing, () => {
        f.do(i32.store(area, i32.sub(passing, 1), passingAt));
        f.br(done);
      });
      f.if(i32.eqz(i32.load(area, blockAt)), () => f.call(this.#makeBlock(query), area));
      f.do(i32.store(area, i32.add(i32.load(area, seenAt), 1), seenAt));
      f.loop((next) => {
        seek();
        f.set(row, i32.load(entry));
        f.if(i32.eqz(row), () => {
          const own = new OwnRow(f, this.#layout.rowBytes, stored);
          const room = () => i32.sub(i32.load(area, limitAt), i32.load(area, cursorAt));
          const isFull = i32.geU(i32.load(area, usedAt), this.#slots / 2);
          f.if(i32.or(isFull, i32.gtU(own.bytes, room())), () => {
            f.call(distribute.func, pipeline.frame, pipeline.local);
            f.brIf(done, i32.or(i32.load(area, passingAt), i32.gtU(own.bytes, room())));
            f.set(at, i32.and(hash, this.#slots - 1));
            seek();
          });
          f.set(row, own.store(i32.add(area, cursorAt)));
          f.do(i32.store(row, hash, rowHashAt));
          for (const cell of this.#cells(f, row)) cell.set(zeroLike(cell));
          f.do(i32.store(entry, row));
          f.do(i32.store(entry, hash, 4));
          f.do(i32.store(area, i32.add(i32.load(area, usedAt), 1), usedAt));
          f.br(done);
        });
        f.if(i32.eq(i32.load(entry, 4), hash), () => {
          f.brIf(done, this.#sameKeys(scope.child(), row, stored));
        });
        f.set(at, i32.and(i32.add(at, 1), this.#slots - 1));
        f.br(next);
      });
    });
    return row;
  }

  #sameKeys(scope: Scope, row: Local, stored: readonly (readonly [StoredField, Value])[]): Expr {
    const tests = this.#keyIndexes.map((i) => {
      const [field, value] = stored[i];
      return notDistinct(value, loadField(row, field), scope);
    });
    return tests.reduceRight((rest, test) => i32.if(test, rest, 0));
  }

  /** (area): the block of a worker, with an empty table. */
  #makeBlock(query: Query): Func {
    return query.helper(`group_block_${this.#area}`, (name) =>
      query.module.func(name, { params: { area: 'i32' } }, (f) => {
        const { area } = f.param;
        f.do(i32.store(area, query.allocate.call(this.#blockBytes), blockAt));
        this.#empty(f, area);
      }),
    );
  }

  #empty(f: FunctionBuilder, area: Expr): void {
    const block = f.let(i32.load(area, blockAt), 'block');
    f.do(i32.store(area, i32.add(block, this.#slots * slotBytes), cursorAt));
    f.do(i32.store(area, i32.add(block, this.#blockBytes - endBytes), limitAt));
    f.do(i32.store(area, 0, usedAt));
    f.do(i32.store(area, 0, seenAt));
  }

  /** (frame, local): distributes the groups in the worker's table, which is empty then. */
  #distribute(): { readonly name: string; readonly func: Func } {
    const query = this.#query;
    const name = `distribute_groups_${this.#area}`;
    const func = query.helper(name, () => {
      const params = { frame: 'i32', local: 'i32' } as const;
      return query.module.func(name, { params, export: true, suspendable: true }, (f) => {
        const scope = scopeOutside(query, f);
        const area = f.let(i32.add(f.param.local, this.#area), 'groups');
        const block = f.let(i32.load(area, blockAt), 'block');
        f.if(i32.eqz(block), () => f.return());
        const row = f.let(i32.add(block, this.#slots * slotBytes), 'row');
        f.while(i32.ltU(row, i32.load(area, cursorAt)), () => {
          f.checkpoint();
          const inner = scope.child();
          const fields = this.#layout.fields.map((field): [StoredField, Value] => [
            field,
            loadField(row, field),
          ]);
          this.rows.append(inner, f.let(i32.load(row, rowHashAt), 'hash'), fields);
          f.set(row, i32.add(row, this.#layout.rowBytes));
        });
        const seen = f.let(i32.load(area, seenAt), 'seen');
        const rowsMin = i32.mul(i32.load(area, usedAt), rowsPerGroupMin4);
        const isWorthIt = i32.geU(i32.shl(seen, 2), rowsMin);
        const passing = i32.select(isWorthIt, 0, i32.mul(seen, passingFactor));
        f.do(i32.store(area, passing, passingAt));
        f.do(memory.fill(block, 0, this.#slots * slotBytes));
        this.#empty(f, area);
      });
    });
    return { name, func };
  }
}

/** A value whose field holds what a cell does, bit by bit. */
function cellValue(type: CellType): Value {
  const x = i32.const(0);
  if (type === 'f64') return { form: 'float', x, isNull: undefined };
  const range =
    type === 'i32' ? rangeOf(0n, 2n ** 32n - 1n) : rangeOf(-(2n ** 63n), 2n ** 63n - 1n);
  return { form: 'int', x, range, isNull: undefined };
}
