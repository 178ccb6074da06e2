import { assert } from '../../base/assert.ts';
import { type Column, columnRef, conjunction } from '../../plan/expression.ts';
import type { Join, Plan } from '../../plan/plan.ts';
import { isFloat } from '../../value/type.ts';
import { type Expr, type FunctionBuilder, i32, type Local } from '../../wasm/index.ts';
import { compareValues } from '../expressions/comparison.ts';
import { columnsOf, compileCondition, compileExpression } from '../expressions/compile.ts';
import { notDistinct } from '../expressions/logic.ts';
import { failure } from '../program.ts';
import { estimatedRows, isUnique, keyColumns, probeSide } from '../properties.ts';
import type { Consume, Pipeline, Query, Scope } from '../query.ts';
import type { Range } from '../range.ts';
import { loadField, RowLayout, type StoredField } from '../row.ts';
import { spill, type Value, withNull } from '../value.ts';
import { hashAt, link, nextAt, position, setBit, withinDomain } from './directory.ts';
import { produceFullJoin } from './full-join.ts';
import { hashValues } from './hash.ts';
import { type LookUp, lookUpOf } from './join-keys.ts';
import { defineStored, produceRows, storeRow, wanted } from './materialize.ts';
import { produce } from './produce.ts';

/**
 * Joins. One side, the build side, is materialised first; the other streams by and looks its
 * matches up. How they are found is decided when the values of the keys are known:
 *
 * - `bitmap`: a dense integer key and nothing but existence asked: one bit for each key value.
 * - `direct`: a dense integer key: an array of row addresses, indexed by key - min; rows of equal
 *   keys form a chain unless the key is known to be unique.
 * - `hashed`: an array of row addresses indexed by hash bits, rows chained; each row keeps its
 * hash.
 * - `all`: no equality at all: every row of the build side is a candidate.
 */
export function produceJoin(join: Join, query: Query, consume: Consume): void {
  if (join.type === 'full') {
    produceFullJoin(join, query, consume);
    return;
  }
  const oriented = orient(join);
  new JoinCompiler(oriented, query).produce(consume);
}

/** Puts the side to build on the right. */
function orient(join: Join): Join {
  if (probeSide(join) === join.left) return join;
  const type = join.type === 'right' ? 'left' : join.type;
  return { ...join, type, left: join.right, right: join.left };
}

/** Where to look for the rows that match a key. */
type Index =
  | { readonly kind: 'bitmap'; readonly key: number; readonly range: Range; readonly slot: number }
  | {
      readonly kind: 'direct';
      readonly key: number;
      readonly range: Range;
      readonly slot: number;
      /** Whether that key alone tells all build rows apart, so that there are no chains. */
      readonly unique: boolean;
    }
  | { readonly kind: 'hashed'; readonly slot: number; readonly mask: number }
  | { readonly kind: 'all'; readonly slot: number };

class JoinCompiler {
  readonly #join: Join;
  readonly #query: Query;
  readonly #keys: LookUp;
  /** Columns of the build side that are needed once a match is found. */
  readonly #payload: readonly Column[];
  readonly #unique: boolean;
  #index: Index | undefined;
  #layout = new RowLayout();
  #buffer = -1;
  #payloadFields = new Map<number, StoredField>();
  #keyFields: (StoredField | undefined)[] = [];
  /** Where NULL keys decide: frame offsets of "a build row had a NULL key" and "there was a build row". */
  #nullKeySlot = -1;
  #anyRowSlot = -1;
  #unknownLocal: Local | undefined;

  constructor(join: Join, query: Query) {
    this.#join = join;
    this.#query = query;
    this.#keys = lookUpOf(join);
    this.#unique =
      this.#keys.right.length > 0 && isUnique(join.right, keyColumns(this.#keys.right));
    this.#payload = this.#payloadColumns();
  }

