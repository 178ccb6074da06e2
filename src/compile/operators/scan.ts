import { assert } from '../../base/assert.ts';
import { children, conjuncts, type Expression } from '../../plan/expression.ts';
import type { Scan } from '../../plan/plan.ts';
import { type ColumnLayout, layoutWidth, rowsPerGroup } from '../../table/layout.ts';
import type { StoredColumn } from '../../table/table.ts';
import { isFloat, type SqlType } from '../../value/type.ts';
import { type Expr, f32, f64, i32, i64, type Local } from '../../wasm/index.ts';
import { compileCondition } from '../expressions/compile.ts';
import { emitLikeColumn } from '../kernels/like.ts';
import { morselField, type ZoneTest } from '../program.ts';
import { type Consume, expressionKey, type Pipeline, type Query, Scope } from '../query.ts';
import { rangeOf } from '../range.ts';
import { loadCode, loadInt } from '../row.ts';
import { spill, typeRange, type Value } from '../value.ts';
import { buildStep, stepTail } from './materialize.ts';
import { findVectorTests, type VectorTest, vectorMask } from './vector-test.ts';

/** A column of a table while its morsels are read. */
export interface ScannedColumn {
  readonly ordinal: number;
  readonly stored: StoredColumn;
  readonly type: SqlType;
  /** Address of the values of this morsel. */
  readonly data: Local;
  readonly heap: Local | undefined;
  /** Address of the NULL mask, and 1 or 0 as the segment has one. */
  readonly nulls: { readonly address: Local; readonly present: Local } | undefined;
}

/** Below this share of rows passing, a bit mask of 16 rows beats a branch for each row. */
const vectorSelectivityMax = 0.7;

/** With more rows than this share left, a whole column is searched for a pattern at once. */
const likeColumnShareMin = 0.25;

/** Reads a table, morsel by morsel, and passes on the rows that all its filters let through. */
export function produceScan(scan: Scan, query: Query, consume: Consume): void {
  const name = query.unique(`scan_${scan.table.name.replace(/\W/g, '_')}`);
  const filters = scan.filters.flatMap(conjuncts);
  const tests = findVectorTests(scan, filters);
  const share = tests.reduce((product, test) => product * test.selectivity, 1);
  const prune: ZoneTest[] = tests.flatMap((test) => test.zone ?? []);
  const pipeline = buildStep(query, name, (p) => {
    p.isScan = true;
    const source = new TableSource(scan, p);
    if (tests.length === 0 || share > likeColumnShareMin) source.searchColumns(filters);
    const masked = tests.length > 0 && share < vectorSelectivityMax;
    const used = new Set(masked ? tests.flatMap((test) => test.filters) : []);
    const rest = filters.filter((filter) => !used.has(filter));
    const each = (body: RowConsume): void => {
      const passed: RowConsume = (scope, row) => filtered(rest, scope, (inner) => body(inner, row));
      if (masked) source.eachOfMask(tests, passed);
      else source.each(passed);
    };
    const probe = query.probes.get(scan);
    if (probe === undefined) each(consume);
    else source.eachGathered(each, probe, consume);
  });
  query.steps.push({
    kind: 'scan',
    name,
    table: scan.table,
    ordinals: scan.ordinals,
    prune,
    keepsTexts: query.options.spill === undefined && keepsTexts(scan, query),
    ...stepTail(pipeline),
  });
}

/** Code for a row at hand, and its number within the morsel. */
type RowConsume = (scope: Scope, row: Local) => void;

/** Texts that only filters look at go no further than this scan. */
function keepsTexts(scan: Scan, query: Query): boolean {
  const required = query.required.get(scan);
  return scan.columns.some(({ id }, i) => {
    const { layout } = scan.table.data.columns[scan.ordinals[i]];
    return layout.kind === 'string' && required?.has(id) !== false;
  });
}

/** Code for the rows that pass all predicates, tested one after another. */
export function filtered(predicates: readonly Expression[], scope: Scope, consume: Consume): void {
  const [first, ...rest] = predicates;
  if (first === undefined) {
    consume(scope);
    return;
  }
  scope.f.if(compileCondition(first, scope), () => filtered(rest, scope.child(), consume));
}

class TableSource {
  readonly #scan: Scan;
  readonly #pipeline: Pipeline;
  readonly #columns = new Map<number, ScannedColumn>();
  readonly #count: Local;
  /** LIKE predicates that were decided for the whole morsel: bytes of 1 and 0. */
  readonly #searched: { readonly expression: Expression; readonly out: Local }[] = [];

