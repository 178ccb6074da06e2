import { type Expr, type FunctionBuilder, i32, type Local } from '../../wasm/index.ts';
import { notDistinct } from '../expressions/logic.ts';
import type { FreedArea } from '../program.ts';
import { type Query, type Scope, scopeOutside } from '../query.ts';
import { loadField, RowLayout, type StoredField } from '../row.ts';
import { spill, type Value } from '../value.ts';
import type { AccumulatorSet } from './accumulator.ts';
import { type Cell, cellOffsets, memoryCells, zeroLike } from './cells.ts';
import type { EmitGroup, Groups } from './groups.ts';
import { growFunction } from './growing-table.ts';
import { hashValues } from './hash.ts';
import { produceRows, storeRow } from './materialize.ts';

/** Header of a group's row: its hash, and whether it was merged into another. */
const groupHashAt = 0;
const groupDeadAt = 4;
const groupHeader = 8;
/** Tables are at least a quarter full when they have grown; while they grow, there are two. */
const tableBytesPerGroup = 48;
/**
 * Groups in rows, found through an open-addressing table of { row: u32, hash: u32 } with linear
 * probing, at most half full.
 */
export class HashedGroups implements Groups {
  readonly #query: Query;
  readonly #set: AccumulatorSet;
  readonly #keyIndexes: readonly number[];
  readonly #layout: RowLayout;
  readonly #fields: readonly StoredField[];
  readonly #offsets: number[];
  readonly #buffer: number;
  /** In the local area: table address, mask, used slots. */
  readonly #tableSlot: number;
  /** Whether rows of one group tend to follow each other. */
  readonly #clustered: boolean;
  readonly #areas: FreedArea[] = [];

  constructor(
    query: Query,
    set: AccumulatorSet,
    groups: readonly Value[],
    keyIndexes: readonly number[],
    clustered: boolean,
  ) {
    this.#clustered = clustered;
    this.#query = query;
    this.#set = set;
    this.#keyIndexes = keyIndexes;
    this.#layout = new RowLayout(groupHeader);
    this.#fields = groups.map((group) => this.#layout.add(group));
    const types = set.cellTypes;
    const bytes = cellOffsets(types, 0).end;
    const start = this.#layout.reserve(bytes, 8);
    this.#offsets = cellOffsets(types, start).offsets;
    this.#buffer = query.buffer('groups', this.#layout.rowBytes);
    this.#tableSlot = query.localSlot(16, 8);
    this.#areas.push({ of: 'local', offset: this.#tableSlot, bytes: 16 });
  }

  /** A bound on the memory that a row of the input can take. */
  get bytesPerRow(): number {
    return this.#layout.rowBytes + tableBytesPerGroup;
  }

