/**
 * The namespaces of expression constructors for scalars and memory: `i32.add(a, b)`. Names are
 * those of the text format in camel case: `i32.lt_u` is `i32.ltU`, `i64.extend_i32_u` is
 * `i64.extendI32U`, `i32.atomic.rmw.add` is `i32.atomic.rmwAdd`.
 */
import { effects, exchanges, expressions, loads, stores, updates } from './constructors.ts';
import { IfExpr } from './control.ts';
import { Label } from './entities.ts';
import { fail } from './error.ts';
import { Apply, constant, Expr, type Operand, operand, show } from './expr.ts';
import * as ops from './opcodes.ts';
import type { Sink } from './sink.ts';
import type { ValueType } from './types.ts';

type Plain = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

/** What every type of value has. */
export function general(type: Plain) {
  return {
    /** One of two values, both evaluated; `condition` is an i32. No branch. */
    select(condition: Operand, consequent: Operand, alternative: Operand): Expr {
      return new Apply(ops.selectOps[type], [consequent, alternative, condition]);
    },
    /** One of two values, of which only that one is evaluated. */
    if(condition: Operand, consequent: Operand, alternative: Operand): Expr {
      const results: readonly ValueType[] = [type];
      return new IfExpr(
        operand(condition, 'i32', () => `the condition of ${type}.if`),
        operand(consequent, type, () => `the consequent of ${type}.if`),
        operand(alternative, type, () => `the alternative of ${type}.if`),
        new Label(-1, results, results),
      );
    },
  };
}

/** Constants and what every number has. */
function numeric<V extends number | bigint>(type: Plain) {
  return {
    ...general(type),
    /** A constant, in the signed or unsigned range of the type. */
    const: (value: V): Expr => constant(type, value),
  };
}

export const i32 = {
  ...numeric<number>('i32'),
  ...expressions(ops.i32Ops),
  ...loads(ops.i32Loads),
  ...stores(ops.i32Stores),
  atomic: {
    ...loads(ops.i32AtomicLoads),
    ...stores(ops.i32AtomicStores),
    ...updates(ops.i32AtomicUpdates),
    ...exchanges(ops.i32AtomicExchanges),
  },
};

export const i64 = {
  ...numeric<number | bigint>('i64'),
  ...expressions(ops.i64Ops),
  ...loads(ops.i64Loads),
  ...stores(ops.i64Stores),
  atomic: {
    ...loads(ops.i64AtomicLoads),
    ...stores(ops.i64AtomicStores),
    ...updates(ops.i64AtomicUpdates),
    ...exchanges(ops.i64AtomicExchanges),
  },
};

export const f32 = {
  ...numeric<number>('f32'),
  ...expressions(ops.f32Ops),
  ...loads(ops.f32Loads),
  ...stores(ops.f32Stores),
};

export const f64 = {
  ...numeric<number>('f64'),
  ...expressions(ops.f64Ops),
  ...loads(ops.f64Loads),
  ...stores(ops.f64Stores),
};

/** The memory as a whole. Sizes are in pages of 64 KiB; addresses and lengths in bytes. */
export const memory = {
  ...expressions(ops.memoryOps),
  /** `copy(to, from, length)` for ranges that may overlap, `fill(to, byte, length)`. */
  ...effects(ops.memoryEffects),
  atomic: {
    /** Wakes up to `count` waiters at an address; the answer is how many. */
    ...updates(ops.atomicNotify),
    /**
     * Waits while the value at an address is as expected, at most the third operand nanoseconds.
     */
    ...exchanges(ops.atomicWaits),
  },
};

/** The fence between atomic and plain accesses. */
export const atomic = effects(ops.atomicFence);

type ReferenceType = 'funcref' | 'externref';

class RefNull extends Expr {
  constructor(type: ReferenceType) {
    super(type, undefined);
  }

  override emit(sink: Sink): void {
    sink.refNull(this.type as ReferenceType);
  }
}

class RefIsNull extends Expr {
  declare readonly value: Expr;

  constructor(value: Expr) {
    super('i32', value.owner);
    this.value = value;
  }

  override emit(sink: Sink): void {
    this.value.emit(sink);
    sink.refIsNull();
  }
}

/** References to functions and to things of the host; `func.ref()` gives one to a function. */
export const ref = {
  null: (type: ReferenceType): Expr => new RefNull(type),
  isNull(value: Expr): Expr {
    if (value.type !== 'funcref' && value.type !== 'externref') {
      fail(
        `the operand of ref.is_null must be a reference, is ${value.type}`,
        undefined,
        show(value),
      );
    }
    return new RefIsNull(value);
  },
};
