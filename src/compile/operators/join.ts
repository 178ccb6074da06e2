import { assert } from '../../base/assert.ts';
import { type Column, columnRef, conjunction } from '../../plan/expression.ts';
import type { Join } from '../../plan/plan.ts';
import { isUniqueOn } from '../../plan/uniqueness.ts';
import { type Expr, type FunctionBuilder, i32, type Local } from '../../wasm/index.ts';
import { compileCondition, compileExpression } from '../expressions/compile.ts';
import { failure } from '../program.ts';
import { estimatedRows, keyColumns } from '../properties.ts';
import type { Consume, Pipeline, Query, Scope } from '../query.ts';
import { loadField, RowLayout, type StoredField } from '../row.ts';
import { spill, type Value, withNull } from '../value.ts';
import {
  bitOf,
  denseKey,
  directHead,
  fillDirectory,
  hashAt,
  hashedHead,
  type Index,
  keysEqual,
  link,
  nextAt,
  position,
  setBit,
} from './directory.ts';
import { produceFullJoin } from './full-join.ts';
import { hashValues } from './hash.ts';
import { type LookUp, lookUpOf, orient, payloadOf, requiredOf, sharedKeys } from './join-keys.ts';
import { afterPieces, atFirstMatch } from './join-pieces.ts';
import { isGathered, matchlessFlag, mayMatch, nullFlags, presentKeys } from './join-probe.ts';
import { keeps } from './keep.ts';
import { defineStored, produceRows, storeRow } from './materialize.ts';
import {
  columnsToKeep,
  PartitionedRows,
  producePartitions,
  rowHashAt,
  rowHeader,
  rowStateAt,
  StoredColumns,
} from './partitions.ts';
import { produce } from './produce.ts';
import { type Difference, differenceOf, hasOther, noteValue, soleWidth } from './sole-value.ts';

/**
 * Joins. One side, the build side, is materialised first; the other streams by and looks its
 * matches up. How they are found is decided when the values of the keys are known:
 *
 * - `bitmap`: a dense integer key and nothing but existence asked: one bit for each key value.
 * - `direct`: a dense integer key: an array of row addresses, indexed by key - min; rows of equal
 *   keys form a chain unless the key is known to be unique.
 * - `sole`: a dense integer key and asked only for a row of another value than one: that value.
 * - `hashed`: an array of row addresses indexed by hash bits; chained rows that keep their hash.
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

/** Of the hash table, for each row: its slots are at most twice as many as the rows. */
const directoryBytes = 8;
/** A guess, before values are known. */
const roughFieldBytes = 12;

class JoinCompiler {
  readonly #join: Join;
  readonly #query: Query;
  readonly #keys: LookUp;
  /** Columns of the build side that are needed once a match is found. */
  readonly #payload: readonly Column[];
  readonly #unique: boolean;
  readonly #difference: Difference | undefined;
  #index: Index | undefined;
  #layout = new RowLayout();
  #buffer = -1;
  #payloadFields = new Map<number, StoredField>();
  #keyFields: (StoredField | undefined)[] = [];
  /**
   * Where NULL keys decide: frame offsets of "a build row had a NULL key" and "there was a build
   * row".
   */
  #nullKeySlot = -1;
  #anyRowSlot = -1;
  #unknownLocal: Local | undefined;
  /** In a join that works partition by partition: the rows of both sides. */
  #buildRows: PartitionedRows | undefined;
  #probeRows: PartitionedRows | undefined;
  /** The row of the probe side whose matches are looked up, if it lies in a partition. */
  #probeRow: Local | undefined;
  /** Frame offset of a u32: whether the rows of the build side at hand are the last. */
  #lastSlot = -1;

  constructor(join: Join, query: Query) {
    this.#join = join;
    this.#query = query;
    this.#keys = lookUpOf(join);
    this.#unique =
      this.#keys.right.length > 0 && isUniqueOn(join.right, keyColumns(this.#keys.right));
    this.#payload = payloadOf(join, this.#keys, query);
    this.#difference = differenceOf(join, this.#keys);
  }

