import { type Column, columnRef } from '../../plan/expression.ts';
import type { Recursive } from '../../plan/plan.ts';
import { type Expr, i32, type Local } from '../../wasm/index.ts';
import { compileExpression } from '../expressions/compile.ts';
import { notDistinct } from '../expressions/logic.ts';
import { textAreas } from '../expressions/own-text.ts';
import { type Consume, type Query, type Scope, scopeOutside } from '../query.ts';
import { appendOwnRow, loadField, RowLayout, type StoredField } from '../row.ts';
import { spill, type Value } from '../value.ts';
import { generalValue } from './general-value.ts';
import { growFunction } from './growing-table.ts';
import { hashValues } from './hash.ts';
import { produceRows } from './materialize.ts';
import { produce } from './produce.ts';
import { SpilledRecursionRows } from './recursive-spill.ts';

/**
 * Recursive common tables: the steps of the recursive part run again and again as one step of the
 * program, each time over the rows that the time before has added, until none are added. UNION adds
 * only rows that were not there yet.
 *
 * What the steps leave behind is given back after each round, so the rows that are kept have their
 * strings with them.
 */
export function produceRecursive(plan: Recursive, query: Query, consume: Consume): void {
  const { spill: spilling } = query.options;
  const rows = spilling ? new SpilledRecursionRows(plan, query) : new RowsInMemory(plan, query);
  // Texts that a round makes are gone after it: their place in the local area is reset as well.
  const texts = textAreas(query);
  produce(plan.initial, query, (scope) => rows.store(scope, plan.initial.columns));
  const { layout } = rows;
  rows.keepNew();
  const { kept } = rows;
  const frame = query.frameSlot(0, 64);
  const local = query.localSlot(0, 64);
  const firstBuffer = query.buffers.length;
  const firstCounter = query.counters.length;
  query.shared.set(plan.id, {
    buffer: rows.working,
    rowBytes: layout.rowBytes,
    fields: rows.fields,
  });
  const steps = query.stepsOf(() => {
    produce(plan.step, query, (scope) => rows.store(scope, plan.step.columns));
  });
  const frameEnd = query.frameSlot(0, 64);
  const localEnd = query.localSlot(0, 64);
  const buffers = query.buffers.slice(firstBuffer).map((_, i) => firstBuffer + i);
  query.steps.push({
    kind: 'loop',
    name: query.unique(`recursive_${plan.name}`),
    added: rows.added,
    working: rows.working,
    result: rows.result,
    ...(kept === undefined ? {} : { kept }),
    steps,
    after: query.stepsOf(() => rows.keepNew()),
    frame: { offset: frame, bytes: frameEnd - frame },
    keptWords: query.counters.slice(firstCounter).map(({ slot }) => slot),
    locals: [{ offset: local, bytes: localEnd - local }, ...texts],
    buffers,
  });
  const read = (scope: Scope, row: Local) => {
    plan.columns.forEach((column, i) => {
      scope.define(column, () => spill(scope.f, loadField(row, rows.fields[i]), column.name));
    });
    consume(scope);
  };
  produceRows(query, 'recursive', rows.result, layout.rowBytes, read, true);
}

/** Where the rows of a recursion are kept. */
export interface RecursionRows {
  readonly layout: RowLayout;
  /** One for each column; known once a row is stored. */
  readonly fields: readonly StoredField[];
  /** Buffers: what a round adds; what it reads; all there is in the end. */
  readonly added: number;
  readonly working: number;
  readonly result: number;
  /** See LoopStep. */
  readonly kept: { readonly first: number; readonly count: number } | undefined;
  /** Emits code that appends the row of the scope. */
  store(scope: Scope, columns: readonly Column[]): void;
  /** Adds the steps after which those of the rows that a round stored count that are new. */
  keepNew(): void;
}

/** The values of a row, in forms that serve for all rows. */
export function generalRow(scope: Scope, columns: readonly Column[], plan: Recursive): Value[] {
  return columns.map((column, i) =>
    generalValue(compileExpression(columnRef(column), scope), plan.columns[i], scope),
  );
}

class RowsInMemory implements RecursionRows {
  readonly layout = new RowLayout();
  readonly fields: StoredField[] = [];
  readonly kept = undefined;
  readonly added: number;
  readonly working: number;
  readonly result: number;
  readonly #plan: Recursive;
  readonly #query: Query;
  /** For UNION: rows that may be there already. */
  readonly #candidates: number | undefined;
  /** Frame offset of the addresses of the candidates and their number. */
  readonly #pointers: number;
  /** Frame offset of the hash table of all rows: address, mask, rows. */
  readonly #table: number;

