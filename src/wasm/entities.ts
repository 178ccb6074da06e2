import { fail, type Owner } from './error.ts';
import { constant, Effect, Expr, Node, type Operand, operand, ownerOf } from './expr.ts';
import type { FunctionBody } from './function.ts';
import type { Sink } from './sink.ts';
import type { Suspension } from './suspension.ts';
import type { FuncType, Limits, ValueType } from './types.ts';

/** Where an imported entity comes from. */
export interface ImportName {
  readonly module: string;
  readonly name: string;
}

/**
 * A local variable or parameter of one function. As an expression it reads itself where it stands.
 */
export class Local extends Expr {
  declare readonly name: string;
  /** Position among the locals of its function, set when the function is written. */
  index: number;

  constructor(owner: Owner, type: ValueType, name: string, index: number) {
    super(type, owner);
    this.name = name;
    this.index = index;
  }

  override emit(sink: Sink): void {
    sink.localGet(this);
  }
}

/** A global variable. As an expression it reads itself where it stands. */
export class Global extends Expr {
  declare readonly name: string;
  declare readonly mutable: boolean;
  declare readonly imported: ImportName | undefined;
  /** The constant it starts with; undefined if it is imported. */
  declare readonly init: Expr | undefined;
  index = -1;

  constructor(
    name: string,
    type: ValueType,
    mutable: boolean,
    init: Expr | undefined,
    imported?: ImportName,
  ) {
    super(type, undefined);
    this.name = name;
    this.mutable = mutable;
    this.init = init;
    this.imported = imported;
  }

  override emit(sink: Sink): void {
    sink.globalGet(this);
  }
}

/** A linear memory; a module has at most one. */
export class Memory {
  readonly name: string;
  /** In pages of 64 KiB. */
  readonly limits: Limits;
  readonly shared: boolean;
  readonly imported: ImportName | undefined;

  constructor(name: string, limits: Limits, shared: boolean, imported?: ImportName) {
    this.name = name;
    this.limits = limits;
    this.shared = shared;
    this.imported = imported;
  }
}

/** A table of references. */
export class Table {
  readonly name: string;
  readonly type: 'funcref' | 'externref';
  readonly limits: Limits;
  readonly imported: ImportName | undefined;
  index = -1;

  constructor(
    name: string,
    type: 'funcref' | 'externref',
    limits: Limits,
    imported: ImportName | undefined,
  ) {
    this.name = name;
    this.type = type;
    this.limits = limits;
    this.imported = imported;
  }

  /** Reads element `index`. */
  get(index: Operand): Expr {
    return new TableGet(
      this,
      operand(index, 'i32', () => 'the index of table.get'),
    );
  }

  /** Writes element `index`. */
  set(index: Operand, value: Expr): Effect {
    return new TableSet(
      this,
      operand(index, 'i32', () => 'the index of table.set'),
      operand(value, this.type, () => 'the value of table.set'),
    );
  }

  /** The current number of elements. */
  size(): Expr {
    return new TableSize(this);
  }

  /** Calls the function at `index`, which must have signature `type` and one result. */
  call(type: FuncType, index: Operand, ...args: Operand[]): Expr {
    if (type.results.length !== 1) {
      fail(`a call of table $${this.name} as an expression needs a type with one result`);
    }
    return new CallExpr(type.results[0], new IndirectCall(this, type, args, index));
  }

  /** As {@link call}, for any number of results: give it to `f.call` or `f.setMulti`. */
  callMulti(type: FuncType, index: Operand, ...args: Operand[]): MultiExpr {
    return new IndirectCall(this, type, args, index);
  }
}

/** An instruction tree that leaves any number of values. */
export abstract class MultiExpr extends Node {
  declare readonly results: readonly ValueType[];

  constructor(results: readonly ValueType[], owner: Owner | undefined) {
    super(owner);
    this.results = results;
  }
}

/** A function: imported, or defined now or later. */
export class Func {
  readonly name: string;
  readonly type: FuncType;
  readonly imported: ImportName | undefined;
  /** Undefined until it is defined, and always for an import. */
  body: FunctionBody | undefined;
  index = -1;
  /** Whether a `ref.func` names it, which must be declared in the module. */
  referenced = false;
  /** Present if the function may be suspended. */
  readonly suspension: Suspension | undefined;

  constructor(
    name: string,
    type: FuncType,
    imported: ImportName | undefined,
    suspension?: Suspension,
  ) {
    this.name = name;
    this.type = type;
    this.imported = imported;
    this.suspension = suspension;
  }

  /** A call of this function, which must have exactly one result. */
  call(...args: Operand[]): Expr {
    if (this.type.results.length !== 1) {
      const count = this.type.results.length;
      fail(`$${this.name} has ${count} results: use f.call, or callMulti with f.setMulti`);
    }
    if (this.suspension !== undefined) {
      fail(`$${this.name} may be suspended: use f.call, or callMulti with f.setMulti`);
    }
    return new CallExpr(this.type.results[0], new DirectCall(this, args));
  }

  /** A call with any number of results: give it to `f.setMulti`, `f.return` or `f.do`. */
  callMulti(...args: Operand[]): MultiExpr {
    return new DirectCall(this, args);
  }

  /** A reference to this function, for tables. */
  ref(): Expr {
    this.referenced = true;
    return new RefFunc(this);
  }
}

