/**
 * Turns tables of instructions into namespaces of functions that build nodes: `lt_u` → `ltU(a, b)`.
 */
import {
  Apply,
  ApplyEffect,
  access,
  type Effect,
  type Expr,
  LaneApply,
  MemoryRead,
  MemoryWrite,
  type Operand,
} from './expr.ts';
import type { MemoryOp, Op } from './opcodes.ts';

/** The name of a constructor: that of the instruction in camel case. */
type Camel<S extends string> = S extends `${infer A}_${infer B}`
  ? `${A}${Capitalize<Camel<B>>}`
  : S extends `${infer A}.${infer B}`
    ? `${A}${Capitalize<Camel<B>>}`
    : S;

function camel(name: string): string {
  return name.replace(/[_.](.)/g, (_, letter: string) => letter.toUpperCase());
}

type Constructor<P extends readonly unknown[], R> = P['length'] extends 0
  ? () => R
  : P['length'] extends 1
    ? (value: Operand) => R
    : P['length'] extends 2
      ? (left: Operand, right: Operand) => R
      : (first: Operand, second: Operand, third: Operand) => R;

/** `offset` in bytes is added to the address; `align` in bytes is a promise, natural by default. */
type Load = (address: Operand, offset?: number, align?: number) => Expr;
type Store = (address: Operand, value: Operand, offset?: number, align?: number) => Effect;
type Update = (address: Operand, value: Operand, offset?: number) => Expr;
type Exchange = (
  address: Operand,
  expected: Operand,
  replacement: Operand,
  offset?: number,
) => Expr;

type Table<O> = Readonly<Record<string, O>>;
type Renamed<T, V> = { readonly [K in keyof T as Camel<K & string>]: V };

function rename<T extends object, V>(table: T, build: (op: T[keyof T]) => V): Renamed<T, V> {
  const entries = Object.entries(table).map(([name, op]) => [camel(name), build(op)]);
  return Object.fromEntries(entries) as Renamed<T, V>;
}

/** Constructors of instructions that leave a value. */
export function expressions<T extends Table<Op>>(
  table: T,
): { readonly [K in keyof T as Camel<K & string>]: Constructor<T[K]['params'], Expr> } {
  const build =
    (op: Op) =>
    (...operands: Operand[]) =>
      new Apply(op, operands);
  return rename(table, build) as never;
}

/** Constructors of instructions that leave none. */
export function effects<T extends Table<Op>>(
  table: T,
): { readonly [K in keyof T as Camel<K & string>]: Constructor<T[K]['params'], Effect> } {
  const build =
    (op: Op) =>
    (...operands: Operand[]) =>
      new ApplyEffect(op, operands);
  return rename(table, build) as never;
}

export function loads<T extends Table<MemoryOp>>(table: T): Renamed<T, Load> {
  return rename(table, (op): Load => {
    return (address, offset, align) => new MemoryRead(op, [address], access(op, offset, align));
  });
}

export function stores<T extends Table<MemoryOp>>(table: T): Renamed<T, Store> {
  return rename(table, (op): Store => {
    return (address, value, offset, align) =>
      new MemoryWrite(op, [address, value], access(op, offset, align));
  });
}

/** Atomic read-modify-write; the answer is the old value. */
export function updates<T extends Table<MemoryOp>>(table: T): Renamed<T, Update> {
  return rename(table, (op): Update => {
    return (address, value, offset) => new MemoryRead(op, [address, value], access(op, offset));
  });
}

/** Atomic compare-and-exchange, and waits, which have the same form. */
export function exchanges<T extends Table<MemoryOp>>(table: T): Renamed<T, Exchange> {
  return rename(table, (op): Exchange => {
    return (address, expected, replacement, offset) =>
      new MemoryRead(op, [address, expected, replacement], access(op, offset));
  });
}

type LaneLoad = (
  address: Operand,
  vector: Operand,
  lane: number,
  offset?: number,
  align?: number,
) => Expr;
type LaneStore = (
  address: Operand,
  vector: Operand,
  lane: number,
  offset?: number,
  align?: number,
) => Effect;

/** Loads of one lane into a vector. */
export function laneLoads<T extends Table<MemoryOp>>(table: T): Renamed<T, LaneLoad> {
  return rename(table, (op): LaneLoad => {
    return (address, vector, lane, offset, align) =>
      new MemoryRead(op, [address, vector], access(op, offset, align, lane));
  });
}

/** Stores of one lane of a vector. */
export function laneStores<T extends Table<MemoryOp>>(table: T): Renamed<T, LaneStore> {
  return rename(table, (op): LaneStore => {
    return (address, vector, lane, offset, align) =>
      new MemoryWrite(op, [address, vector], access(op, offset, align, lane));
  });
}

type LaneExtract = (vector: Operand, lane: number) => Expr;
type LaneReplace = (vector: Operand, lane: number, value: Operand) => Expr;

/** Lanes, of `count` in a vector, to scalars. */
export function laneExtracts<T extends Table<Op>>(
  table: T,
  count: number,
): Renamed<T, LaneExtract> {
  return rename(table, (op): LaneExtract => {
    return (vector, lane) => new LaneApply(op, [vector], lane, count);
  });
}

/** Scalars to lanes, of `count` in a vector. */
export function laneReplaces<T extends Table<Op>>(
  table: T,
  count: number,
): Renamed<T, LaneReplace> {
  return rename(table, (op): LaneReplace => {
    return (vector, lane, value) => new LaneApply(op, [vector, value], lane, count);
  });
}
