import { type EncodeOptions, encodeModule } from './encode.ts';
import { Func, Global, type ImportName, initializer, Memory, Segment, Table } from './entities.ts';
import { fail, whileBuilding } from './error.ts';
import type { Expr, Operand } from './expr.ts';
import { FunctionBuilder, type Params } from './function.ts';
import { printModule } from './print.ts';
import type { Suspension } from './suspension.ts';
import type { FuncType, Limits, ValueType } from './types.ts';

/** What can be imported and exported. */
export type Entity = Func | Table | Memory | Global;

/** Functions placed into a table at the start. */
export interface Elements {
  readonly table: Table;
  readonly offset: Expr;
  readonly funcs: readonly Func[];
}

/** A module as the writers see it. */
export interface ModuleContents {
  readonly name: string | undefined;
  readonly memory: Memory | undefined;
  readonly funcs: readonly Func[];
  readonly tables: readonly Table[];
  readonly globals: readonly Global[];
  readonly segments: readonly Segment[];
  readonly elements: readonly Elements[];
  /** By the name of the export. */
  readonly exports: ReadonlyMap<string, Entity>;
  readonly start: Func | undefined;
}

/** The signature of a function, and whether it is exported, under its own or another name. */
export interface FuncOptions<P extends Params = Params> {
  readonly params?: P;
  readonly results?: readonly ValueType[];
  readonly export?: boolean | string;
  /**
   * Whether it may be suspended at its checkpoints, and those of functions it calls; without effect
   * if the module has no {@link ModuleBuilder.suspension}.
   */
  readonly suspendable?: boolean;
}

/** The size of a memory in pages of 64 KiB. A shared one needs a maximum. */
export interface MemoryOptions extends Limits {
  readonly shared?: boolean;
  readonly export?: string;
}

/** A function whose body is still to come. */
export interface Declared<P extends Params = Params> extends Func {
  /** Builds the body; once. */
  define(build: (f: FunctionBuilder<P>) => void): this;
}

class DeclaredFunc<P extends Params> extends Func implements Declared<P> {
  readonly #params: P;

  constructor(
    name: string,
    params: P,
    results: readonly ValueType[],
    suspension: Suspension | undefined,
  ) {
    super(name, { params: Object.values(params), results }, undefined, suspension);
    this.#params = params;
  }

  define(build: (f: FunctionBuilder<P>) => void): this {
    if (this.body !== undefined) fail('is defined twice', this);
    const builder = new FunctionBuilder(this, this.#params);
    whileBuilding(this, () => {
      build(builder);
      this.body = builder.finish();
    });
    return this;
  }
}

/** Builds a module; {@link toBytes} writes it in the binary format. */
export class ModuleBuilder implements ModuleContents {
  readonly name: string | undefined;
  readonly funcs: Func[] = [];
  readonly tables: Table[] = [];
  readonly globals: Global[] = [];
  readonly segments: Segment[] = [];
  readonly elements: Elements[] = [];
  readonly exports = new Map<string, Entity>();
  start: Func | undefined;
  /** To be set before the first function that is suspendable. */
  suspension: Suspension | undefined;
  #memory: Memory | undefined;
  readonly #names = new Set<string>();

  constructor(options: { readonly name?: string } = {}) {
    this.name = options.name;
  }

  get memory(): Memory | undefined {
    return this.#memory;
  }

  #uniqueName(name: string): string {
    let unique = name;
    for (let i = 1; this.#names.has(unique); i++) unique = `${name}.${i}`;
    this.#names.add(unique);
    return unique;
  }

  #setMemory(options: MemoryOptions, imported: ImportName | undefined): Memory {
    if (this.#memory !== undefined) fail('the module has a memory already');
    const shared = options.shared === true;
    if (shared && options.max === undefined) fail('a shared memory needs a maximum');
    checkLimits(options, 65536);
    const memory = new Memory(imported?.name ?? 'memory', options, shared, imported);
    this.#memory = memory;
    if (options.export !== undefined) this.export(options.export, memory);
    return memory;
  }

  /** Declares the memory of the module. */
  defineMemory(options: MemoryOptions): Memory {
    return this.#setMemory(options, undefined);
  }

  /** Imports the memory of the module. */
  importMemory(module: string, name: string, options: MemoryOptions): Memory {
    return this.#setMemory(options, { module, name });
  }

