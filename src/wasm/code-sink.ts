/** Writes instructions in the binary format. */
import type { ByteWriter } from './byte-writer.ts';
import type { Func, Global, Label, Local, Segment, Table } from './entities.ts';
import { fail, whileBuilding } from './error.ts';
import type { Expr } from './expr.ts';
import { groupByType } from './layout.ts';
import type { MemoryOp, Op } from './opcodes.ts';
import type { BlockKind, Sink } from './sink.ts';
import { type FuncType, signatureKey, type ValueType, valueTypeCode } from './types.ts';

const blockCode: Readonly<Record<BlockKind, number>> = { block: 0x02, loop: 0x03, if: 0x04 };
const emptyBlock = 0x40;
const endCode = 0x0b;

/** The signatures of a module, each once, in order of first use. */
export class TypeTable {
  readonly types: FuncType[] = [];
  readonly #indexes = new Map<string, number>();

  indexOf(type: FuncType): number {
    const key = signatureKey(type);
    let index = this.#indexes.get(key);
    if (index === undefined) {
      index = this.types.length;
      this.types.push(type);
      this.#indexes.set(key, index);
    }
    return index;
  }
}

/** Writes the instructions of functions and initializers. */
export class CodeSink implements Sink {
  readonly out: ByteWriter;
  readonly #types: TypeTable;
  readonly #hasMemory: boolean;
  /** The blocks around the place being written, outermost first. */
  readonly #open: Label[] = [];

  constructor(out: ByteWriter, types: TypeTable, hasMemory: boolean) {
    this.out = out;
    this.#types = types;
    this.#hasMemory = hasMemory;
  }

  op(op: Op): void {
    const { out } = this;
    if (op.prefix === 0) {
      out.byte(op.code);
    } else {
      out.byte(op.prefix);
      out.unsigned(op.code);
    }
    for (let i = 0; i < op.zeros; i++) out.byte(0);
  }

  memoryOp(op: MemoryOp, offset: number, alignBytes: number): void {
    if (!this.#hasMemory) fail(`${op.mnemonic} needs a memory, and the module has none`);
    this.op(op);
    this.out.byte(31 - Math.clz32(alignBytes));
    this.out.unsigned(offset);
  }

  memoryLaneOp(op: MemoryOp, offset: number, alignBytes: number, lane: number): void {
    this.memoryOp(op, offset, alignBytes);
    this.out.byte(lane);
  }

  laneOp(op: Op, lane: number): void {
    this.op(op);
    this.out.byte(lane);
  }

  shuffle(lanes: Uint8Array): void {
    this.out.byte(0xfd);
    this.out.byte(0x0d);
    this.out.raw(lanes);
  }

  constant(type: ValueType, value: number | bigint): void {
    const { out } = this;
    if (type === 'i32') {
      out.byte(0x41);
      out.signed32(Number(value));
    } else if (type === 'i64') {
      out.byte(0x42);
      if (typeof value === 'bigint') out.signed64(value);
      else if (value === (value | 0)) out.signed32(value);
      else out.signed64(BigInt(value));
    } else if (type === 'f32') {
      out.byte(0x43);
      out.float32(Number(value));
    } else {
      out.byte(0x44);
      out.float64(Number(value));
    }
  }

  vectorConstant(bytes: Uint8Array): void {
    this.out.byte(0xfd);
    this.out.byte(0x0c);
    this.out.raw(bytes);
  }

  #indexed(code: number, index: number): void {
    this.out.byte(code);
    this.out.unsigned(index);
  }

  localGet(local: Local): void {
    this.#indexed(0x20, local.index);
  }

  localSet(local: Local): void {
    this.#indexed(0x21, local.index);
  }

  localTee(local: Local): void {
    this.#indexed(0x22, local.index);
  }

  globalGet(global: Global): void {
    this.#indexed(0x23, global.index);
  }

  globalSet(global: Global): void {
    this.#indexed(0x24, global.index);
  }

  drop(): void {
    this.out.byte(0x1a);
  }

  call(func: Func): void {
    this.#indexed(0x10, func.index);
  }

  returnCall(func: Func): void {
    this.#indexed(0x12, func.index);
  }

  callIndirect(table: Table, type: FuncType): void {
    this.#indexed(0x11, this.#types.indexOf(type));
    this.out.unsigned(table.index);
  }

  refNull(type: 'funcref' | 'externref'): void {
    this.#indexed(0xd0, valueTypeCode[type]);
  }

  refIsNull(): void {
    this.out.byte(0xd1);
  }

  refFunc(func: Func): void {
    this.#indexed(0xd2, func.index);
  }

  tableGet(table: Table): void {
    this.#indexed(0x25, table.index);
  }

  tableSet(table: Table): void {
    this.#indexed(0x26, table.index);
  }

  tableSize(table: Table): void {
    this.out.byte(0xfc);
    this.#indexed(16, table.index);
  }

  memoryInit(segment: Segment): void {
    this.out.byte(0xfc);
    this.#indexed(8, segment.index);
    this.out.byte(0);
  }

  dataDrop(segment: Segment): void {
    this.out.byte(0xfc);
    this.#indexed(9, segment.index);
  }

  begin(kind: BlockKind, label: Label): void {
    this.out.byte(blockCode[kind]);
    const { results } = label;
    if (results.length === 0) this.out.byte(emptyBlock);
    else if (results.length === 1) this.out.byte(valueTypeCode[results[0]]);
    else this.out.signed32(this.#types.indexOf({ params: [], results }));
    label.depth = this.#open.length;
    this.#open.push(label);
  }

  else(): void {
    this.out.byte(0x05);
  }

  end(): void {
    this.out.byte(endCode);
    this.#open.pop()!.depth = -1;
  }

  #branchDepth(label: Label): number {
    if (label.depth < 0) fail('a branch leaves for a block that it is not in');
    return this.#open.length - 1 - label.depth;
  }

  br(label: Label): void {
    this.#indexed(0x0c, this.#branchDepth(label));
  }

  brIf(label: Label): void {
    this.#indexed(0x0d, this.#branchDepth(label));
  }

  brTable(labels: readonly Label[], fallback: Label): void {
    this.#indexed(0x0e, labels.length);
    for (const label of labels) this.out.unsigned(this.#branchDepth(label));
    this.out.unsigned(this.#branchDepth(fallback));
  }

  return(): void {
    this.out.byte(0x0f);
  }

  unreachable(): void {
    this.out.byte(0x00);
  }

  /** A constant expression, as globals and segments have it. */
  initializer(expr: Expr): void {
    expr.emit(this);
    this.out.byte(endCode);
  }

  func(func: Func): void {
    const { out } = this;
    const { params, locals, statements } = func.body!;
    const start = out.beginSized();
    const byType = groupByType(locals);
    out.unsigned(byType.length);
    let index = params.length;
    for (const group of byType) {
      out.unsigned(group.length);
      out.byte(valueTypeCode[group[0].type]);
      for (const local of group) local.index = index++;
    }
    whileBuilding(func, () => statements.emit(this));
    out.byte(endCode);
    out.endSized(start);
  }
}
