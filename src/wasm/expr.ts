import { fail, type Owner } from './error.ts';
import type { MemoryOp, Op } from './opcodes.ts';
import type { Sink } from './sink.ts';
import { printNode } from './text-sink.ts';
import type { ValueType } from './types.ts';

/**
 * Something that writes instructions: an expression, an effect or a statement. Thousands are made
 * for one query; their fields are declared, not defined, because constructing one then takes half
 * as long.
 */
export abstract class Node {
  /** The function whose locals occur below this node; undefined if none do. */
  declare readonly owner: Owner | undefined;

  constructor(owner: Owner | undefined) {
    this.owner = owner;
  }

  abstract emit(sink: Sink): void;

  /** The node in the text format. */
  toString(): string {
    return printNode(this);
  }
}

/**
 * An instruction tree that leaves one value. Nodes are immutable; one that stands in two places is
 * evaluated twice, each time with what its locals hold there.
 */
export abstract class Expr extends Node {
  declare readonly type: ValueType;

  constructor(type: ValueType, owner: Owner | undefined) {
    super(owner);
    this.type = type;
  }
}

/** An instruction tree that leaves no value; `FunctionBuilder.do` appends it as a statement. */
export abstract class Effect extends Node {
  readonly leavesNothing = true;
}

/**
 * What constructors take: an expression, or a JavaScript number as a constant of the type that is
 * expected there. 64-bit integers may also be given as bigint, and vectors not at all.
 */
export type Operand = Expr | number | bigint;

export class Const extends Expr {
  declare readonly value: number | bigint;

  constructor(type: ValueType, value: number | bigint) {
    super(type, undefined);
    this.value = value;
  }

  override emit(sink: Sink): void {
    sink.constant(this.type, this.value);
  }
}

/** A constant of type `type`, checked to be in its range (signed or unsigned for integers). */
export function constant(type: ValueType, value: number | bigint): Const {
  if (type === 'i32') {
    if (typeof value === 'number' && Number.isInteger(value)) {
      if (value >= -0x80000000 && value <= 0xffffffff) return new Const(type, value);
    }
    return fail(`i32.const takes an integer in [-2^31, 2^32), not ${show(value)}`);
  }
  if (type === 'i64') {
    if (typeof value === 'number') {
      if (Number.isSafeInteger(value)) return new Const(type, value);
    } else if (BigInt.asIntN(64, value) === value || BigInt.asUintN(64, value) === value) {
      return new Const(type, value);
    }
    return fail(`i64.const takes a bigint or safe integer in [-2^63, 2^64), not ${show(value)}`);
  }
  if ((type === 'f32' || type === 'f64') && typeof value === 'number') {
    return new Const(type, value);
  }
  return fail(`${show(value)} is no constant of type ${type}`);
}

/** A value in an error message. */
export function show(value: unknown): string {
  if (value instanceof Node) return String(value);
  if (value === undefined) return 'nothing';
  return typeof value === 'bigint' ? `${value}n` : String(value);
}

/**
 * `value` as an expression of type `type`. `describe` names the place for the error message; it
 * runs only when there is one.
 */
export function operand(value: Operand, type: ValueType, describe: () => string): Expr {
  if (value instanceof Expr) {
    if (value.type === type) return value;
    return fail(`${describe()} must be ${type}, is ${value.type}`, value.owner, show(value));
  }
  if (typeof value === 'number' || typeof value === 'bigint') return constant(type, value);
  return fail(`${describe()} must be an expression of type ${type}, is ${show(value)}`);
}

/** The one function whose locals occur in either of two nodes. */
export function commonOwner(a: Owner | undefined, b: Owner | undefined): Owner | undefined {
  if (a === b || b === undefined) return a;
  if (a === undefined) return b;
  return fail(`an expression uses locals of two functions, $${a.name} and $${b.name}`);
}

/** As {@link commonOwner}, of many nodes. */
export function ownerOf(nodes: readonly Node[]): Owner | undefined {
  let owner: Owner | undefined;
  for (const node of nodes) owner = commonOwner(owner, node.owner);
  return owner;
}

function wrongOperand(op: Op, values: readonly Operand[], index: number): never {
  const value = values[index];
  const owner = ownerOf(values.filter((value) => value instanceof Expr));
  const expected = op.params[index];
  const shown = `(${op.mnemonic}${values.map((value) => ` ${show(value)}`).join('')})`;
  const actual = value instanceof Expr ? value.type : show(value);
  const name = op.params.length === 1 ? 'the operand' : `operand ${index + 1}`;
  return fail(`${name} of ${op.mnemonic} must be ${expected}, is ${actual}`, owner, shown);
}

/**
 * Checks the operands of `op` and puts constants where plain numbers are, in place: constructors
 * hand over an array of their own.
 */
