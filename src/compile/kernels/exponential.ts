import {
  type Expr,
  type Func,
  type FunctionBuilder,
  f64,
  i32,
  i64,
  type Local,
  type ModuleBuilder,
} from '../../wasm/index.ts';
import { once } from './kernel.ts';
import { inverse, ln2, nearestDouble, split, tableSize } from './math-tables.ts';

const infinity = Number.POSITIVE_INFINITY;
/** Adding it to a double of less than 2^51 leaves the nearest whole number in the lowest bits. */
const shift = 1.5 * 2 ** 52;
const steps = BigInt(tableSize);
const stepsPerUnit = nearestDouble(inverse(ln2) * steps);
/** So few bits that its products with numbers of steps are exact. */
const step = split(ln2 / steps, 40n);
/** From here on, or below minus this, the result or a part of it may not be a normal number. */
const extreme = 660;
/** Above, the result is infinite. */
const overflow = 709.79;
/** Below, the result is 0. */
const underflow = -745.14;

/**
 * Code that returns e^(x + rest), with the sign of `sign` if it is given; `rest` is below 2^-16.
 * The argument is made a multiple of ln 2 / 128 and a rest: the power of the one comes from a
 * table of twice the precision of a double, that of the other from its Taylor series (P. T. P.
 * Tang, "Table-driven implementation of the exponential function", ACM TOMS 15, 1989). The error
 * is below 0.52 units in the last place, beside that of `rest`.
 */
export function returnExponential(
  f: FunctionBuilder,
  m: ModuleBuilder,
  { x, rest, table, sign }: { x: Local; rest?: Expr; table: Expr; sign?: Expr },
): void {
  const signed = (result: Expr) => f.return(sign ? f64.copysign(result, sign) : result);
  const shifted = f.let(f64.add(f64.mul(x, stepsPerUnit), shift), 'shifted');
  const steps = f.let(f64.sub(shifted, shift), 'steps');
  const bits = f.let(i64.reinterpretF64(shifted), 'bits');
  const near = f64.sub(f64.sub(x, f64.mul(steps, step.hi)), f64.mul(steps, step.lo));
  const r = f.let(rest === undefined ? near : f64.add(near, rest), 'r');
  const index = i32.and(i32.wrapI64(bits), tableSize - 1);
  const entry = f.let(i32.add(table, i32.shl(index, 4)), 'entry');
  const scale = f.let(i64.add(i64.load(entry, 8), i64.shl(bits, 45n)), 'scale');
  const square = f.let(f64.mul(r, r), 'square');
  const third = f64.mul(square, f64.add(0.5, f64.mul(r, 1 / 6)));
  const fifth = f64.mul(f64.mul(square, square), f64.add(1 / 24, f64.mul(r, 1 / 120)));
  const sum = f64.add(f64.add(f64.load(entry), r), f64.add(third, fifth));
  const more = f.let(sum, 'more');
  f.if(i32.eqz(f64.lt(f64.abs(x), extreme)), () => {
    f.if(f64.ne(x, x), () => f.return(x));
    f.if(f64.gt(x, overflow), () => signed(f64.const(infinity)));
    f.if(f64.lt(x, underflow), () => signed(f64.const(0)));
    signed(emitExtreme(m).call(scale, more));
  });
  const factor = f.let(f64.reinterpretI64(scale), 'factor');
  signed(f64.add(factor, f64.mul(factor, more)));
}

/** (scale: i64, more: f64) → scale * (1 + more), where the exponent of `scale` has run over. */
function emitExtreme(m: ModuleBuilder): Func {
  const params = { scale: 'i64', more: 'f64' } as const;
  return once(m, 'exponential_extreme', (name) =>
    m.func(name, { params, results: ['f64'] }, (f) => {
      const { scale, more } = f.param;
      const times = (exponent: bigint): Local => {
        const moved = i64.add(scale, i64.const(exponent << 52n));
        return f.let(f64.reinterpretI64(moved), 'factor');
      };
      // Seen as a number without a sign, an exponent below 1 has wrapped around.
      f.if(i64.gtS(scale, 0n), () => {
        f.if(i64.gtU(scale, 0x7000000000000000n), () => {
          const factor = times(-1009n);
          f.return(f64.mul(2 ** 1009, f64.add(factor, f64.mul(factor, more))));
        });
      });
      const factor = times(1022n);
      const y = f.let(f64.add(factor, f64.mul(factor, more)), 'y');
      f.if(f64.lt(y, 1), () => {
        // Rounded once, to the bits that a subnormal number has.
        const low = f.let(f64.add(f64.sub(factor, y), f64.mul(factor, more)), 'low');
        const high = f.let(f64.add(1, y), 'high');
        const rest = f64.add(f64.add(f64.sub(1, high), y), low);
        f.set(y, f64.sub(f64.add(high, rest), 1));
      });
      f.return(f64.mul(2 ** -1022, y));
    }),
  );
}

/** (x: f64, table: i32) → e^x; see {@link returnExponential}. */
export function emitExponential(m: ModuleBuilder): Func {
  const params = { x: 'f64', table: 'i32' } as const;
  return once(m, 'exponential', (name) =>
    m.func(name, { params, results: ['f64'] }, (f) => returnExponential(f, m, f.param)),
  );
}
