/** The namespaces of vector instructions, named as in the text format: `i8x16.addSatU(a, b)`. */
import {
  expressions,
  laneExtracts,
  laneLoads,
  laneReplaces,
  laneStores,
  loads,
  stores,
} from './constructors.ts';
import { fail } from './error.ts';
import { Expr, type Operand, operand, ownerOf } from './expr.ts';
import { general } from './instructions.ts';
import type { Sink } from './sink.ts';
import * as ops from './vector-opcodes.ts';

class VectorConst extends Expr {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    super('v128', undefined);
    this.bytes = bytes;
  }

  override emit(sink: Sink): void {
    sink.vectorConstant(this.bytes);
  }
}

class Shuffle extends Expr {
  readonly lanes: Uint8Array;
  readonly left: Expr;
  readonly right: Expr;

  constructor(lanes: Uint8Array, left: Expr, right: Expr) {
    super('v128', ownerOf([left, right]));
    this.lanes = lanes;
    this.left = left;
    this.right = right;
  }

  override emit(sink: Sink): void {
    this.left.emit(sink);
    this.right.emit(sink);
    sink.shuffle(this.lanes);
  }
}

type Lanes = { readonly length: number; readonly buffer: ArrayBufferLike };
type LaneArray<V> = { new (values: readonly V[]): Lanes };

/** A constructor of constants from `count` lanes; one lane alone is repeated. */
function constantOf<V extends number | bigint>(name: string, count: number, Array_: LaneArray<V>) {
  return {
    /** A constant of these lanes; of one value, it is that value in every lane. */
    const(...lanes: readonly V[]): Expr {
      if (lanes.length !== count && lanes.length !== 1) {
        fail(`${name}.const takes ${count} lanes or 1, not ${lanes.length}`);
      }
      const all = lanes.length === 1 ? new Array<V>(count).fill(lanes[0]) : lanes;
      return new VectorConst(new Uint8Array(new Array_(all).buffer));
    },
  };
}

export const v128 = {
  ...general('v128'),
  ...expressions(ops.v128Ops),
  ...loads(ops.v128Loads),
  ...stores(ops.v128Stores),
  ...laneLoads(ops.v128LaneLoads),
  ...laneStores(ops.v128LaneStores),
};

export const i8x16 = {
  ...constantOf<number>('i8x16', 16, Uint8Array),
  ...expressions(ops.i8x16Ops),
  ...laneExtracts(ops.i8x16Extracts, 16),
  ...laneReplaces(ops.i8x16Replaces, 16),
  /** Picks 16 of the 32 bytes of two vectors; `lanes` are constant indexes in [0, 32). */
  shuffle(lanes: readonly number[], left: Operand, right: Operand): Expr {
    const valid = lanes.every((lane) => Number.isInteger(lane) && lane >= 0 && lane < 32);
    if (!valid || lanes.length !== 16) {
      fail(`i8x16.shuffle takes 16 lanes in [0, 32), not [${lanes.join(', ')}]`);
    }
    return new Shuffle(
      Uint8Array.from(lanes),
      operand(left, 'v128', () => 'operand 1 of i8x16.shuffle'),
      operand(right, 'v128', () => 'operand 2 of i8x16.shuffle'),
    );
  },
};

export const i16x8 = {
  ...constantOf<number>('i16x8', 8, Uint16Array),
  ...expressions(ops.i16x8Ops),
  ...laneExtracts(ops.i16x8Extracts, 8),
  ...laneReplaces(ops.i16x8Replaces, 8),
};

export const i32x4 = {
  ...constantOf<number>('i32x4', 4, Uint32Array),
  ...expressions(ops.i32x4Ops),
  ...laneExtracts(ops.i32x4Extracts, 4),
  ...laneReplaces(ops.i32x4Replaces, 4),
};

export const i64x2 = {
  ...constantOf<bigint>('i64x2', 2, BigUint64Array),
  ...expressions(ops.i64x2Ops),
  ...laneExtracts(ops.i64x2Extracts, 2),
  ...laneReplaces(ops.i64x2Replaces, 2),
};

export const f32x4 = {
  ...constantOf<number>('f32x4', 4, Float32Array),
  ...expressions(ops.f32x4Ops),
  ...laneExtracts(ops.f32x4Extracts, 4),
  ...laneReplaces(ops.f32x4Replaces, 4),
};

export const f64x2 = {
  ...constantOf<number>('f64x2', 2, Float64Array),
  ...expressions(ops.f64x2Ops),
  ...laneExtracts(ops.f64x2Extracts, 2),
  ...laneReplaces(ops.f64x2Replaces, 2),
};
