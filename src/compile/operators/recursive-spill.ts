/**
 * The rows of a recursive common table where they need not fit in memory. For UNION, all rows are
 * distributed over partitions by their hash, and so are those that a round may add: of each
 * partition, the latter must fit in memory, and are compared with what is there.
 */
import { assert } from '../../base/assert.ts';
import type { Column } from '../../plan/expression.ts';
import type { Recursive } from '../../plan/plan.ts';
import { type Expr, type FunctionBuilder, i32, type Local } from '../../wasm/index.ts';
import { notDistinct } from '../expressions/logic.ts';
import type { FreedArea, PartitionsStep } from '../program.ts';
import { type Query, type Scope, scopeOutside } from '../query.ts';
import { loadField, RowLayout, type StoredField } from '../row.ts';
import { spill, type Value } from '../value.ts';
import { growFunction } from './growing-table.ts';
import { hashValues } from './hash.ts';
import { produceRows, storeRow } from './materialize.ts';
import { PartitionedRows, rowHashAt, rowHeader, rowStateAt } from './partitions.ts';
import { generalRow, type RecursionRows } from './recursive.ts';

/** Of a row that may be added: its address, and entries of tables while they grow. */
const candidateBytes = 4 + 48;

interface RecursionBuffers {
  readonly added: number;
  readonly working: number;
  readonly result: number;
  /** For UNION: all rows, and those that may be added to them. */
  readonly known: PartitionedRows | undefined;
  readonly candidates: PartitionedRows | undefined;
}

export class SpilledRecursionRows implements RecursionRows {
  readonly layout: RowLayout;
  readonly fields: StoredField[] = [];
  readonly #plan: Recursive;
  readonly #query: Query;
  #made: RecursionBuffers | undefined;
  #keepNew: PartitionsStep | undefined;

  constructor(plan: Recursive, query: Query) {
    this.#plan = plan;
    this.#query = query;
    this.layout = new RowLayout(plan.all ? 0 : rowHeader);
  }

  get #buffers(): RecursionBuffers {
    assert(this.#made !== undefined, 'the initial part was compiled');
    return this.#made;
  }

  get added(): number {
    return this.#buffers.added;
  }

  get working(): number {
    return this.#buffers.working;
  }

  get result(): number {
    return this.#buffers.result;
  }

