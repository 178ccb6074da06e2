import { assert } from '../base/assert.ts';
import { type Column, columnRef, type Expression } from '../plan/expression.ts';
import { inputs, type Plan } from '../plan/plan.ts';
import type { SqlType } from '../value/type.ts';
import {
  type Expr,
  type Func,
  type FunctionBuilder,
  i32,
  i64,
  type Local,
  type Memory,
  ModuleBuilder,
} from '../wasm/index.ts';
import type { SharedRows } from './operators/with.ts';
import {
  appenderField,
  type CompileOptions,
  castFailure,
  failure,
  type ParameterSlot,
  portionWork,
  type RowBuffer,
  type RowCounter,
  type RowField,
  type Step,
} from './program.ts';
import type { RowLayout } from './row.ts';
import type { Value } from './value.ts';

/** The parameters of every step function. */
export type StepFunction = FunctionBuilder<{ frame: 'i32'; local: 'i32'; morsel: 'i32' }>;

/**
 * One query on its way to a Program: the module, the layout of frame and local areas, the steps.
 */
export class Query {
  readonly options: CompileOptions;
  readonly module: ModuleBuilder;
  readonly memory: Memory;
  readonly fail: Func;
  readonly chunk: Func;
  readonly allocate: Func;
  readonly release: Func;
  /** The steps so far; those of the operator under construction, while it is a loop. */
  steps: Step[] = [];
  readonly buffers: RowBuffer[] = [];
  readonly parameters: ParameterSlot[] = [];
  readonly counters: RowCounter[] = [];
  /** For each node, the columns of it that some node above uses. */
  readonly required: Map<Plan, ReadonlySet<number>>;
  /** Rows of common table expressions, by their id. */
  readonly shared = new Map<number, SharedRows>();
  /** What the largest operator is estimated to keep in memory. */
  keptBytes = 0;
  /** For a scan: a test, 1 or 0, that a join above it makes of each row before all else. */
  readonly probes = new Map<Plan, (scope: Scope) => Expr>();
  /** Helper functions made at their first use, by name. */
  readonly #helpers = new Map<string, Func>();
  readonly #constants: { offset: number; bytes: Uint8Array }[] = [];
  /** Offsets of constants by what they are. */
  readonly #constantOffsets = new Map<string, number>();
  readonly #names = new Map<string, number>();
  readonly #areas = new Map<string, number>();
  #frameBytes = 0;
  #localBytes = 0;
  #textSlot: number | undefined;

  constructor(options: CompileOptions, required: Map<Plan, ReadonlySet<number>>) {
    this.options = options;
    this.required = required;
    this.module = new ModuleBuilder({ name: 'query' });
    this.memory = this.module.importMemory('env', 'memory', {
      min: 1,
      max: 65536,
      shared: options.sharedMemory,
    });
    this.fail = this.module.importFunc('env', 'fail', ['i32', 'i32'], []);
    this.chunk = this.module.importFunc('env', 'chunk', ['i32', 'i32', 'i32'], ['i32']);
    this.allocate = this.module.importFunc('env', 'allocate', ['i32'], ['i32']);
    this.release = this.module.importFunc('env', 'release', ['i32'], []);
    this.#allowSuspension();
  }

