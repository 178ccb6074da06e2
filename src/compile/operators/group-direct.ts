import { assert } from '../../base/assert.ts';
import { type Expr, type FunctionBuilder, i32, i64, type Local } from '../../wasm/index.ts';
import { type Query, type Scope, scopeOutside } from '../query.ts';
import { spill, type Value } from '../value.ts';
import type { AccumulatorSet } from './accumulator.ts';
import { type Cell, cellOffsets, memoryCells } from './cells.ts';
import type { EmitGroup, Groups } from './groups.ts';
import { produceRange } from './materialize.ts';
import { Published } from './published.ts';

/** A key that has few possible values. */
export interface DirectKey {
  readonly value: Value;
  readonly min: bigint;
  /** Number of values, NULL (the last) included. */
  readonly size: number;
  readonly nullable: boolean;
  readonly stride: number;
}

/** Accumulators in arrays that the keys index. */
export class DirectGroups implements Groups {
  readonly #query: Query;
  readonly #set: AccumulatorSet;
  readonly #keys: readonly DirectKey[];
  readonly #slots: number;
  readonly #types;
  readonly #offsets: number[];
  readonly #stride: number;
  /** Index of the cell that is not zero for a group that exists. */
  readonly #seen: number;
  readonly #arraySlot: number;
  readonly #published: Published;

  constructor(query: Query, set: AccumulatorSet, keys: readonly DirectKey[]) {
    this.#query = query;
    this.#set = set;
    this.#keys = keys;
    this.#slots = keys.reduce((product, key) => product * key.size, 1);
    const known = set.rowCountCell;
    this.#types = known === undefined ? [...set.cellTypes, 'i32' as const] : set.cellTypes;
    this.#seen = known ?? this.#types.length - 1;
    const { offsets, end } = cellOffsets(this.#types, 0);
    this.#offsets = offsets;
    // A power of two makes the address a shift instead of a product.
    this.#stride = 2 ** Math.ceil(Math.log2(Math.max(end, 8)));
    this.#arraySlot = query.localSlot(4, 4);
    this.#published = new Published(query, 'group');
  }

  #cells(f: FunctionBuilder, base: Expr): Cell[] {
    return memoryCells(f, base, this.#types, this.#offsets);
  }

  update(scope: Scope): void {
    const { f, pipeline } = scope;
    const array = f.local('i32', 'groups');
    pipeline.before(() => {
      f.set(array, i32.load(pipeline.local, this.#arraySlot));
      f.if(i32.eqz(array), () => {
        f.set(array, this.#query.allocate.call(this.#slots * this.#stride));
        f.do(i32.store(pipeline.local, array, this.#arraySlot));
      });
    });
    this.#published.attach(pipeline);
    const index = this.#keys.map((key) => this.#part(key)).reduce((a, b) => i32.add(a, b));
    const base = f.let(i32.add(array, i32.shl(index, Math.log2(this.#stride))), 'group');
    const cells = this.#cells(f, base);
    this.#set.update(cells.slice(0, this.#set.cellTypes.length), scope);
    if (this.#types.length > this.#set.cellTypes.length) cells[this.#seen].set(i32.const(1));
  }

  /** What a key adds to the index. */
  #part(key: DirectKey): Expr {
    const { value, min, size, stride } = key;
    let x = value.x;
    if (value.form === 'int') {
      x = i32.wrapI64(min === 0n ? value.x : i64.sub(value.x, i64.const(min)));
    }
    if (value.isNull !== undefined) x = i32.select(value.isNull, size - 1, x);
    return stride === 1 ? x : i32.mul(x, stride);
  }

  produce(emit: EmitGroup): void {
    const query = this.#query;
    const result = query.frameSlot(4, 4);
    const count = query.frameSlot(4, 4);
    query.callStep(query.unique('merge_groups'), (f) => {
      const { frame } = f.param;
      const into = f.local('i32', 'into');
      const from = f.local('i32', 'from');
      const left = f.local('i32', 'left');
      const scope = scopeOutside(query, f);
      this.#published.each(f, frame, (local) => {
        f.set(from, i32.load(local, this.#arraySlot));
        // A worker none of whose morsels had rows to look at has no groups.
        f.if(from, () => {
          f.if(
            i32.eqz(i32.load(frame, result)),
            () => {
              f.do(i32.store(frame, from, result));
              f.do(i32.store(frame, this.#slots, count));
            },
            () => {
              f.set(into, i32.load(frame, result));
              f.set(left, this.#slots);
              f.while(left, () => {
                this.#mergeSlot(scope.child(), into, from);
                f.set(into, i32.add(into, this.#stride));
                f.set(from, i32.add(from, this.#stride));
                f.set(left, i32.sub(left, 1));
                f.checkpoint();
              });
            },
          );
        });
      });
    });
    produceRange(query, 'groups', count, 65536, (scope, index) => {
      const { f, pipeline } = scope;
      const array = pipeline.hoist(() => i32.load(pipeline.frame, result), 'groups');
      const base = f.let(i32.add(array, i32.shl(index, Math.log2(this.#stride))), 'group');
      const cells = this.#cells(f, base);
      f.if(this.#isSeen(cells), () => {
        const inner = scope.child();
        const keys = this.#keys.map((key) => () => this.#keyValue(key, index, inner));
        emit(inner, keys, cells.slice(0, this.#set.cellTypes.length));
      });
    });
  }

  #isSeen(cells: readonly Cell[]): Expr {
    const seen = cells[this.#seen].get();
    return seen.type === 'i64' ? i64.ne(seen, 0n) : seen;
  }

  #mergeSlot(scope: Scope, into: Local, from: Local): void {
    const { f } = scope;
    const own = this.#cells(f, into);
    const other = this.#cells(f, from);
    f.if(this.#isSeen(other), () => {
      const size = this.#set.cellTypes.length;
      this.#set.merge(own.slice(0, size), other.slice(0, size), scope.child());
      if (this.#types.length > size) own[this.#seen].set(i32.const(1));
    });
  }

  #keyValue(key: DirectKey, index: Local, scope: Scope): Value {
    const { f } = scope;
    let part: Expr = key.stride === 1 ? index : i32.divU(index, key.stride);
    if (key.stride * key.size < this.#slots) part = i32.remU(part, key.size);
    const code = f.let(part, 'key');
    const isNull = key.nullable ? f.let(i32.eq(code, key.size - 1), 'key_null') : undefined;
    const { value } = key;
    switch (value.form) {
      case 'int': {
        const x = i64.add(i64.extendI32U(code), i64.const(key.min));
        return spill(f, { form: 'int', x, range: value.range, isNull }, 'key');
      }
      case 'bool': {
        const x = isNull === undefined ? code : i32.and(code, i32.eqz(isNull));
        return spill(f, { form: 'bool', x, isNull }, 'key');
      }
      default:
        assert(value.form === 'code', 'direct keys are integers, booleans or codes');
        // The number of the NULL group is no code: it would be looked up beyond the dictionary.
        if (isNull !== undefined) f.set(code, i32.select(isNull, 0, code));
        return { form: 'code', x: code, dictionary: value.dictionary, isNull };
    }
  }
}