  /** Imports a function; it is known as `module.name` here. */
  importFunc(
    module: string,
    name: string,
    params: readonly ValueType[],
    results: readonly ValueType[],
  ): Func {
    const type: FuncType = { params, results };
    const func = new Func(this.#uniqueName(`${module}.${name}`), type, { module, name });
    this.funcs.push(func);
    return func;
  }

  /** Declares a function to be defined later, so that others can call it now. */
  declare<const P extends Params = Record<never, never>>(
    name: string,
    options: FuncOptions<P> = {},
  ): Declared<P> {
    const params = options.params ?? ({} as P);
    const suspension = options.suspendable === true ? this.suspension : undefined;
    const unique = this.#uniqueName(name);
    const func = new DeclaredFunc(unique, params, options.results ?? [], suspension);
    this.funcs.push(func);
    if (options.export) this.export(options.export === true ? name : options.export, func);
    return func;
  }

  /** Defines a function: `build` appends the statements of its body. */
  func<const P extends Params = Record<never, never>>(
    name: string,
    options: FuncOptions<P>,
    build: (f: FunctionBuilder<P>) => void,
  ): Func {
    return this.declare(name, options).define(build);
  }

  /** Declares a global variable that starts with the constant `init`. */
  global(name: string, type: ValueType, mutable: boolean, init: Operand): Global {
    const what = `the initial value of $${name}`;
    const value = initializer(init, type, what);
    const global = new Global(this.#uniqueName(name), type, mutable, value);
    this.globals.push(global);
    return global;
  }

  importGlobal(module: string, name: string, type: ValueType, mutable = false): Global {
    const unique = this.#uniqueName(`${module}.${name}`);
    const global = new Global(unique, type, mutable, undefined, { module, name });
    this.globals.push(global);
    return global;
  }

  /** Declares a table of references. */
  table(name: string, limits: Limits, type: 'funcref' | 'externref' = 'funcref'): Table {
    checkLimits(limits, 0xffffffff);
    const table = new Table(this.#uniqueName(name), type, limits, undefined);
    this.tables.push(table);
    return table;
  }

  importTable(
    module: string,
    name: string,
    limits: Limits,
    type: 'funcref' | 'externref' = 'funcref',
  ): Table {
    checkLimits(limits, 0xffffffff);
    const unique = this.#uniqueName(`${module}.${name}`);
    const table = new Table(unique, type, limits, { module, name });
    this.tables.push(table);
    return table;
  }

  /** Places functions into a table from element `offset` on when the module is instantiated. */
  placeFuncs(table: Table, offset: Operand, funcs: readonly Func[]): void {
    if (table.type !== 'funcref') fail(`table $${table.name} holds no functions`);
    const start = initializer(offset, 'i32', 'the offset of elements');
    this.elements.push({ table, offset: start, funcs });
  }

  /** Places bytes into memory at address `offset` when the module is instantiated. */
  data(offset: Operand, bytes: Uint8Array): Segment {
    if (this.#memory === undefined) fail('data needs a memory, and the module has none');
    return this.#segment(bytes, initializer(offset, 'i32', 'the offset of data'));
  }

  /** Bytes that `segment.init` copies to memory when asked. */
  passiveData(bytes: Uint8Array): Segment {
    return this.#segment(bytes, undefined);
  }

  #segment(bytes: Uint8Array, offset: Expr | undefined): Segment {
    const segment = new Segment(`data${this.segments.length}`, bytes, offset);
    this.segments.push(segment);
    return segment;
  }

  export(name: string, entity: Entity): void {
    if (this.exports.has(name)) fail(`the name '${name}' is exported twice`);
    this.exports.set(name, entity);
  }

  /** The function that runs when the module is instantiated; it takes and leaves nothing. */
  setStart(func: Func): void {
    if (func.type.params.length + func.type.results.length > 0) {
      fail('the start function takes and leaves nothing', func);
    }
    this.start = func;
  }

  /** The module in the binary format. */
  toBytes(options: EncodeOptions = {}): Uint8Array<ArrayBuffer> {
    return encodeModule(this, options);
  }

  /** The module in the text format. */
  toText(): string {
    return printModule(this);
  }
}

function checkLimits({ min, max }: Limits, bound: number): void {
  const valid = Number.isInteger(min) && min >= 0 && min <= bound;
  const bounded = max === undefined || (Number.isInteger(max) && max >= min && max <= bound);
  if (!valid || !bounded) fail(`the limits [${min}, ${max}] are not within [0, ${bound}]`);
}
