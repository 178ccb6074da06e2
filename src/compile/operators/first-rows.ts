import { assert } from '../../base/assert.ts';
import { type Column, columnRef, type SortKey } from '../../plan/expression.ts';
import type { Plan } from '../../plan/plan.ts';
import { type Expr, type Func, i32, i64, type Local } from '../../wasm/index.ts';
import { compileExpression } from '../expressions/compile.ts';
import { ownText } from '../expressions/own-text.ts';
import { emitSort, type Less } from '../kernels/sort.ts';
import { emitTopK } from '../kernels/top-k.ts';
import { morselField } from '../program.ts';
import type { Query, Scope } from '../query.ts';
import { appendRow, RowLayout, type StoredField, storeField } from '../row.ts';
import type { Value } from '../value.ts';
import { produce } from './produce.ts';
import { Published } from './published.ts';
import { beforeFunction } from './row-order.ts';
import type { OrderedRows } from './sort.ts';
import { planSortKey } from './sort-key.ts';

/**
 * In the local area of a worker: its heap, the rows in it, a row that can be used again, and, once
 * the heap is full, the complement of the key that a row must not exceed.
 */
const heapAt = 0;
const countAt = 4;
const spareAt = 8;
const limitAt = 16;
const areaBytes = 24;

/**
 * The first `count` rows in the order of `keys`, without keeping the others: each worker has a heap
 * of the best rows so far. Rows with equal keys are told apart by where they come from, so that
 * the result does not depend on which worker met them.
 */
export function materializeFirst(
  input: Plan,
  columns: readonly Column[],
  keys: readonly SortKey[],
  count: number,
  query: Query,
): OrderedRows {
  const first = new FirstRows(columns, keys, Math.max(count, 1), query);
  produce(input, query, (scope) => first.offer(scope));
  return first.finish();
}

class FirstRows {
  readonly #columns: readonly Column[];
  readonly #keys: readonly SortKey[];
  readonly #count: number;
  readonly #query: Query;
  readonly #layout = new RowLayout();
  readonly #fields = new Map<number, StoredField>();
  readonly #area: number;
  readonly #published: Published;
  #less: Less | undefined;

  constructor(columns: readonly Column[], keys: readonly SortKey[], count: number, query: Query) {
    this.#columns = columns;
    this.#keys = keys;
    this.#count = count;
    this.#query = query;
    this.#area = query.localSlot(areaBytes, 8);
    this.#published = new Published(query, 'first_rows');
  }