  constructor(scan: Scan, pipeline: Pipeline) {
    this.#scan = scan;
    this.#pipeline = pipeline;
    const { morsel } = pipeline.f.param;
    this.#count = pipeline.hoist(() => i32.load(morsel, morselField.count), 'count');
  }

  /**
   * Decides LIKE with a constant pattern on a column of plain strings for all rows of the morsel
   * before the first, which is faster than row by row.
   */
  searchColumns(filters: readonly Expression[]): void {
    const visit = (expression: Expression): void => {
      if (expression.kind === 'call' && expression.name === 'like') this.#search(expression);
      else for (const child of children(expression)) visit(child);
    };
    filters.forEach(visit);
  }

  #search(like: Extract<Expression, { kind: 'call' }>): void {
    const [text, pattern] = like.args;
    if (like.args.length > 2 || text.kind !== 'column' || pattern.kind !== 'constant') return;
    const index = this.#scan.columns.indexOf(text.column);
    if (index < 0 || typeof pattern.value !== 'string') return;
    const { layout, statistics } = this.#scan.table.data.columns[this.#scan.ordinals[index]];
    if (layout.kind !== 'string' || statistics.nullCount > 0) return;
    const { f, query } = this.#pipeline;
    const column = this.#column(this.#scan.ordinals[index]);
    const slot = query.localSlot(rowsPerGroup, 16);
    const out = this.#pipeline.hoist(() => i32.add(this.#pipeline.local, slot), 'matches');
    const search = emitLikeColumn(query.module, pattern.value);
    this.#pipeline.before(() => {
      f.call(search, column.data, column.heap as Local, this.#count, out);
    });
    this.#searched.push({ expression: like, out });
  }

  /** One row after another. */
  each(body: RowConsume): void {
    const { f } = this.#pipeline;
    const row = f.local('i32', 'row');
    const each = () => {
      body(this.#scope(row), row);
      f.checkpoint(1, { onlyResumed: true });
    };
    f.for(row, 0, this.#count, each, { unsigned: true });
  }

  /** Sixteen rows at a time: a mask of those that pass the tests, then these one by one. */
  eachOfMask(tests: readonly VectorTest[], body: RowConsume): void {
    const { f } = this.#pipeline;
    const count = this.#count;
    const first = f.local('i32', 'first');
    const row = f.local('i32', 'row');
    const mask = f.local('i32', 'mask');
    const column = (ordinal: number) => this.#column(ordinal);
    f.for(
      first,
      0,
      count,
      () => {
        f.set(mask, vectorMask(tests, column, first));
        const left = f.let(i32.sub(count, first), 'left');
        f.if(i32.ltU(left, 16), () => {
          f.set(mask, i32.and(mask, i32.sub(i32.shl(1, left), 1)));
        });
        f.while(mask, () => {
          f.set(row, i32.add(first, i32.ctz(mask)));
          f.set(mask, i32.and(mask, i32.sub(mask, 1)));
          body(this.#scope(row), row);
          f.checkpoint(1, { onlyResumed: true });
        });
      },
      { step: 16, unsigned: true },
    );
  }

  /**
   * The rows of `each` that pass a probe, after all have been probed. Few rows far from each other
   * are misses of the cache: next to each other in the code they are waited for together, whereas
   * between probes each is waited for alone.
   */
  eachGathered(
    each: (body: RowConsume) => void,
    probe: (scope: Scope) => Expr,
    body: Consume,
  ): void {
    const { f, query, local } = this.#pipeline;
    const slot = query.localSlot(rowsPerGroup * 2, 16);
    const rows = this.#pipeline.hoist(() => i32.add(local, slot), 'gathered');
    const count = f.local('i32', 'gathered_count');
    f.set(count, 0);
    each((scope, row) => {
      f.if(probe(scope), () => {
        f.do(i32.store16(i32.add(rows, i32.shl(count, 1)), row));
        f.set(count, i32.add(count, 1));
      });
    });
    const index = f.local('i32', 'gathered_index');
    const row = f.local('i32', 'gathered_row');
    const next = () => {
      f.set(row, i32.load16U(i32.add(rows, i32.shl(index, 1))));
      body(this.#scope(row));
      f.checkpoint(1, { onlyResumed: true });
    };
    f.for(index, 0, count, next, { unsigned: true });
  }

  #scope(row: Local): Scope {
    const scope = new Scope(this.#pipeline);
    this.#scan.columns.forEach((column, i) => {
      const ordinal = this.#scan.ordinals[i];
      scope.define(column, () => loadColumn(this.#column(ordinal), row, scope, column.name));
    });
    for (const { expression, out } of this.#searched) {
      const x = i32.load8U(i32.add(out, row));
      scope.remember(expressionKey(expression), { form: 'bool', x, isNull: undefined });
    }
    return scope;
  }

  #column(ordinal: number): ScannedColumn {
    let column = this.#columns.get(ordinal);
    if (column === undefined) {
      column = this.#open(ordinal);
      this.#columns.set(ordinal, column);
    }
    return column;
  }

  #open(ordinal: number): ScannedColumn {
    const { table, ordinals } = this.#scan;
    const stored = table.data.columns[ordinal];
    const { name, type } = table.columns[ordinal];
    const { morsel } = this.#pipeline.f.param;
    const at = morselField.columns + 16 * ordinals.indexOf(ordinal);
    const hoist = (offset: number, suffix: string) =>
      this.#pipeline.hoist(() => i32.load(morsel, at + offset), `${name}_${suffix}`);
    let nulls: ScannedColumn['nulls'];
    if (stored.statistics.nullCount > 0) {
      const address = hoist(8, 'nulls');
      const present = this.#pipeline.hoist(() => i32.ne(address, 0), `${name}_has_nulls`);
      nulls = { address, present };
    }
    const heap = stored.layout.kind === 'string' ? hoist(4, 'heap') : undefined;
    return { ordinal, stored, type, data: hoist(0, 'data'), heap, nulls };
  }
}

function elementAddress(data: Expr, row: Expr, layout: ColumnLayout): Expr {
  const shift = Math.log2(layoutWidth(layout));
  return i32.add(data, shift === 0 ? row : i32.shl(row, shift));
}

/** The value of a column at a row of the morsel, in locals. */
function loadColumn(column: ScannedColumn, row: Expr, scope: Scope, name: string): Value {
  const { f } = scope;
  const { layout, statistics } = column.stored;
  // A segment without NULLs has no mask: what is read in its place is discarded.
  const isNull =
    column.nulls === undefined
      ? undefined
      : f.let(
          i32.and(i32.load8U(i32.add(column.nulls.address, row)), column.nulls.present),
          `${name}_null`,
        );
  const address = elementAddress(column.data, row, layout);
  switch (layout.kind) {
    case 'int': {
      const { x } = loadInt(address, layout.width, layout.base, 0);
      if (column.type.kind === 'boolean') {
        const flag = i32.wrapI64(x);
        const truth = isNull === undefined ? flag : i32.and(flag, i32.eqz(isNull));
        return spill(f, { form: 'bool', x: truth, isNull }, name);
      }
      const min = (statistics.min ?? 0n) as bigint;
      const max = (statistics.max ?? 0n) as bigint;
      return spill(f, { form: 'int', x, range: rangeOf(min, max), isNull }, name);
    }
    case 'wide': {
      const at = f.let(address, `${name}_at`);
      const halves = { x: i64.load(at), y: i64.load(at, 8), isNull };
      if (column.type.kind === 'interval') return spill(f, { form: 'interval', ...halves }, name);
      const { min, max } = statistics;
      const known = typeof min === 'bigint' && typeof max === 'bigint';
      const range = known ? rangeOf(min, max) : typeRange(column.type);
      return spill(f, { form: 'wide', ...halves, range }, name);
    }
    case 'float': {
      assert(isFloat(column.type), 'floats are of floating-point types');
      const x = layout.width === 4 ? f64.promoteF32(f32.load(address)) : f64.load(address);
      return spill(f, { form: 'float', x, isNull }, name);
    }
    case 'dictionary': {
      const x = loadCode(address, layout.width, 0);
      return spill(f, { form: 'code', x, dictionary: layout.dictionary, isNull }, name);
    }
    case 'string': {
      assert(column.heap !== undefined, 'a string column has a heap');
      const at = f.let(address, `${name}_at`);
      const start = f.let(i32.load(at), `${name}_start`);
      const length = i32.sub(i32.load(at, 4), start);
      return spill(f, { form: 'string', x: i32.add(column.heap, start), y: length, isNull }, name);
    }
  }
}