  constructor(plan: Recursive, query: Query) {
    this.#plan = plan;
    this.#query = query;
    this.added = query.buffer(plan.name, 0);
    this.working = query.buffer(`${plan.name}_working`, 0);
    this.result = query.buffer(`${plan.name}_result`, 0);
    this.#candidates = plan.all ? undefined : query.buffer(`${plan.name}_candidates`, 0);
    this.#pointers = query.frameSlot(8, 8);
    this.#table = query.frameSlot(16, 8);
  }

  store(scope: Scope, columns: readonly Column[]): void {
    const { f, pipeline } = scope;
    const values = generalRow(scope, columns, this.#plan);
    if (this.fields.length < values.length) {
      for (const value of values) this.fields.push(this.layout.add(value));
      for (const buffer of [this.added, this.working, this.result]) {
        this.#query.setRowBytes(buffer, this.layout.rowBytes);
      }
    }
    const buffer = this.#candidates ?? this.added;
    this.#query.setRowBytes(buffer, this.layout.rowBytes);
    pipeline.appends.add(buffer);
    const stored = values.map((value, i): [StoredField, Value] => [this.fields[i], value]);
    const appender = i32.add(pipeline.local, this.#query.buffers[buffer].appender);
    appendOwnRow(pipeline, f, pipeline.local, appender, this.layout.rowBytes, stored);
  }

  keepNew(): void {
    const query = this.#query;
    const candidates = this.#candidates;
    if (candidates === undefined) return;
    const slot = this.#pointers;
    query.steps.push({ kind: 'gather', buffer: candidates, slot, pointers: true });
    const name = 'keep_new';
    query.callStep(
      name,
      (f) => {
        const { frame, local } = f.param;
        const next = f.let(i32.load(frame, slot), 'next');
        const end = f.let(i32.add(next, i32.shl(i32.load(frame, slot + 4), 2)), 'end');
        const row = f.local('i32', 'row');
        f.while(i32.ltU(next, end), () => {
          f.set(row, i32.load(next));
          this.#keepIfNew(scopeOutside(query, f), frame, local, row);
          f.set(next, i32.add(next, 4));
          f.checkpoint();
        });
      },
      [this.added],
    );
    const areas = [{ of: 'frame', offset: slot, bytes: 8 } as const];
    query.steps.push({ kind: 'free', buffers: [candidates], areas });
  }

  #keepIfNew(scope: Scope, frame: Local, local: Local, row: Local): void {
    const { f, pipeline } = scope;
    const values = this.fields.map((field) => spill(f, loadField(row, field), 'value'));
    const hash = f.let(hashValues(values, scope), 'hash');
    const table = this.#table;
    const mask = f.let(i32.load(frame, table + 4), 'mask');
    f.if(i32.geU(i32.shl(i32.load(frame, table + 8), 1), mask), () => {
      f.call(growFunction(this.#query, table), frame);
      f.set(mask, i32.load(frame, table + 4));
    });
    const at = f.let(i32.and(hash, mask), 'at');
    const entry = f.local('i32', 'entry');
    const known = f.local('i32', 'known');
    f.block((done) => {
      f.loop((again) => {
        f.set(entry, i32.add(i32.load(frame, table), i32.shl(at, 3)));
        f.set(known, i32.load(entry));
        f.if(i32.eqz(known), () => {
          const stored = values.map((value, i): [StoredField, Value] => [this.fields[i], value]);
          const appender = i32.add(local, this.#query.buffers[this.added].appender);
          const { rowBytes } = this.layout;
          const made = appendOwnRow(pipeline, f, local, appender, rowBytes, stored);
          f.do(i32.store(entry, made));
          f.do(i32.store(entry, hash, 4));
          const count = i32.load(frame, table + 8);
          f.do(i32.store(frame, i32.add(count, 1), table + 8));
          f.br(done);
        });
        f.if(i32.eq(i32.load(entry, 4), hash), () => {
          const inner = scope.child();
          const tests = this.fields.map((field, i) => {
            return notDistinct(values[i], loadField(known, field), inner);
          });
          f.brIf(
            done,
            tests.reduceRight((rest, test) => i32.if(test, rest, 0), i32.const(1) as Expr),
          );
        });
        f.set(at, i32.and(i32.add(at, 1), mask));
        f.br(again);
      });
    });
  }
}