/** A stretch of bytes of the module: copied to memory at the start, or when `memory.init` asks. */
export class Segment {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Where an active segment goes; undefined for a passive one. */
  readonly offset: Expr | undefined;
  index = -1;

  constructor(name: string, bytes: Uint8Array, offset: Expr | undefined) {
    this.name = name;
    this.bytes = bytes;
    this.offset = offset;
  }

  /** Copies `length` bytes from `from` in the segment to address `to`. */
  init(to: Operand, from: Operand, length: Operand): Effect {
    return new MemoryInit(this, to, from, length);
  }

  /** Gives the bytes of a passive segment free. */
  drop(): Effect {
    return new DataDrop(this);
  }
}

/** The target of branches: the end of a block or `if`, the start of a loop. */
export class Label {
  readonly id: number;
  /** Types of the values a branch carries. */
  readonly types: readonly ValueType[];
  /** What the block itself leaves; for a loop this differs from what a branch carries. */
  readonly results: readonly ValueType[];
  /** Whether any branch goes here. */
  targeted = false;
  /** Nesting depth while its block is being written, -1 outside. */
  depth = -1;

  constructor(id: number, types: readonly ValueType[], results: readonly ValueType[]) {
    this.id = id;
    this.types = types;
    this.results = results;
  }
}

function callArguments(name: string, type: FuncType, args: readonly Operand[]): Expr[] {
  const { params } = type;
  if (args.length !== params.length) {
    fail(`${name} takes ${params.length} arguments (${params.join(', ')}), not ${args.length}`);
  }
  return args.map((arg, i) => operand(arg, params[i], () => `argument ${i + 1} of ${name}`));
}

export class DirectCall extends MultiExpr {
  declare readonly func: Func;
  declare readonly args: readonly Expr[];

  constructor(func: Func, values: readonly Operand[]) {
    const args = callArguments(`$${func.name}`, func.type, values);
    super(func.type.results, ownerOf(args));
    this.func = func;
    this.args = args;
  }

  override emit(sink: Sink): void {
    for (const arg of this.args) arg.emit(sink);
    sink.call(this.func);
  }
}

class IndirectCall extends MultiExpr {
  declare readonly table: Table;
  declare readonly type: FuncType;
  /** The arguments, then the index into the table. */
  declare readonly operands: readonly Expr[];

  constructor(table: Table, type: FuncType, values: readonly Operand[], index: Operand) {
    const name = `an element of table $${table.name}`;
    const args = callArguments(name, type, values);
    const operands = [...args, operand(index, 'i32', () => `the index of ${name}`)];
    if (table.type !== 'funcref') fail(`table $${table.name} holds no functions`);
    super(type.results, ownerOf(operands));
    this.table = table;
    this.type = type;
    this.operands = operands;
  }

  override emit(sink: Sink): void {
    for (const operand of this.operands) operand.emit(sink);
    sink.callIndirect(this.table, this.type);
  }
}

class CallExpr extends Expr {
  declare readonly call: MultiExpr;

  constructor(type: ValueType, call: MultiExpr) {
    super(type, call.owner);
    this.call = call;
  }

  override emit(sink: Sink): void {
    this.call.emit(sink);
  }
}

class RefFunc extends Expr {
  declare readonly func: Func;

  constructor(func: Func) {
    super('funcref', undefined);
    this.func = func;
  }

  override emit(sink: Sink): void {
    sink.refFunc(this.func);
  }
}

class TableGet extends Expr {
  declare readonly table: Table;
  declare readonly index: Expr;

  constructor(table: Table, index: Expr) {
    super(table.type, index.owner);
    this.table = table;
    this.index = index;
  }

  override emit(sink: Sink): void {
    this.index.emit(sink);
    sink.tableGet(this.table);
  }
}

class TableSet extends Effect {
  declare readonly table: Table;
  declare readonly index: Expr;
  declare readonly value: Expr;

  constructor(table: Table, index: Expr, value: Expr) {
    super(ownerOf([index, value]));
    this.table = table;
    this.index = index;
    this.value = value;
  }

  override emit(sink: Sink): void {
    this.index.emit(sink);
    this.value.emit(sink);
    sink.tableSet(this.table);
  }
}

class TableSize extends Expr {
  declare readonly table: Table;

  constructor(table: Table) {
    super('i32', undefined);
    this.table = table;
  }

  override emit(sink: Sink): void {
    sink.tableSize(this.table);
  }
}

class MemoryInit extends Effect {
  declare readonly segment: Segment;
  declare readonly operands: readonly Expr[];

  constructor(segment: Segment, ...values: readonly Operand[]) {
    const names = ['destination', 'source', 'length'];
    const operands = values.map((value, i) =>
      operand(value, 'i32', () => `the ${names[i]} of memory.init`),
    );
    super(ownerOf(operands));
    this.segment = segment;
    this.operands = operands;
  }

  override emit(sink: Sink): void {
    for (const operand of this.operands) operand.emit(sink);
    sink.memoryInit(this.segment);
  }
}

class DataDrop extends Effect {
  declare readonly segment: Segment;

  constructor(segment: Segment) {
    super(undefined);
    this.segment = segment;
  }

  override emit(sink: Sink): void {
    sink.dataDrop(this.segment);
  }
}

/** The constant a global or segment starts with. */
export function initializer(value: Operand, type: ValueType, what: string): Expr {
  if (typeof value !== 'object') return constant(type, value);
  return operand(value, type, () => what);
}