  /** What must be freed before other rows are grouped. */
  get state(): { buffers: readonly number[]; areas: readonly FreedArea[] } {
    return { buffers: [this.#buffer], areas: this.#areas };
  }

  #cells(f: FunctionBuilder, row: Expr): Cell[] {
    return memoryCells(f, row, this.#set.cellTypes, this.#offsets);
  }

  update(scope: Scope, groups: readonly Value[]): void {
    const { f } = scope;
    if (!this.#clustered) {
      this.#set.update(this.#cells(f, this.#lookUp(scope, groups)), scope);
      return;
    }
    // The group of the row before, 0 at the start of a morsel.
    const last = f.local('i32', 'last');
    const same = f.let(i32.const(0), 'same');
    f.if(last, () => f.set(same, this.#sameKeys(scope.child(), last, groups)));
    f.if(i32.eqz(same), () => f.set(last, this.#lookUp(scope.child(), groups)));
    this.#set.update(this.#cells(f, last), scope);
  }

  /**
   * Takes what another table knows of a group, in cells of the same accumulators, into this one.
   */
  merge(scope: Scope, groups: readonly Value[], hash: Expr, cells: readonly Cell[]): void {
    const { f } = scope;
    const row = this.#lookUp(scope, groups, f.let(hash, 'hash'));
    this.#set.merge(this.#cells(f, row), cells, scope.child());
  }

  /** The group's row, made if it is not there. */
  #lookUp(scope: Scope, groups: readonly Value[], knownHash?: Expr): Local {
    const { f, pipeline } = scope;
    const fields = this.#fields.map((field, i): [StoredField, Value] => [field, groups[i]]);
    const keys = this.#keyIndexes.map((i) => groups[i]);
    const hash = knownHash ?? hashValues(keys, scope);
    return this.#find(scope, pipeline.local, this.#tableSlot, hash, groups, () => {
      const made = storeRow(scope, this.#buffer, this.#layout, fields);
      f.do(i32.store(made, hash, groupHashAt));
      f.do(i32.store(made, 0, groupDeadAt));
      for (const cell of this.#cells(f, made)) cell.set(zeroLike(cell));
      return made;
    });
  }

  /** A local with the row of the group, made by `make` if it is not there. */
  #find(
    scope: Scope,
    area: Expr,
    slot: number,
    hash: Expr,
    groups: readonly Value[],
    make: () => Expr,
  ): Local {
    const { f } = scope;
    const row = f.local('i32', 'group');
    const grow = growFunction(this.#query, slot);
    const mask = f.let(i32.load(area, slot + 4), 'mask');
    const used = () => i32.load(area, slot + 8);
    f.if(i32.geU(i32.shl(used(), 1), mask), () => {
      f.call(grow, area);
      f.set(mask, i32.load(area, slot + 4));
    });
    const table = f.let(i32.load(area, slot), 'table');
    const at = f.let(i32.and(hash, mask), 'at');
    const entry = f.local('i32', 'entry');
    f.block((found) => {
      f.loop((next) => {
        f.set(entry, i32.add(table, i32.shl(at, 3)));
        f.set(row, i32.load(entry));
        f.if(i32.eqz(row), () => {
          f.set(row, make());
          f.do(i32.store(entry, row));
          f.do(i32.store(entry, hash, 4));
          f.do(i32.store(area, i32.add(used(), 1), slot + 8));
          f.br(found);
        });
        f.if(i32.eq(i32.load(entry, 4), hash), () => {
          f.brIf(found, this.#sameKeys(scope.child(), row, groups));
        });
        f.set(at, i32.and(i32.add(at, 1), mask));
        f.br(next);
      });
    });
    return row;
  }

  #sameKeys(scope: Scope, row: Local, groups: readonly Value[]): Expr {
    const tests = this.#keyIndexes.map((i) =>
      notDistinct(groups[i], loadField(row, this.#fields[i]), scope),
    );
    return tests.reduceRight((rest, test) => i32.if(test, rest, 0));
  }

  produce(emit: EmitGroup): void {
    const query = this.#query;
    if (query.parallel) this.#mergeWorkers();
    produceRows(query, 'groups', this.#buffer, this.#layout.rowBytes, (scope, row) => {
      const { f } = scope;
      const output = (inner: Scope) => {
        const groups = this.#fields.map((field) => () => spill(f, loadField(row, field), 'key'));
        emit(inner, groups, this.#cells(f, row));
      };
      if (query.parallel) f.if(i32.eqz(i32.load(row, groupDeadAt)), () => output(scope.child()));
      else output(scope);
    });
  }

  /** Merges groups that several workers have; the row that came first in morsel order stays. */
  #mergeWorkers(): void {
    const query = this.#query;
    const pointers = query.frameSlot(8, 8);
    const area = query.frameSlot(16, 8);
    this.#areas.push({ of: 'frame', offset: pointers, bytes: 8 });
    this.#areas.push({ of: 'frame', offset: area, bytes: 16 });
    query.steps.push({ kind: 'gather', buffer: this.#buffer, slot: pointers, pointers: true });
    query.callStep(query.unique('merge_groups'), (f) => {
      const { frame } = f.param;
      const scope = scopeOutside(query, f);
      const next = f.let(i32.load(frame, pointers), 'next');
      const end = f.let(i32.add(next, i32.shl(i32.load(frame, pointers + 4), 2)), 'end');
      const row = f.local('i32', 'row');
      f.while(i32.ltU(next, end), () => {
        f.checkpoint();
        f.set(row, i32.load(next));
        const inner = scope.child();
        const groups = this.#fields.map((field) => loadField(row, field));
        const hash = f.let(i32.load(row, groupHashAt), 'hash');
        const kept = this.#find(inner, frame, area, hash, groups, () => row);
        f.if(i32.ne(kept, row), () => {
          f.do(i32.store(row, 1, groupDeadAt));
          this.#set.merge(this.#cells(f, kept), this.#cells(f, row), inner.child());
        });
        f.set(next, i32.add(next, 4));
      });
    });
  }
}