  #allowSuspension(): void {
    const { module } = this;
    const poll = module.importFunc('env', 'poll', [], ['i32']);
    const save = module.importFunc('env', 'save', ['i32'], ['i32']);
    const restore = module.importFunc('env', 'restore', [], ['i32']);
    const global = (name: string) => {
      const made = module.global(name, 'i32', true, 0);
      module.export(name, made);
      return made;
    };
    module.suspension = {
      state: global('suspension'),
      portions: global('portions'),
      stopAt: global('stop_at'),
      poll,
      save,
      restore,
      resumable: this.options.resumable ?? false,
      portionWork: this.options.portionWork ?? portionWork,
    };
  }

  /** Nodes that the compiler makes itself are used with all their columns. */
  requireAll(plan: Plan): void {
    if (this.required.has(plan)) return;
    this.required.set(plan, new Set(plan.columns.map((column) => column.id)));
    for (const input of inputs(plan)) this.requireAll(input);
  }

  /** A plan with those of its columns only that are used: it computes no others. */
  neededOf(plan: Plan): Plan {
    const required = this.required.get(plan);
    const columns = plan.columns.filter(({ id }) => required?.has(id) ?? true);
    if (columns.length === plan.columns.length) return plan;
    return { kind: 'project', input: plan, expressions: columns.map(columnRef), columns };
  }

  get parallel(): boolean {
    return this.options.threads > 1;
  }

  get frameBytes(): number {
    return Math.max(align(this.#frameBytes, 64), 64);
  }

  get localBytes(): number {
    return Math.max(align(this.#localBytes, 64), 64);
  }

  /** Reserves zeroed bytes in the frame; the answer is their offset. */
  frameSlot(bytes: number, alignment = 8): number {
    const offset = align(this.#frameBytes, alignment);
    this.#frameBytes = offset + bytes;
    return offset;
  }

  /** Reserves zeroed bytes in the local area of each worker; the answer is their offset. */
  localSlot(bytes: number, alignment = 8): number {
    const offset = align(this.#localBytes, alignment);
    this.#localBytes = offset + bytes;
    return offset;
  }

  /** Puts constant bytes into the frame before the first step; the answer is their offset. */
  constantBytes(bytes: Uint8Array): number {
    let key = '';
    for (const byte of bytes) key += String.fromCharCode(byte);
    const known = this.#constantOffsets.get(key);
    if (known !== undefined) return known;
    const offset = this.frameSlot(bytes.length + 16, 16);
    this.#constants.push({ offset, bytes });
    this.#constantOffsets.set(key, offset);
    return offset;
  }

  /** Offset in the local area of zeroed bytes that are reserved once for each name. */
  areaOf(name: string, bytes: number): number {
    let offset = this.#areas.get(name);
    if (offset === undefined) {
      offset = this.localSlot(bytes, 8);
      this.#areas.set(name, offset);
    }
    return offset;
  }

  /** Offset in the local area of { cursor, limit, block } for strings made at run time. */
  textSlot(): number {
    this.#textSlot ??= this.localSlot(16, 8);
    return this.#textSlot;
  }

  /** Adds a row buffer; the rows' width may be set until the program is finished. */
  buffer(name: string, rowBytes: number): number {
    const appender = this.localSlot(appenderField.bytes, 16);
    this.buffers.push({ name, rowBytes, appender });
    return this.buffers.length - 1;
  }

  /**
   * Adds a buffer whose rows are only read one after the other: in a program that spills, it may
   * leave the memory.
   */
  streamedBuffer(name: string, layout: RowLayout): number {
    return this.options.spill === undefined
      ? this.buffer(name, layout.rowBytes)
      : this.movableBuffers(name, layout, 1);
  }

  /** Adds some movable buffers with their appenders side by side; gives the index of the first. */
  movableBuffers(name: string, layout: RowLayout, count: number): number {
    const { rowBytes, fields } = layout;
    const strings = fields.filter(({ form }) => form === 'string').map(({ offset }) => offset);
    const appenders = this.localSlot(count * appenderField.bytes, 16);
    for (let i = 0; i < count; i++) {
      const appender = appenders + i * appenderField.bytes;
      this.buffers.push({ name, rowBytes, appender, movable: { strings } });
    }
    return this.buffers.length - count;
  }

  /** For a buffer whose rows were laid out after it was made. */
  setRowBytes(buffer: number, rowBytes: number): void {
    this.buffers[buffer] = { ...this.buffers[buffer], rowBytes };
  }

  /** A name for a step or helper that no other has. */
  unique(name: string): string {
    const count = this.#names.get(name) ?? 0;
    this.#names.set(name, count + 1);
    return count === 0 ? name : `${name}_${count}`;
  }

  /**
   * (local, from, to, lo, hi): fails because a cast of that value does; see {@link castFailure}.
   */
  failCast(): Func {
    return this.helper('fail_cast', (name) => {
      const slot = this.localSlot(castFailure.bytes, 8);
      const params = { local: 'i32', from: 'i32', to: 'i32', lo: 'i64', hi: 'i64' } as const;
      return this.module.func(name, { params }, (f) => {
        const { local, from, to, lo, hi } = f.param;
        f.do(i32.store(local, from, slot + castFailure.from));
        f.do(i32.store(local, to, slot + castFailure.to));
        f.do(i64.store(local, lo, slot + castFailure.low));
        f.do(i64.store(local, hi, slot + castFailure.high));
        f.call(this.fail, failure.cast, i32.add(local, slot));
      });
    });
  }

  /** (address, length) → f64: the host's reading of a number. */
  parseDouble(): Func {
    return this.helper('parse_double', (name) =>
      this.module.importFunc('env', name, ['i32', 'i32'], ['f64']),
    );
  }

  /** (value, places, out) → the address behind the text, with so many digits behind the point. */
  fixedText(): Func {
    return this.helper('fixed_text', (name) =>
      this.module.importFunc('env', name, ['f64', 'i32', 'i32'], ['i32']),
    );
  }

  /** (address, length, flags) → the address of a pattern's program, see `regexFlags`. */
  regexProgram(): Func {
    return this.helper('regex_program', (name) =>
      this.module.importFunc('env', name, ['i32', 'i32', 'i32'], ['i32']),
    );
  }

  /** A function of the host's Math over doubles. */
  math(name: keyof Math & string, arity: 1 | 2): Func {
    return this.helper(`Math.${name}`, () =>
      this.module.importFunc('Math', name, Array(arity).fill('f64'), ['f64']),
    );
  }

  /** A function made once for each name. */
  helper(name: string, make: (name: string) => Func): Func {
    let func = this.#helpers.get(name);
    if (func === undefined) {
      func = make(name);
      this.#helpers.set(name, func);
    }
    return func;
  }

  /** Defines an exported step function. */
  stepFunction(name: string, build: (f: StepFunction) => void): void {
    const params = { frame: 'i32', local: 'i32', morsel: 'i32' } as const;
    this.module.func(name, { params, export: true, suspendable: true }, build);
  }

  /** The steps that `build` adds, which are not those of the query. */
  stepsOf(build: () => void): Step[] {
    const before = this.steps;
    const made: Step[] = [];
    this.steps = made;
    build();
    this.steps = before;
    return made;
  }

  /** Adds a step that runs once. */
  callStep(
    name: string,
    build: (f: FunctionBuilder<{ frame: 'i32'; local: 'i32' }>) => void,
    appends: readonly number[] = [],
  ): void {
    const unique = this.unique(name);
    const params = { frame: 'i32', local: 'i32' } as const;
    this.module.func(unique, { params, export: true, suspendable: true }, build);
    this.steps.push({ kind: 'call', name: unique, appends });
  }

  /** The step that copies constants into the frame; to run before all others. */
  constantStep(): Step | undefined {
    if (this.#constants.length === 0) return undefined;
    const params = { frame: 'i32', local: 'i32' } as const;
    this.module.func('constants', { params, export: true }, (f) => {
      for (const { offset, bytes } of this.#constants) {
        const data = this.module.passiveData(bytes);
        f.do(data.init(i32.add(f.param.frame, offset), 0, bytes.length));
      }
    });
    return { kind: 'call', name: 'constants', appends: [] };
  }

  /** Frame offset and form of a statement parameter. */
  parameter(index: number, field: Omit<RowField, 'offset' | 'nullAt'>): RowField {
    const known = this.parameters.find((slot) => slot.index === index);
    if (known !== undefined) return known.field;
    const offset = this.frameSlot(field.form === 'wide' ? 16 : 8, 8);
    const nullAt = this.frameSlot(1, 1);
    const slot = { index, field: { ...field, offset, nullAt } };
    this.parameters.push(slot);
    return slot.field;
  }
}

export function align(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

/**
 * The function of one pipeline under construction: reads morsels of its source and pushes rows
 * through its operators into its sink. `prologue` runs before the first row, `epilogue` after the
 * last; operators add to both.
 */
export class Pipeline {
  readonly query: Query;
  readonly f: StepFunction;
  /** The name of its step; empty for code that runs outside of one. */
  readonly name: string;
  /** Whether it reads a table, and so sees rows in the table's order. */
  isScan = false;
  /** Buffers that this pipeline appends to. */
  readonly appends = new Set<number>();
  /** Name of a function to call in each worker after its last morsel. */
  finish: string | undefined;
  readonly #prologue;
  readonly #epilogue: (() => void)[] = [];
  #last: (() => void) | undefined;

  constructor(query: Query, f: StepFunction, name = '') {
    this.query = query;
    this.f = f;
    this.name = name;
    this.#prologue = f.slot();
  }

  /** A local that is set before the first row. */
  hoist(value: () => Expr, name: string): Local {
    let local: Local | undefined;
    this.f.into(this.#prologue, () => {
      local = this.f.let(value(), name);
    });
    assert(local !== undefined, 'the prologue was built');
    return local;
  }

  /** Adds code that runs before the first row. */
  before(build: () => void): void {
    this.f.into(this.#prologue, build);
  }

  /** Adds code that runs after the last row of a morsel. */
  after(build: () => void): void {
    this.#epilogue.push(build);
  }

  /** Sets code that runs after all other code of a morsel. */
  last(build: () => void): void {
    this.#last = build;
  }

  /** To be called by the source behind its loop. */
  end(): void {
    for (const build of this.#epilogue) build();
    this.#last?.();
  }

  /** Branch-free access to the frame. */
  get frame(): Local {
    return this.f.param.frame;
  }

  get local(): Local {
    return this.f.param.local;
  }
}

/**
 * The values in reach at one place of the code. A child scope is for code that does not always run
 * (a branch): what is loaded there is known only there.
 */
export class Scope {
  readonly pipeline: Pipeline;
  /** Set where no string that is made outlives the expression under way. */
  isTemporary = false;
  readonly #parent: Scope | undefined;
  readonly #columns = new Map<number, Value | (() => Value)>();
  readonly #memo = new Map<string, Value>();
  readonly #parts = new Map<string, unknown>();

  constructor(pipeline: Pipeline, parent?: Scope) {
    this.pipeline = pipeline;
    this.#parent = parent;
    this.isTemporary = parent?.isTemporary ?? false;
  }

  get f(): StepFunction {
    return this.pipeline.f;
  }

  get query(): Query {
    return this.pipeline.query;
  }

  child(): Scope {
    return new Scope(this.pipeline, this);
  }

  /** Makes a column known; a function is called, and its code emitted, at the first use. */
  define(column: Column, value: Value | (() => Value)): void {
    this.#columns.set(column.id, value);
  }

  column(column: Column): Value {
    const found = this.#find(column.id);
    assert(found !== undefined, `column ${column.name}#${column.id} is not in reach`);
    if (typeof found !== 'function') return found;
    const value = found();
    this.#columns.set(column.id, value);
    return value;
  }

  /** Whether the column is defined here. */
  has(column: Column): boolean {
    return this.#find(column.id) !== undefined;
  }

  #find(id: number): Value | (() => Value) | undefined {
    const own = this.#columns.get(id);
    if (own !== undefined || this.#parent === undefined) return own;
    return this.#parent.#find(id);
  }

  /** The value of an expression that has been computed in this or an outer scope. */
  recall(key: string): Value | undefined {
    return this.#memo.get(key) ?? this.#parent?.recall(key);
  }

  remember(key: string, value: Value): void {
    this.#memo.set(key, value);
  }

  /** What `make` gave for the key in this or an outer scope; its code is emitted once. */
  once<T>(key: string, make: () => T): T {
    for (let at: Scope | undefined = this; at !== undefined; at = at.#parent) {
      const known = at.#parts.get(key);
      if (known !== undefined) return known as T;
    }
    const made = make();
    this.#parts.set(key, made);
    return made;
  }
}

let nextId = -1;

/** An id that binding never gives: below zero. */
export function freshId(): number {
  return nextId--;
}

/** A column made by the compiler. */
export function freshColumn(name: string, type: SqlType, nullable: boolean): Column {
  return { id: freshId(), name, type, nullable };
}

/** A scope for code that runs once, outside of a loop over rows: merging, comparing two rows. */
export function scopeOutside(query: Query, f: FunctionBuilder): Scope {
  return new Scope(new Pipeline(query, f as unknown as StepFunction));
}

/** What takes the rows of an operator: code for one row, with its columns in `scope`. */
export type Consume = (scope: Scope) => void;

const keys = new WeakMap<Expression, string>();

/** A text that is equal for expressions that have equal values. */
export function expressionKey(expression: Expression): string {
  let key = keys.get(expression);
  if (key === undefined) {
    key = makeKey(expression);
    keys.set(expression, key);
  }
  return key;
}

function typeKey(expression: Expression): string {
  const { type } = expression;
  return type.kind === 'decimal' ? `d${type.precision}.${type.scale}` : type.kind;
}

function makeKey(expression: Expression): string {
  switch (expression.kind) {
    case 'column':
      return `#${expression.column.id}`;
    case 'parameter':
      return `$${expression.index}:${typeKey(expression)}`;
    case 'constant': {
      const { value } = expression;
      const text =
        typeof value === 'object' && value !== null
          ? JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}` : v))
          : typeof value === 'string'
            ? JSON.stringify(value)
            : `${value}`;
      return `${text}:${typeKey(expression)}`;
    }
    case 'call':
      return `${expression.name}:${typeKey(expression)}(${expression.args.map(expressionKey)})`;
    case 'cast':
      return `cast:${expression.try}${typeKey(expression)}(${expressionKey(expression.input)})`;
    case 'case': {
      const branches = expression.branches.map(
        (branch) => `${expressionKey(branch.when)}?${expressionKey(branch.then)}`,
      );
      return `case(${branches.join()}:${expressionKey(expression.otherwise)})`;
    }
    case 'inList':
      return `in(${expressionKey(expression.input)};${expression.list.map(expressionKey)})`;
    case 'subquery':
      assert(false, 'subqueries are gone before compilation');
  }
}