export function operandsOf(op: Op, values: Operand[]): Expr[] {
  const { params } = op;
  if (values.length !== params.length) {
    fail(`${op.mnemonic} takes ${params.length} operands, not ${values.length}`);
  }
  for (let i = 0; i < params.length; i++) {
    const value = values[i];
    if (value instanceof Expr) {
      if (value.type !== params[i]) wrongOperand(op, values, i);
    } else if (typeof value === 'number' || typeof value === 'bigint') {
      values[i] = constant(params[i], value);
    } else {
      wrongOperand(op, values, i);
    }
  }
  return values as Expr[];
}

/** An instruction applied to its operands. */
export class Apply extends Expr {
  declare readonly op: Op;
  declare readonly operands: readonly Expr[];

  constructor(op: Op, values: Operand[]) {
    const operands = operandsOf(op, values);
    super(op.result!, ownerOf(operands));
    this.op = op;
    this.operands = operands;
  }

  override emit(sink: Sink): void {
    for (const operand of this.operands) operand.emit(sink);
    sink.op(this.op);
  }
}

/** An instruction that leaves no value, applied to its operands. */
export class ApplyEffect extends Effect {
  declare readonly op: Op;
  declare readonly operands: readonly Expr[];

  constructor(op: Op, values: Operand[]) {
    const operands = operandsOf(op, values);
    super(ownerOf(operands));
    this.op = op;
    this.operands = operands;
  }

  override emit(sink: Sink): void {
    for (const operand of this.operands) operand.emit(sink);
    sink.op(this.op);
  }
}

/** Offset and alignment of a memory access, and the lane of a vector where one is accessed. */
export interface Access {
  readonly offset: number;
  readonly alignBytes: number;
  readonly lane: number | undefined;
}

/** Checks the constants of a memory access; the natural alignment is the default. */
export function access(op: MemoryOp, offset = 0, align = op.width, lane?: number): Access {
  if (!Number.isInteger(offset) || offset < 0 || offset > 0xffffffff) {
    fail(`the offset of ${op.mnemonic} must be an integer in [0, 2^32), is ${offset}`);
  }
  const power = align > 0 && Number.isInteger(Math.log2(align));
  if (!power || align > op.width || (op.atomic && align !== op.width)) {
    const allowed = op.atomic ? `${op.width}` : `a power of two up to ${op.width}`;
    fail(`the alignment of ${op.mnemonic} must be ${allowed}, is ${align}`);
  }
  if (lane !== undefined) checkLane(op, lane, 16 / op.width);
  return { offset, alignBytes: align, lane };
}

/** Throws unless `lane` is in [0, count). */
export function checkLane(op: Op, lane: number, count: number): void {
  if (Number.isInteger(lane) && lane >= 0 && lane < count) return;
  fail(`the lane of ${op.mnemonic} must be an integer in [0, ${count}), is ${lane}`);
}

function emitAccess(sink: Sink, op: MemoryOp, { offset, alignBytes, lane }: Access): void {
  if (lane === undefined) sink.memoryOp(op, offset, alignBytes);
  else sink.memoryLaneOp(op, offset, alignBytes, lane);
}

/** A read of memory, or an atomic update that answers the old value. */
export class MemoryRead extends Expr {
  declare readonly op: MemoryOp;
  declare readonly operands: readonly Expr[];
  declare readonly access: Access;

  constructor(op: MemoryOp, values: Operand[], where: Access) {
    const operands = operandsOf(op, values);
    super(op.result!, ownerOf(operands));
    this.op = op;
    this.operands = operands;
    this.access = where;
  }

  override emit(sink: Sink): void {
    for (const operand of this.operands) operand.emit(sink);
    emitAccess(sink, this.op, this.access);
  }
}

/** A write to memory. */
export class MemoryWrite extends Effect {
  declare readonly op: MemoryOp;
  declare readonly operands: readonly Expr[];
  declare readonly access: Access;

  constructor(op: MemoryOp, values: Operand[], where: Access) {
    const operands = operandsOf(op, values);
    super(ownerOf(operands));
    this.op = op;
    this.operands = operands;
    this.access = where;
  }

  override emit(sink: Sink): void {
    for (const operand of this.operands) operand.emit(sink);
    emitAccess(sink, this.op, this.access);
  }
}

/** An instruction with the number of a lane. */
export class LaneApply extends Expr {
  declare readonly op: Op;
  declare readonly operands: readonly Expr[];
  declare readonly lane: number;

  constructor(op: Op, values: Operand[], lane: number, laneCount: number) {
    const operands = operandsOf(op, values);
    super(op.result!, ownerOf(operands));
    checkLane(op, lane, laneCount);
    this.op = op;
    this.operands = operands;
    this.lane = lane;
  }

  override emit(sink: Sink): void {
    for (const operand of this.operands) operand.emit(sink);
    sink.laneOp(this.op, this.lane);
  }
}
