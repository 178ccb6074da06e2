import { type Expr, type FunctionBuilder, i32, type Local } from '../../wasm/index.ts';
import { notDistinct } from '../expressions/logic.ts';
import { morselField } from '../program.ts';
import { type Query, type Scope, scopeOutside } from '../query.ts';
import { loadField, RowLayout, type StoredField } from '../row.ts';
import { isPair, spill, type Value } from '../value.ts';
import type { AccumulatorSet } from './accumulator.ts';
import { type Cell, cellOffsets, localCells, memoryCells, zeroLike } from './cells.ts';
import type { EmitGroup, Groups } from './groups.ts';
import { produceRows, storeRow } from './materialize.ts';

/** Header of a group's row: 1 when it was merged into the row before. */
const deadAt = 0;
const headerBytes = 4;
/** For each sequence number: the rows of its first and its last group, 0 when it has none. */
const boundaryBytes = 8;

/**
 * Groups whose rows follow each other, because the table is ordered by the key: the accumulators
 * stay in locals until the key changes. Only the first and the last group of a morsel can go on in
 * another one; these are merged at the end, morsel by morsel.
 */
export class OrderedGroups implements Groups {
  readonly #query: Query;
  readonly #set: AccumulatorSet;
  readonly #key: number;
  readonly #morsels: number;
  readonly #layout = new RowLayout(headerBytes);
  readonly #fields: readonly StoredField[];
  readonly #offsets: number[];
  readonly #buffer: number;
  readonly #boundaries: number;

  /**
   * `key`: index of the ordered group, from which the others follow; `morsels`: how many sequence
   * numbers there are.
   */
  constructor(
    query: Query,
    set: AccumulatorSet,
    groups: readonly Value[],
    key: number,
    morsels: number,
  ) {
    this.#query = query;
    this.#set = set;
    this.#key = key;
    this.#morsels = morsels;
    this.#fields = groups.map((group) => this.#layout.add(group));
    const start = this.#layout.reserve(cellOffsets(set.cellTypes, 0).end, 8);
    this.#offsets = cellOffsets(set.cellTypes, start).offsets;
    this.#buffer = query.buffer('groups', this.#layout.rowBytes);
    this.#boundaries = query.frameSlot(4, 4);
    query.steps.push({
      kind: 'allocate',
      slot: this.#boundaries,
      bytes: Math.max(morsels, 1) * boundaryBytes,
    });
  }

  #memoryCells(f: FunctionBuilder, row: Expr): Cell[] {
    return memoryCells(f, row, this.#set.cellTypes, this.#offsets);
  }

  update(scope: Scope, groups: readonly Value[]): void {
    const { f, pipeline } = scope;
    const cells = localCells(f, this.#set.cellTypes);
    const current = groups.map((group) => variable(f, group));
    const open = f.local('i32', 'open');
    const first = f.local('i32', 'first_group');
    const last = f.local('i32', 'last_group');
    const flush = () => {
      const keys = this.#fields.map((field, i): [StoredField, Value] => [field, current[i].value]);
      const row = storeRow(scope, this.#buffer, this.#layout, keys);
      f.do(i32.store(row, 0, deadAt));
      this.#memoryCells(f, row).forEach((cell, i) => cell.set(cells[i].get()));
      f.set(last, row);
      f.if(i32.eqz(first), () => f.set(first, row));
    };
    const key = groups[this.#key];
    const same = f.let(i32.const(0), 'same');
    f.if(open, () => f.set(same, notDistinct(key, current[this.#key].value, scope.child())));
    f.if(i32.eqz(same), () => {
      f.if(open, flush);
      f.set(open, 1);
      current.forEach((place, i) => place.set(groups[i]));
      for (const cell of cells) cell.set(zeroLike(cell));
    });
    this.#set.update(cells, scope);
    pipeline.after(() => {
      f.if(open, () => {
        flush();
        const sequence = i32.load(pipeline.f.param.morsel, morselField.sequence);
        const list = i32.load(pipeline.frame, this.#boundaries);
        const at = f.let(i32.add(list, i32.shl(sequence, 3)), 'boundary');
        f.do(i32.store(at, first));
        f.do(i32.store(at, last, 4));
      });
    });
  }

  produce(emit: EmitGroup): void {
    this.#joinBoundaries();
    const { rowBytes } = this.#layout;
    produceRows(this.#query, 'groups', this.#buffer, rowBytes, (scope, row) => {
      const { f } = scope;
      f.if(i32.eqz(i32.load(row, deadAt)), () => {
        const inner = scope.child();
        const groups = this.#fields.map((field) => () => spill(f, loadField(row, field), 'key'));
        emit(inner, groups, this.#memoryCells(f, row));
      });
    });
  }

  /** Merges the first group of each morsel into the last one before it, if their keys are equal. */
  #joinBoundaries(): void {
    const query = this.#query;
    query.callStep(query.unique('join_boundaries'), (f) => {
      const { frame } = f.param;
      const scope = scopeOutside(query, f);
      const at = f.let(i32.load(frame, this.#boundaries), 'at');
      const end = f.let(i32.add(at, this.#morsels * boundaryBytes), 'end');
      const previous = f.local('i32', 'previous');
      const first = f.local('i32', 'first');
      const last = f.local('i32', 'last');
      const keyOf = (row: Local): Value => loadField(row, this.#fields[this.#key]);
      f.while(i32.ltU(at, end), () => {
        f.checkpoint();
        f.set(first, i32.load(at));
        f.set(last, i32.load(at, 4));
        f.set(at, i32.add(at, boundaryBytes));
        f.if(first, () => {
          const joins = f.let(i32.const(0), 'joins');
          f.if(previous, () => {
            f.set(joins, notDistinct(keyOf(previous), keyOf(first), scope.child()));
          });
          f.if(joins, () => {
            const into = this.#memoryCells(f, previous);
            this.#set.merge(into, this.#memoryCells(f, first), scope.child());
            f.do(i32.store(first, 1, deadAt));
          });
          // A morsel that is one group, and merged, leaves the group before it open.
          f.if(i32.eqz(i32.and(joins, i32.eq(first, last))), () => f.set(previous, last));
        });
      });
    });
  }
}

interface Variable {
  readonly value: Value;
  set(value: Value): void;
}

/** Locals that can hold any value of the form of `model`. */
function variable(f: FunctionBuilder, model: Value): Variable {
  const x = f.local(model.x.type, 'key');
  const two = isPair(model);
  const y = two ? f.local(model.y.type, 'key_y') : undefined;
  const isNull = model.isNull === undefined ? undefined : f.local('i32', 'key_null');
  return {
    value: { ...model, x, isNull, ...(y === undefined ? {} : { y }) } as Value,
    set(value) {
      f.set(x, value.x);
      if (y !== undefined && isPair(value)) f.set(y, value.y);
      if (isNull !== undefined) f.set(isNull, value.isNull ?? 0);
    },
  };
}