  produce(consume: Consume): void {
    const join = this.#join;
    if (this.#keys.nullDecides) {
      this.#nullKeySlot = this.#query.frameSlot(4, 4);
      this.#anyRowSlot = this.#query.frameSlot(4, 4);
    }
    produce(join.right, this.#query, (scope) => this.#build(scope));
    if (this.#buildRows !== undefined) {
      this.#producePartitions(this.#buildRows, consume);
      return;
    }
    this.#finishBuild(this.#buffer);
    const index = this.#index;
    if ((index?.kind === 'bitmap' || index?.kind === 'direct') && isGathered(join, this.#query)) {
      this.#query.probes.set(join.left, (scope) => mayMatch(this.#keys, index, scope));
      if (index.kind === 'bitmap') {
        produce(join.left, this.#query, (scope) => this.#found(scope, consume));
        return;
      }
    }
    produce(join.left, this.#query, (scope) => this.#probe(scope, consume));
  }

  /** A row of the probe side that has a match, in a join that only asks for that. */
  #found(scope: Scope, consume: Consume): void {
    if (this.#join.type === 'inner') {
      const keys = this.#keys.left.map((key) => compileExpression(key, scope));
      this.#defineKeys(scope, presentKeys(keys, this.#keys));
    }
    consume(scope);
  }

  #producePartitions(build: PartitionedRows, consume: Consume): void {
    const join = this.#join;
    const query = this.#query;
    const { left: keys, residual, before } = this.#keys;
    const { columns } = join.left;
    const used = columnsToKeep(columns, requiredOf(join, query), [...keys, ...residual, ...before]);
    const stored = new StoredColumns(used);
    produce(join.left, query, (scope) => this.#partitionProbe(scope, stored));
    const probe = this.#probeRows;
    assert(probe !== undefined, 'the probe side was compiled');
    // A row without a match, or one that has had it, is known only after all pieces.
    if (join.type !== 'inner') this.#lastSlot = query.frameSlot(4, 4);
    const index = this.#index;
    assert(index?.kind === 'hashed', 'partitions have hash tables');
    producePartitions(query, consume, {
      name: 'join_partitions',
      build: (outgoing) => {
        this.#finishBuild(build.window);
        produceRows(query, 'probe', probe.window, probe.layout.rowBytes, (scope, row) => {
          stored.define(scope, row);
          this.#probeRow = row;
          this.#probe(scope, outgoing);
        });
      },
      finish: () => ({
        inputs: [
          { rows: build, whole: true, extraBytes: directoryBytes },
          { rows: probe, whole: false, extraBytes: 0 },
        ],
        pieces: { last: this.#lastSlot < 0 ? undefined : this.#lastSlot },
        canSplit: keys.length > 0,
        buffers: [],
        areas: [{ of: 'frame', offset: index.slot, bytes: 4 }],
      }),
    });
  }

  #partitionProbe(scope: Scope, stored: StoredColumns): void {
    const keys = this.#keys.left.map((key) => compileExpression(key, scope));
    const { type } = this.#join;
    const store = (inner: Scope) => {
      const hash = hashValues(keys, inner);
      const layout = new RowLayout(rowHeader);
      const values = stored.store(inner, layout);
      this.#probeRows = new PartitionedRows(this.#query, 'probe', layout);
      this.#probeRows.append(inner, hash, values);
    };
    const needsMatch = type === 'inner' || type === 'semi';
    this.#unless(scope, needsMatch ? matchlessFlag(keys, this.#keys, scope) : undefined, store);
  }

  #keepsBuild(keys: readonly Value[]): boolean {
    const { spill } = this.#query.options;
    const [first] = keys;
    if (
      keys.length === 1 &&
      this.#onlyExistence() &&
      !this.#keys.nullSafe[0] &&
      first.form === 'int'
    ) {
      const { min, max } = first.range;
      if (spill === undefined) return true;
      if (max - min < BigInt(Math.floor(spill.keepBytes)) * 8n) return true;
    }
    const bytes = 16 + roughFieldBytes * (this.#payload.length + keys.length);
    return keeps(this.#query, this.#join.right, bytes);
  }

  #build(scope: Scope): void {
    const keys = this.#keys.right.map((key) => compileExpression(key, scope));
    const partitioned = !this.#keepsBuild(keys);
    const index = partitioned ? this.#hashedIndex() : this.#chooseIndex(keys, scope);
    this.#index = index;
    const { f } = scope;
    if (this.#anyRowSlot >= 0) f.do(i32.store(scope.pipeline.frame, 1, this.#anyRowSlot));
    const nullKey = nullFlags(keys, this.#keys);
    const insert = (present: readonly Value[], inner: Scope) => {
      if (partitioned) this.#partition(present, index, inner);
      else this.#insert(present, index, inner);
    };
    if (nullKey.length === 0) {
      insert(keys, scope);
      return;
    }
    f.if(
      nullKey.reduce((a, b) => i32.or(a, b)),
      () => {
        if (this.#nullKeySlot >= 0) f.do(i32.store(scope.pipeline.frame, 1, this.#nullKeySlot));
      },
      () => insert(presentKeys(keys, this.#keys), scope.child()),
    );
  }

  #hashedIndex(): Extract<Index, { kind: 'hashed' }> {
    const query = this.#query;
    return { kind: 'hashed', slot: query.frameSlot(8, 8), mask: query.frameSlot(8, 8) };
  }

  /** The most selective dense key decides; the others are compared in the rows found. */
  #chooseIndex(keys: readonly Value[], scope: Scope): Index {
    const query = this.#query;
    const { left, right } = this.#join;
    const dense = denseKey(keys, this.#keys.nullSafe, {
      rows: Math.max(estimatedRows(right), 1),
      probes: estimatedRows(left),
      bytesMax: query.options.spill?.keepBytes,
    });
    if (keys.length === 0) return { kind: 'all', slot: query.frameSlot(8, 8) };
    if (dense === undefined) return this.#hashedIndex();
    const { best, key, domain } = dense;
    const { range } = key;
    const slot = query.frameSlot(8, 8);
    const sole = this.#difference && compileExpression(this.#difference.right, scope);
    const width = sole?.form === 'int' ? soleWidth(sole.range) : undefined;
    if (sole?.form === 'int' && width !== undefined) {
      query.steps.push({ kind: 'allocate', slot, bytes: Number(domain) * width });
      return { kind: 'sole', key: best, range, slot, values: sole.range, width };
    }
    const exists = keys.length === 1 && this.#onlyExistence();
    const bytes = exists ? Number(domain / 8n) + 8 : Number(domain) * 4;
    query.steps.push({ kind: 'allocate', slot, bytes });
    if (exists) return { kind: 'bitmap', key: best, range, slot };
    const unique = isUniqueOn(this.#join.right, keyColumns([this.#keys.right[best]]));
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
    if (index.kind === 'sole') {
      const value = compileExpression(this.#difference!.right, scope);
      assert(value.form === 'int', 'the index was chosen for it');
      noteValue(scope, index, keys[index.key], value);
      return;
    }
    const hash = index.kind === 'hashed' ? hashValues(keys, scope) : undefined;
    const stored = this.#layOut(keys, index, scope);
    this.#buffer = query.buffer(`join_${query.buffers.length}`, this.#layout.rowBytes);
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

  #partition(keys: readonly Value[], index: Index, scope: Scope): void {
    const hash = hashValues(keys, scope);
    const stored = this.#layOut(keys, index, scope);
    this.#buildRows = new PartitionedRows(this.#query, 'build', this.#layout);
    this.#buildRows.append(scope, hash, stored);
  }

  /** Lays out the rows of the build side; gives what to store in one. */
  #layOut(keys: readonly Value[], index: Index, scope: Scope): [StoredField, Value][] {
    const payload = this.#payload.map((column) => compileExpression(columnRef(column), scope));
    const stored: [StoredField, Value][] = [];
    const chained = !(index.kind === 'direct' && index.unique);
    const header = index.kind === 'hashed' ? 8 : chained ? 4 : 0;
    this.#layout = new RowLayout(header);
    // A row address of 0 stands for no row; the first bytes of the memory read as zeros.
    this.#payload.forEach((column, i) => {
      const field = this.#layout.add(payload[i]);
      this.#payloadFields.set(column.id, field);
      stored.push([field, payload[i]]);
    });
    this.#keyFields = keys.map((key, i) => {
      if (index.kind === 'direct' && index.key === i) return undefined;
      const expression = this.#keys.right[i];
      const known =
        expression.kind === 'column' ? this.#payloadFields.get(expression.column.id) : undefined;
      if (known !== undefined) return known;
      const field = this.#layout.add(key);
      stored.push([field, key]);
      return field;
    });
    return stored;
  }

  /** Makes the hash table over the rows of a buffer. */
  #finishBuild(buffer: number): void {
    if (this.#index?.kind !== 'hashed') return;
    fillDirectory(this.#query, this.#index, buffer, this.#layout.rowBytes);
  }

  // ---- probe ----

  #probe(scope: Scope, consume: Consume): void {
    const { type } = this.#join;
    const index = this.#index;
    assert(index !== undefined, 'the build side was compiled');
    const { f } = scope;
    const keys = this.#keys.left.map((key) => compileExpression(key, scope));
    const matchless = matchlessFlag(keys, this.#keys, scope);
    const present = presentKeys(keys, this.#keys);
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
        const unknown = this.#keys.evaluated ? this.#unknown(f) : undefined;
        const decide = (inner: Scope) => this.#byExistence(inner, found, matchless, consume);
        if (this.#probeRow === undefined) decide(scope);
        else if (type === 'semi') atFirstMatch(scope, this.#probeRow, found, decide);
        else afterPieces(scope, this.#probeRow, this.#lastSlot, { found, unknown }, decide);
        return;
      }
      default:
        this.#outer(scope, present, matchless, index, consume);
    }
  }

  /** The hash of a row of the probe side. */
  #probeHash(index: Index, keys: readonly Value[], scope: Scope): Expr | undefined {
    if (index.kind !== 'hashed') return undefined;
    if (this.#probeRow === undefined) return hashValues(keys, scope);
    return scope.f.let(i32.load(this.#probeRow, rowHashAt), 'hash');
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
      f.if(bitOf(scope, keys[index.key], index), () => {
        const inner = scope.child();
        this.#defineKeys(inner, keys);
        consume(inner);
      });
      return;
    }
    const hash = this.#probeHash(index, keys, scope);
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
      this.#advance(f, row, index);
    });
  }

  /** On to the next row of a chain, which may be a long one. */
  #advance(f: FunctionBuilder, row: Local, index: Index): void {
    const alone = index.kind === 'direct' && index.unique;
    f.set(row, alone ? i32.const(0) : i32.load(row, nextAt));
    if (!alone) f.checkpoint();
  }

  /** In an inner join, the keys of the build side are those of the probe side. */
  #defineKeys(scope: Scope, keys: readonly Value[]): void {
    sharedKeys(this.#join, this.#keys).forEach((column, i) => {
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
    const equal = keysEqual(scope, keys, this.#keyFields, this.#keys.nullSafe, row, hash);
    if (equal === undefined) body(scope);
    else scope.f.if(equal, () => body(scope.child()));
  }

  /** A local with the first row of the chain for these keys; 0 when there is none. */
  #head(scope: Scope, keys: readonly Value[], index: Index, hash: Expr | undefined): Local {
    const { f, pipeline } = scope;
    if (index.kind === 'all') return f.let(i32.load(pipeline.frame, index.slot), 'match');
    if (index.kind === 'hashed') {
      assert(hash !== undefined, 'a hashed index needs the hash');
      return f.let(i32.load(hashedHead(scope, index, hash)), 'match');
    }
    assert(index.kind === 'direct', 'bitmaps have no rows');
    return f.let(directHead(scope, keys[index.key], index), 'match');
  }

  /** Set where the condition of a mark join was NULL for a row. */
  #unknown(f: FunctionBuilder): Local {
    this.#unknownLocal ??= f.local('i32', 'unknown');
    return this.#unknownLocal;
  }

  #exists(scope: Scope, keys: readonly Value[], index: Index): Expr {
    if (index.kind === 'bitmap') return bitOf(scope, keys[index.key], index);
    if (index.kind === 'sole') {
      const value = compileExpression(this.#difference!.left, scope);
      return hasOther(scope, index, keys[index.key], value);
    }
    const { f } = scope;
    const hash = this.#probeHash(index, keys, scope);
    const row = this.#head(scope, keys, index, hash);
    const found = f.let(i32.const(0), 'exists');
    const residual = conjunction(this.#keys.residual);
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
        this.#advance(f, row, index);
        return;
      }
      this.#ifMatch(inner, keys, row, hash, () => {
        f.set(found, 1);
        f.br(end);
      });
      this.#advance(f, row, index);
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
    const { f, query, pipeline } = scope;
    const hash = this.#probeHash(index, keys, scope);
    // The bits of a NULL key may lie outside its range: it must not be looked up.
    const row = f.let(i32.const(0), 'row');
    this.#unless(scope, matchless, (inner) => f.set(row, this.#head(inner, keys, index, hash)));
    const probeRow = this.#probeRow;
    const state = probeRow === undefined ? i32.const(0) : i32.load(probeRow, rowStateAt);
    const matched = f.let(state, 'matched');
    // Whether no row of the build side is left to be a match.
    const isLast =
      probeRow && pipeline.hoist(() => i32.load(pipeline.frame, this.#lastSlot), 'last');
    const none = isLast === undefined ? matched : i32.or(matched, i32.eqz(isLast));
    f.block((done) => {
      f.loop((again) => {
        // On to the next row that matches, if any.
        f.block((stop) => {
          f.while(row, () => {
            const inner = scope.child();
            defineStored(inner, this.#payload, this.#payloadFields, row);
            this.#ifMatch(inner, keys, row, hash, () => f.br(stop));
            this.#advance(f, row, index);
          });
        });
        f.if(i32.and(i32.eqz(row), none), () => f.br(done));
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
        if (probeRow !== undefined) f.do(i32.store(probeRow, 1, rowStateAt));
        this.#advance(f, row, index);
        f.br(again);
      });
    });
  }
}