  get kept(): { first: number; count: number } | undefined {
    if (this.#keepNew === undefined) return undefined;
    return { first: this.#keepNew.inputs[0].first, count: this.#keepNew.partitions };
  }

  store(scope: Scope, columns: readonly Column[]): void {
    const values = generalRow(scope, columns, this.#plan);
    if (this.#made === undefined) {
      for (const value of values) this.fields.push(this.layout.add(value));
      this.#made = this.#makeBuffers();
    }
    const stored = values.map((value, i): [StoredField, Value] => [this.fields[i], value]);
    const { added, candidates } = this.#made;
    if (candidates === undefined) storeRow(scope, added, this.layout, stored);
    else candidates.append(scope, hashValues(values, scope), stored);
  }

  #makeBuffers(): RecursionBuffers {
    const query = this.#query;
    const { all, name } = this.#plan;
    const buffer = (suffix: string) => query.movableBuffers(`${name}${suffix}`, this.layout, 1);
    const parts = (suffix: string) =>
      all ? undefined : new PartitionedRows(query, `${name}${suffix}`, this.layout);
    return {
      added: buffer(''),
      working: buffer('_working'),
      result: buffer('_result'),
      known: parts('_known'),
      candidates: parts('_candidates'),
    };
  }

  keepNew(): void {
    const { known, candidates } = this.#buffers;
    if (known === undefined || candidates === undefined) return;
    this.#keepNew ??= this.#emitKeepNew(known, candidates);
    this.#query.steps.push(this.#keepNew);
  }

  /** Candidates go into a table, known rows are looked up in it, and what nobody knew is added. */
  #emitKeepNew(known: PartitionedRows, candidates: PartitionedRows): PartitionsStep {
    const query = this.#query;
    const { rowBytes } = this.layout;
    const shift = query.frameSlot(4, 4);
    const rows = query.frameSlot(8, 8);
    const table = query.frameSlot(16, 8);
    const inputs = [
      { ...known.input(false, 0, shift), kept: true },
      candidates.input(true, candidateBytes, shift),
    ];
    const { window } = candidates;
    let outgoing = '';
    const steps = query.stepsOf(() => {
      query.steps.push({ kind: 'gather', buffer: window, slot: rows, pointers: true });
      query.callStep('index_candidates', (f) => this.#index(f, rows, table));
      produceRows(query, 'find_known', known.window, rowBytes, (scope, row) => {
        this.#find(scope, table, row, { found: (other) => discard(scope, other) });
      });
      produceRows(query, 'add_new', window, rowBytes, (scope, row) => {
        outgoing = scope.pipeline.name;
        const isNew = i32.eqz(i32.load(row, rowStateAt));
        scope.f.if(isNew, () => this.#add(scope.child(), row, known));
      });
      const areas: FreedArea[] = [
        { of: 'frame', offset: rows, bytes: 8 },
        { of: 'frame', offset: table, bytes: 16 },
      ];
      query.steps.push({ kind: 'free', buffers: [], areas });
    });
    return {
      kind: 'partitions',
      name: query.unique('keep_new'),
      inputs,
      partitions: query.options.spill?.partitions ?? 1,
      steps,
      outgoing,
      split: { kind: 'hash', shift },
    };
  }

  /** Makes the table of the candidates, of equal ones with the first. */
  #index(f: FunctionBuilder<{ frame: 'i32'; local: 'i32' }>, rows: number, table: number): void {
    const { frame } = f.param;
    const query = this.#query;
    const scope = scopeOutside(query, f);
    const next = f.let(i32.load(frame, rows), 'next');
    const end = f.let(i32.add(next, i32.shl(i32.load(frame, rows + 4), 2)), 'end');
    const row = f.local('i32', 'row');
    const used = () => i32.load(frame, table + 8);
    f.while(i32.ltU(next, end), () => {
      f.set(row, i32.load(next));
      f.if(i32.geU(i32.shl(used(), 1), i32.load(frame, table + 4)), () => {
        f.call(growFunction(query, table), frame);
      });
      this.#find(scope.child(), table, row, {
        found: () => discard(scope, row),
        missing: (entry, hash) => {
          f.do(i32.store(entry, row));
          f.do(i32.store(entry, hash, 4));
          f.do(i32.store(frame, i32.add(used(), 1), table + 8));
        },
      });
      f.set(next, i32.add(next, 4));
      f.checkpoint();
    });
  }

  /** Looks for a row equal to the one at `row`, or for the entry where it would be. */
  #find(
    scope: Scope,
    table: number,
    row: Local,
    then: {
      readonly found: (other: Local) => void;
      readonly missing?: (entry: Local, hash: Local) => void;
    },
  ): void {
    const { f, pipeline } = scope;
    const { frame } = pipeline;
    const hash = f.let(i32.load(row, rowHashAt), 'hash');
    const address = f.let(i32.load(frame, table), 'table');
    const mask = f.let(i32.load(frame, table + 4), 'mask');
    const at = f.let(i32.and(hash, mask), 'at');
    const entry = f.local('i32', 'entry');
    const other = f.local('i32', 'other');
    f.block((done) => {
      f.loop((again) => {
        f.set(entry, i32.add(address, i32.shl(at, 3)));
        f.set(other, i32.load(entry));
        f.if(i32.eqz(other), () => {
          then.missing?.(entry, hash);
          f.br(done);
        });
        f.if(i32.eq(i32.load(entry, 4), hash), () => {
          f.if(this.#sameRows(scope.child(), row, other), () => {
            then.found(other);
            f.br(done);
          });
        });
        f.set(at, i32.and(i32.add(at, 1), mask));
        f.br(again);
      });
    });
  }

  #sameRows(scope: Scope, a: Local, b: Local): Expr {
    const tests = this.fields.map((field) =>
      notDistinct(loadField(a, field), loadField(b, field), scope),
    );
    return tests.reduceRight((rest, test) => i32.if(test, rest, 0), i32.const(1) as Expr);
  }

  /** Adds a row to what the round gives and to those known. */
  #add(scope: Scope, row: Local, known: PartitionedRows): void {
    const stored = this.fields.map((field): [StoredField, Value] => {
      return [field, spill(scope.f, loadField(row, field), 'value')];
    });
    storeRow(scope, this.added, this.layout, stored);
    known.append(scope, i32.load(row, rowHashAt), stored);
  }
}

/** Several threads may do so at once. */
function discard({ f }: Scope, candidate: Local): void {
  f.do(i32.store(candidate, 1, rowStateAt));
}