  #payloadColumns(): Column[] {
    const join = this.#join;
    const ids = new Set<number>();
    const producesRight = join.type === 'inner' || join.type === 'left' || join.type === 'single';
    if (producesRight) {
      for (const original of [join, ...this.#nodesOf(join)]) {
        for (const id of this.#query.required.get(original) ?? []) ids.add(id);
      }
      for (const right of this.#sharedKeys()) if (right !== undefined) ids.delete(right.id);
    }
    for (const residual of this.#keys.residual) {
      for (const column of columnsOf(residual)) ids.add(column.id);
    }
    return wanted(join.right.columns, ids);
  }

  /**
   * In an inner join, columns that equal the probe's key, which is at hand. Not doubles: 0 and -0
   * are equal.
   */
  #sharedKeys(): (Column | undefined)[] {
    const inner = this.#join.type === 'inner';
    return this.#keys.right.map((right) =>
      inner && right.kind === 'column' && !isFloat(right.type) ? right.column : undefined,
    );
  }

  /** The node of the plan that an oriented copy stands for. */
  *#nodesOf(join: Join): Iterable<Plan> {
    for (const [plan] of this.#query.required) {
      if (plan.kind === 'join' && plan.columns === join.columns) yield plan;
    }
  }

  produce(consume: Consume): void {
    const join = this.#join;
    if (this.#keys.nullDecides) {
      this.#nullKeySlot = this.#query.frameSlot(4, 4);
      this.#anyRowSlot = this.#query.frameSlot(4, 4);
    }
    produce(join.right, this.#query, (scope) => this.#build(scope));
    this.#finishBuild();
    produce(join.left, this.#query, (scope) => this.#probe(scope, consume));
  }

  // ---- build ----

  #build(scope: Scope): void {
    const keys = this.#keys.right.map((key) => compileExpression(key, scope));
    const index = this.#chooseIndex(keys);
    this.#index = index;
    const { f } = scope;
    if (this.#anyRowSlot >= 0) f.do(i32.store(scope.pipeline.frame, 1, this.#anyRowSlot));
    const nullKey = this.#nullFlags(keys);
    if (nullKey.length === 0) {
      this.#insert(keys, index, scope);
      return;
    }
    f.if(
      nullKey.reduce((a, b) => i32.or(a, b)),
      () => {
        if (this.#nullKeySlot >= 0) f.do(i32.store(scope.pipeline.frame, 1, this.#nullKeySlot));
      },
      () => this.#insert(this.#present(keys), index, scope.child()),
    );
  }

  /** The flags of keys that match nothing when they are NULL. */
  #nullFlags(keys: readonly Value[]): Expr[] {
    const flags = keys.map((key, i) => (this.#keys.nullSafe[i] ? undefined : key.isNull));
    return flags.filter((flag) => flag !== undefined);
  }

  /** The keys where none of those flags is set. */
  #present(keys: readonly Value[]): Value[] {
    return keys.map((key, i) => (this.#keys.nullSafe[i] ? key : { ...key, isNull: undefined }));
  }

  /** The most selective dense key decides; the others are compared in the rows found. */
  #chooseIndex(keys: readonly Value[]): Index {
    const query = this.#query;
    const rows = Math.max(estimatedRows(this.#join.right), 1);
    const probes = estimatedRows(this.#join.left);
    let best = -1;
    let bestDomain = 0n;
    keys.forEach((key, i) => {
      if (key.form !== 'int' || this.#keys.nullSafe[i]) return;
      const domain = key.range.max - key.range.min + 1n;
      // Many probes pay for an array that is sparse: finding no row in it takes one load.
      const sparse = Math.max(rows * 64 + 2 ** 20, probes * 4);
      const affordable = BigInt(Math.min(Math.ceil(sparse), 2 ** 28));
      if (domain > affordable || domain <= bestDomain) return;
      // With other keys beside it, chains must stay short.
      if (keys.length > 1 && Number(domain) * 8 < rows) return;
      best = i;
      bestDomain = domain;
    });
    if (keys.length === 0) return { kind: 'all', slot: query.frameSlot(8, 8) };
    if (best < 0) {
      return { kind: 'hashed', slot: query.frameSlot(8, 8), mask: query.frameSlot(8, 8) };
    }
    const key = keys[best];
    assert(key.form === 'int', 'a dense key is an integer');
    const { range } = key;
    const slot = query.frameSlot(8, 8);
    const exists = keys.length === 1 && this.#onlyExistence();
    const bytes = exists ? Number(bestDomain / 8n) + 8 : Number(bestDomain) * 4;
    query.steps.push({ kind: 'allocate', slot, bytes });
    if (exists) return { kind: 'bitmap', key: best, range, slot };
    const unique = isUnique(this.#join.right, keyColumns([this.#keys.right[best]]));
    return { kind: 'direct', key: best, range, slot, unique };
  }

  /** Whether it only matters if there is a match, not which. */
  #onlyExistence(): boolean {
    const { type } = this.#join;
    if (this.#keys.residual.length > 0) return false;
    if (type === 'semi' || type === 'anti' || type === 'mark') return true;
    return type === 'inner' && this.#unique && this.#payload.length === 0;
  }

  #insert(keys: readonly Value[], index: Index, scope: Scope): void {
    const { f, pipeline, query } = scope;
    if (index.kind === 'bitmap') {
      setBit(
        scope,
        pipeline.hoist(() => i32.load(pipeline.frame, index.slot), 'bitmap'),
        position(keys[index.key], index.range),
        query.parallel,
      );
      return;
    }
    const hash = index.kind === 'hashed' ? hashValues(keys, scope) : undefined;
    const values = this.#payload.map((column) => compileExpression(columnRef(column), scope));
    this.#layOut(keys, values, index);
    const stored: [StoredField, Value][] = [];
    this.#payload.forEach((column, i) => {
      stored.push([this.#payloadFields.get(column.id) as StoredField, values[i]]);
    });
    this.#keyFields.forEach((field, i) => {
      if (field !== undefined) stored.push([field, keys[i]]);
    });
    const row = storeRow(scope, this.#buffer, this.#layout, stored);
    if (hash !== undefined) f.do(i32.store(row, hash, hashAt));
    if (index.kind === 'direct') {
      const array = pipeline.hoist(() => i32.load(pipeline.frame, index.slot), 'directory');
      const head = i32.add(array, i32.shl(position(keys[index.key], index.range), 2));
      link(scope, head, row, index.unique);
    } else if (index.kind === 'all') {
      link(scope, i32.add(pipeline.frame, index.slot), row, false);
    }
  }

  #layOut(keys: readonly Value[], payload: readonly Value[], index: Index): void {
    const chained = !(index.kind === 'direct' && index.unique);
    const header = index.kind === 'hashed' ? 8 : chained ? 4 : 0;
    this.#layout = new RowLayout(header);
    // A row address of 0 stands for no row; the first bytes of the memory read as zeros.
    this.#payload.forEach((column, i) => {
      this.#payloadFields.set(column.id, this.#layout.add(payload[i]));
    });
    this.#keyFields = keys.map((key, i) => {
      if (index.kind === 'direct' && index.key === i) return undefined;
      const expression = this.#keys.right[i];
      const known =
        expression.kind === 'column' ? this.#payloadFields.get(expression.column.id) : undefined;
      return known ?? this.#layout.add(key);
    });
    this.#buffer = this.#query.buffer(`join_${this.#query.buffers.length}`, this.#layout.rowBytes);
  }

  #finishBuild(): void {
    const index = this.#index;
    if (index?.kind !== 'hashed') return;
    const query = this.#query;
    const counted = query.frameSlot(8, 8);
    const bytes = query.frameSlot(8, 8);
    query.steps.push({ kind: 'gather', buffer: this.#buffer, slot: counted, pointers: false });
    query.callStep('size_directory', (f) => {
      const { frame } = f.param;
      // At least as many slots as rows, rounded up to a power of two.
      const rows = f.let(i32.load(frame, counted + 4), 'rows');
      const bits = i32.sub(32, i32.clz(i32.or(rows, 15)));
      const slots = f.let(i32.shl(1, bits), 'slots');
      f.do(i32.store(frame, i32.sub(slots, 1), index.mask));
      f.do(i32.store(frame, i32.shl(slots, 2), bytes));
    });
    query.steps.push({ kind: 'allocate', slot: index.slot, bytes: { slot: bytes } });
    produceRows(query, 'fill_directory', this.#buffer, this.#layout.rowBytes, (scope, row) => {
      const head = this.#hashedHead(scope, index, i32.load(row, hashAt));
      link(scope, head, row, false);
    });
  }

  #hashedHead(scope: Scope, index: Extract<Index, { kind: 'hashed' }>, hash: Expr): Expr {
    const { pipeline } = scope;
    const directory = pipeline.hoist(() => i32.load(pipeline.frame, index.slot), 'directory');
    const mask = pipeline.hoist(() => i32.load(pipeline.frame, index.mask), 'mask');
    return i32.add(directory, i32.shl(i32.and(hash, mask), 2));
  }

  // ---- probe ----

  #probe(scope: Scope, consume: Consume): void {
    const { type } = this.#join;
    const index = this.#index;
    assert(index !== undefined, 'the build side was compiled');
    const { f } = scope;
    const keys = this.#keys.left.map((key) => compileExpression(key, scope));
    const flags = this.#nullFlags(keys);
    const before = conjunction(this.#keys.before);
    if (before !== undefined) flags.push(i32.eqz(compileCondition(before, scope)));
    const matchless = flags.length === 0 ? undefined : f.let(flags.reduce(either), 'matchless');
    const present = this.#present(keys);
    switch (type) {
      case 'inner':
        this.#unless(scope, matchless, (inner) => this.#inner(inner, present, index, consume));
        return;
      case 'semi':
      case 'anti':
      case 'mark': {
        const found = f.local('i32', 'found');
        f.set(found, 0);
        if (this.#keys.evaluated) f.set(this.#unknown(f), 0);
        this.#unless(scope, matchless, (inner) => {
          f.set(found, this.#exists(inner, present, index));
        });
        this.#byExistence(scope, found, matchless, consume);
        return;
      }
      default:
        this.#outer(scope, present, matchless, index, consume);
    }
  }

  #unless(scope: Scope, matchless: Expr | undefined, body: Consume): void {
    if (matchless === undefined) body(scope);
    else scope.f.if(i32.eqz(matchless), () => body(scope.child()));
  }

  #byExistence(scope: Scope, found: Local, keyNull: Expr | undefined, consume: Consume): void {
    const { f, pipeline } = scope;
    const { type, mark } = this.#join;
    if (type === 'semi') f.if(found, () => consume(scope.child()));
    else if (type === 'anti') f.if(i32.eqz(found), () => consume(scope.child()));
    else {
      assert(mark !== undefined, 'a mark join has a mark');
      const unknown = this.#isUnknown(pipeline, f, keyNull);
      const isNull =
        unknown === undefined ? undefined : f.let(i32.and(unknown, i32.eqz(found)), 'mark_null');
      scope.define(mark, { form: 'bool', x: found, isNull });
      consume(scope);
    }
  }

  /** Whether a mark without a match is NULL; undefined where it never is. */
  #isUnknown(pipeline: Pipeline, f: FunctionBuilder, keyNull: Expr | undefined): Expr | undefined {
    if (this.#keys.evaluated) return this.#unknown(f);
    if (!this.#keys.nullDecides) return undefined;
    // x IN (…) without a match is NULL if a NULL was among them, or x is NULL and there was any.
    const sawNull = i32.load(pipeline.frame, this.#nullKeySlot);
    const any = i32.load(pipeline.frame, this.#anyRowSlot);
    return keyNull === undefined ? sawNull : i32.or(sawNull, i32.and(keyNull, any));
  }

  #inner(scope: Scope, keys: readonly Value[], index: Index, consume: Consume): void {
    const { f } = scope;
    if (index.kind === 'bitmap') {
      f.if(this.#bit(scope, keys, index), () => {
        const inner = scope.child();
        this.#defineKeys(inner, keys);
        consume(inner);
      });
      return;
    }
    const hash = index.kind === 'hashed' ? hashValues(keys, scope) : undefined;
    const row = this.#head(scope, keys, index, hash);
    const onRow = () => {
      const inner = scope.child();
      defineStored(inner, this.#payload, this.#payloadFields, row);
      this.#defineKeys(inner, keys);
      this.#ifMatch(inner, keys, row, hash, consume);
    };
    if (index.kind === 'direct' && index.unique) {
      f.if(row, onRow);
      return;
    }
    f.while(row, () => {
      onRow();
      f.set(row, i32.load(row, nextAt));
    });
  }

  /** In an inner join, the keys of the build side are those of the probe side. */
  #defineKeys(scope: Scope, keys: readonly Value[]): void {
    this.#sharedKeys().forEach((column, i) => {
      if (column !== undefined) scope.define(column, keys[i]);
    });
  }

  /** Runs `body` where the row found has equal keys and the rest of the condition holds. */
  #ifMatch(
    scope: Scope,
    keys: readonly Value[],
    row: Local,
    hash: Expr | undefined,
    body: Consume,
  ): void {
    const { f } = scope;
    const residual = conjunction(this.#keys.residual);
    this.#ifKeysEqual(scope, keys, row, hash, (inner) => {
      if (residual === undefined) body(inner);
      else f.if(compileCondition(residual, inner), () => body(inner.child()));
    });
  }

  #ifKeysEqual(
    scope: Scope,
    keys: readonly Value[],
    row: Local,
    hash: Expr | undefined,
    body: Consume,
  ): void {
    const equal = this.#keysEqual(scope, keys, row, hash);
    if (equal === undefined) body(scope);
    else scope.f.if(equal, () => body(scope.child()));
  }

  #keysEqual(
    scope: Scope,
    keys: readonly Value[],
    row: Local,
    hash: Expr | undefined,
  ): Expr | undefined {
    const tests: Expr[] = [];
    if (hash !== undefined) tests.push(i32.eq(i32.load(row, hashAt), hash));
    this.#keyFields.forEach((field, i) => {
      if (field === undefined) return;
      const stored = loadField(row, field);
      tests.push(
        this.#keys.nullSafe[i]
          ? notDistinct(keys[i], stored, scope)
          : compareValues('eq', keys[i], { ...stored, isNull: undefined }, scope),
      );
    });
    if (tests.length === 0) return undefined;
    return tests.reduceRight((rest, test) => i32.if(test, rest, 0));
  }

  /** A local with the first row of the chain for these keys; 0 when there is none. */
  #head(scope: Scope, keys: readonly Value[], index: Index, hash: Expr | undefined): Local {
    const { f, pipeline } = scope;
    if (index.kind === 'all') return f.let(i32.load(pipeline.frame, index.slot), 'match');
    if (index.kind === 'hashed') {
      assert(hash !== undefined, 'a hashed index needs the hash');
      return f.let(i32.load(this.#hashedHead(scope, index, hash)), 'match');
    }
    assert(index.kind === 'direct', 'bitmaps have no rows');
    const array = pipeline.hoist(() => i32.load(pipeline.frame, index.slot), 'directory');
    const key = keys[index.key];
    const at = i32.add(array, i32.shl(position(key, index.range), 2));
    const inside = withinDomain(key, index.range);
    return f.let(inside === undefined ? i32.load(at) : i32.if(inside, i32.load(at), 0), 'match');
  }

  #bit(scope: Scope, keys: readonly Value[], index: Extract<Index, { kind: 'bitmap' }>): Expr {
    const { pipeline, f } = scope;
    const bitmap = pipeline.hoist(() => i32.load(pipeline.frame, index.slot), 'bitmap');
    const key = keys[index.key];
    const at = f.let(position(key, index.range), 'at');
    const byte = i32.load8U(i32.add(bitmap, i32.shrU(at, 3)));
    const bit = i32.and(i32.shrU(byte, i32.and(at, 7)), 1);
    const inside = withinDomain(key, index.range);
    return inside === undefined ? bit : i32.if(inside, bit, 0);
  }

  /** Set where the condition of a mark join was NULL for a row. */
  #unknown(f: FunctionBuilder): Local {
    this.#unknownLocal ??= f.local('i32', 'unknown');
    return this.#unknownLocal;
  }

  #exists(scope: Scope, keys: readonly Value[], index: Index): Expr {
    if (index.kind === 'bitmap') return this.#bit(scope, keys, index);
    const { f } = scope;
    const hash = index.kind === 'hashed' ? hashValues(keys, scope) : undefined;
    const row = this.#head(scope, keys, index, hash);
    const found = f.let(i32.const(0), 'exists');
    const residual = conjunction(this.#keys.residual);
    const next = () =>
      index.kind === 'direct' && index.unique ? i32.const(0) : i32.load(row, nextAt);
    f.while(row, ({ break: end }) => {
      const inner = scope.child();
      defineStored(inner, this.#payload, this.#payloadFields, row);
      if (this.#keys.evaluated && residual !== undefined) {
        this.#ifKeysEqual(inner, keys, row, hash, (equal) => {
          const holds = compileExpression(residual, equal);
          f.if(holds.x, () => {
            f.set(found, 1);
            f.br(end);
          });
          if (holds.isNull !== undefined) f.if(holds.isNull, () => f.set(this.#unknown(f), 1));
        });
        f.set(row, next());
        return;
      }
      this.#ifMatch(inner, keys, row, hash, () => {
        f.set(found, 1);
        f.br(end);
      });
      f.set(row, next());
    });
    return found;
  }

  /** LEFT and single joins: a row without a match goes on once, with NULLs. */
  #outer(
    scope: Scope,
    keys: readonly Value[],
    matchless: Expr | undefined,
    index: Index,
    consume: Consume,
  ): void {
    const { f, query } = scope;
    const hash = index.kind === 'hashed' ? hashValues(keys, scope) : undefined;
    // The bits of a NULL key may lie outside its range: it must not be looked up.
    const row = f.let(i32.const(0), 'row');
    this.#unless(scope, matchless, (inner) => f.set(row, this.#head(inner, keys, index, hash)));
    const matched = f.let(i32.const(0), 'matched');
    const next = () =>
      index.kind === 'direct' && index.unique ? i32.const(0) : i32.load(row, nextAt);
    f.block((done) => {
      f.loop((again) => {
        // On to the next row that matches, if any.
        f.block((stop) => {
          f.while(row, () => {
            const inner = scope.child();
            defineStored(inner, this.#payload, this.#payloadFields, row);
            this.#ifMatch(inner, keys, row, hash, () => f.br(stop));
            f.set(row, next());
          });
        });
        f.if(i32.and(i32.eqz(row), matched), () => f.br(done));
        if (this.#join.type === 'single' && !this.#unique) {
          f.if(matched, () => f.call(query.fail, failure.moreThanOneRow, 0));
        }
        const inner = scope.child();
        const isMissing = f.let(i32.eqz(row), 'missing');
        for (const column of this.#payload) {
          const field = this.#payloadFields.get(column.id);
          assert(field !== undefined, 'payload columns are stored');
          inner.define(column, () =>
            spill(f, withNull(loadField(row, field), isMissing), column.name),
          );
        }
        consume(inner);
        f.if(isMissing, () => f.br(done));
        f.set(matched, 1);
        f.set(row, next());
        f.br(again);
      });
    });
  }
}

function either(a: Expr, b: Expr): Expr {
  return i32.or(a, b);
}
