import type { Func, Global, Label, Local, Segment, Table } from './entities.ts';
import type { MemoryOp, Op } from './opcodes.ts';
import type { FuncType, ValueType } from './types.ts';

export type BlockKind = 'block' | 'loop' | 'if';

/**
 * Where nodes write themselves, instruction after instruction in the order of execution. The binary
 * writer and the printer are the two implementations.
 */
export interface Sink {
  op(op: Op): void;
  memoryOp(op: MemoryOp, offset: number, alignBytes: number): void;
  /** A load or store of one lane of a vector. */
  memoryLaneOp(op: MemoryOp, offset: number, alignBytes: number, lane: number): void;
  laneOp(op: Op, lane: number): void;
  shuffle(lanes: Uint8Array): void;
  constant(type: ValueType, value: number | bigint): void;
  vectorConstant(bytes: Uint8Array): void;
  localGet(local: Local): void;
  localSet(local: Local): void;
  localTee(local: Local): void;
  globalGet(global: Global): void;
  globalSet(global: Global): void;
  drop(): void;
  call(func: Func): void;
  returnCall(func: Func): void;
  callIndirect(table: Table, type: FuncType): void;
  refNull(type: 'funcref' | 'externref'): void;
  refIsNull(): void;
  refFunc(func: Func): void;
  tableGet(table: Table): void;
  tableSet(table: Table): void;
  tableSize(table: Table): void;
  memoryInit(segment: Segment): void;
  dataDrop(segment: Segment): void;
  begin(kind: BlockKind, label: Label): void;
  else(): void;
  end(): void;
  br(label: Label): void;
  brIf(label: Label): void;
  brTable(labels: readonly Label[], fallback: Label): void;
  return(): void;
  unreachable(): void;
}