  /**
   * Code for a row. Most are passed over by the first 64 bits of their keys (`sort-key.ts`); of the
   * others the keys are stored and compared, and the rest only if the row is wanted.
   */
  offer(scope: Scope): void {
    const { f, pipeline } = scope;
    const query = this.#query;
    const keys = this.#keys.map(({ expression }) => compileExpression(expression, scope));
    const order = this.#keys.map((key, i) => ({ ...key, value: keys[i] }));
    this.#published.attach(pipeline);
    const area = pipeline.hoist(() => i32.add(pipeline.local, this.#area), 'area');
    pipeline.before(() => {
      f.if(i32.eqz(i32.load(area, heapAt)), () => {
        f.do(i32.store(area, query.allocate.call(this.#count * 4 + 8), heapAt));
      });
    });
    const number = rowNumber(scope);
    const { key } = planSortKey([], order, scope);
    // The area is zeroed: without a limit, no key is above it.
    const limit = i64.xor(i64.load(area, limitAt), -1n);
    f.if(i64.leU(key, limit), () => this.#offer(scope.child(), area, number, keys, key));
  }

  #offer(scope: Scope, area: Local, number: Expr, keys: readonly Value[], key: Expr): void {
    const { f, pipeline } = scope;
    const query = this.#query;
    const numberAt = this.#layout.reserve(8, 8);
    const keyAt = this.#layout.reserve(8, 8);
    const keyFields = keys.map((value) => this.#layout.add(value));
    this.#keys.forEach(({ expression }, i) => {
      if (expression.kind === 'column') this.#fields.set(expression.column.id, keyFields[i]);
    });
    const before = beforeFunction(query, this.#keys, keyFields, numberAt);
    const less: Less = (_, a, b) => before.call(a, b);
    this.#less = less;
    const offerRow = emitTopK(query.module, query.unique('offer'), less);
    // The layout is complete only when the other columns were compiled, below.
    const buffer = query.buffer('first_rows', 0);
    const row = f.local('i32', 'row');
    f.set(row, i32.load(area, spareAt));
    const append = f.slot();
    f.do(i64.store(row, number, numberAt));
    f.do(i64.store(row, key, keyAt));
    keyFields.forEach((field, i) => storeField(f, row, field, keys[i]));
    const isFull = () => i32.eq(i32.load(area, countAt), this.#count);
    const root = () => i32.load(i32.load(area, heapAt));
    f.if(
      i32.if(isFull(), before.call(row, root()), 1),
      () => {
        this.#keep(scope.child(), row, area, keyFields, keys, offerRow);
        const last = i64.xor(i64.load(root(), keyAt), -1n);
        f.if(isFull(), () => f.do(i64.store(area, last, limitAt)));
      },
      () => f.do(i32.store(area, row, spareAt)),
    );
    const { rowBytes } = this.#layout;
    query.setRowBytes(buffer, rowBytes);
    f.into(append, () => {
      f.if(i32.eqz(row), () => {
        f.set(row, appendRow(pipeline, f, pipeline.local, buffer, rowBytes));
      });
    });
  }

  #keep(
    scope: Scope,
    row: Expr,
    area: Expr,
    keyFields: readonly StoredField[],
    keys: readonly Value[],
    offerRow: Func,
  ): void {
    const { f } = scope;
    const values = this.#columns
      .filter((column) => !this.#fields.has(column.id))
      .map((column): [StoredField, Value] => {
        const value = compileExpression(columnRef(column), scope);
        const field = this.#layout.add(value);
        this.#fields.set(column.id, field);
        return [field, value];
      });
    for (const [field, value] of values) storeField(f, row, field, ownText(scope, value));
    // The row is compared before it is known whether it is kept.
    const owned = this.#query.options.spill === undefined ? [] : keyFields;
    owned.forEach((field, i) => {
      if (field.form === 'string') storeField(f, row, field, ownText(scope, keys[i]));
    });
    const count = f.let(i32.load(area, countAt), 'count');
    const heap = i32.load(area, heapAt);
    const lost = f.let(offerRow.call(heap, count, this.#count, row), 'lost');
    f.do(i32.store(area, lost, spareAt));
    f.if(i32.eqz(lost), () => f.do(i32.store(area, i32.add(count, 1), countAt)));
  }

  /** Puts the rows of all heaps in order. */
  finish(): OrderedRows {
    const query = this.#query;
    const pointers = query.frameSlot(8, 8);
    const less = this.#less;
    assert(less !== undefined, 'the input was compiled');
    const sortRows = emitSort(query.module, query.unique('sort_rows'), less);
    query.callStep(query.unique('first_rows'), (f) => {
      const { frame } = f.param;
      const bytes = query.options.threads * this.#count * 4 + 8;
      const array = f.let(query.allocate.call(bytes), 'array');
      const total = f.let(i32.const(0), 'total');
      this.#published.each(f, frame, (local) => {
        const area = f.let(i32.add(local, this.#area), 'area');
        const i = f.local('i32', 'i');
        f.for(i, 0, i32.load(area, countAt), () => {
          const row = i32.load(i32.add(i32.load(area, heapAt), i32.shl(i, 2)));
          f.do(i32.store(i32.add(array, i32.shl(total, 2)), row));
          f.set(total, i32.add(total, 1));
        });
      });
      const scratch = f.let(query.allocate.call(bytes), 'scratch');
      f.call(sortRows, array, total, scratch);
      f.call(query.release, scratch);
      f.do(i32.store(frame, array, pointers));
      f.do(i32.store(frame, total, pointers + 4));
    });
    return { pointers, rowBytes: this.#layout.rowBytes, fields: this.#fields };
  }
}

/** A number that grows in the order of morsels and, within one, of rows. */
function rowNumber(scope: Scope): Expr {
  const { f, pipeline } = scope;
  const { morsel } = pipeline.f.param;
  const number = pipeline.hoist(
    () => i64.shl(i64.extendI32U(i32.load(morsel, morselField.sequence)), 32n),
    'row_number',
  );
  f.set(number, i64.add(number, 1n));
  return number;
}
