import { type Expr, type Func, f32, f64, i32, i64 } from '../../wasm/index.ts';
import { emitExponential } from '../kernels/exponential.ts';
import { type Base, emitLogarithm } from '../kernels/logarithm.ts';
import { exponentialTable, logarithmTable } from '../kernels/math-tables.ts';
import { emitPower } from '../kernels/power.ts';
import { failure } from '../program.ts';
import type { Query, Scope } from '../query.ts';
import { expectFloat, expectInt, nullOfAny, present, type Value } from '../value.ts';
import { failIf } from './arithmetic.ts';
import type { Build } from './build.ts';
import { fold } from './compile.ts';

/** The nearest whole number, halves away from zero. */
export function roundHalfAway(x: Expr, scope: Scope): Expr {
  const { f } = scope;
  const value = f.let(x, 'value');
  const whole = f.let(f64.trunc(value), 'whole');
  const up = f64.ge(f64.abs(f64.sub(value, whole)), 0.5);
  return f64.add(whole, f64.copysign(f64.select(up, 1, 0), value));
}

const rounders = {
  floor: (x: Expr) => f64.floor(x),
  ceil: (x: Expr) => f64.ceil(x),
  trunc: (x: Expr) => f64.trunc(x),
  round: roundHalfAway,
} as const;

/** round, floor, ceil and trunc of a double, also to a number of digits behind the point. */
export const roundDouble: Build = (args, expression, scope) => {
  const { f } = scope;
  const isNull = nullOfAny(args);
  const round = rounders[expression.name as keyof typeof rounders];
  const { x } = expectFloat(args[0]);
  if (args[1] === undefined) return { form: 'float', x: round(x, scope), isNull };
  const known = fold(expression.args[1])?.value;
  const digits = f64.convertI64S(expectInt(args[1]).x);
  const power = (count: Expr): Expr => scope.query.math('pow', 2).call(10, count);
  const unit =
    typeof known === 'bigint'
      ? f64.const(10 ** Math.abs(Number(known)))
      : f.let(power(f64.abs(digits)), 'unit');
  const behind = (): Expr => {
    const rounded = f.let(f64.div(round(f64.mul(x, unit), scope), unit), 'rounded');
    return f64.select(isFiniteNumber(rounded), rounded, x);
  };
  const before = (): Expr => {
    const rounded = f.let(f64.mul(round(f64.div(x, unit), scope), unit), 'rounded');
    return f64.select(isFiniteNumber(rounded), rounded, 0);
  };
  let result: Expr;
  if (typeof known === 'bigint') {
    result = known < 0n ? before() : behind();
  } else {
    const local = f.local('f64', 'rounded_to');
    f.if(
      f64.lt(digits, 0),
      () => f.set(local, before()),
      () => f.set(local, behind()),
    );
    result = local;
  }
  if (expression.type.kind === 'real') result = f64.promoteF32(f32.demoteF64(result));
  return { form: 'float', x: result, isNull };
};

function isFiniteNumber(x: Expr): Expr {
  return f64.lt(f64.abs(x), Number.POSITIVE_INFINITY);
}

type Domain = (x: Expr) => Expr;

/** One of the host's functions; an error where `outside` holds. */
function math(name: keyof Math & string, outside?: Domain): Build {
  return ([value], _, scope) => {
    const { x, isNull } = expectFloat(value);
    if (outside !== undefined) failIf(scope, outside(x), isNull, failure.outOfDomain);
    return { form: 'float', x: scope.query.math(name, 1).call(x), isNull };
  };
}

const infinite: Domain = (x) => f64.eq(f64.abs(x), Number.POSITIVE_INFINITY);
const beyondOne: Domain = (x) => f64.gt(f64.abs(x), 1);

/** The address of a table. */
function tableAt(scope: Scope, table: Uint8Array): Expr {
  const { query, pipeline } = scope;
  return i32.add(pipeline.frame, query.constantBytes(table));
}

function logarithm(base: Base): Build {
  return ([value], _, scope) => {
    const { x, isNull } = expectFloat(value);
    failIf(scope, f64.lt(x, 0), isNull, failure.negativeLogarithm);
    failIf(scope, f64.eq(x, 0), isNull, failure.zeroLogarithm);
    const func = emitLogarithm(scope.query.module, base);
    return { form: 'float', x: func.call(x, tableAt(scope, logarithmTable())), isNull };
  };
}

const exponential: Build = ([value], _, scope) => {
  const { x, isNull } = expectFloat(value);
  const func = emitExponential(scope.query.module);
  return { form: 'float', x: func.call(x, tableAt(scope, exponentialTable())), isNull };
};

const squareRoot: Build = ([value], _, scope) => {
  const { x, isNull } = expectFloat(value);
  failIf(scope, f64.lt(x, 0), isNull, failure.negativeSquareRoot);
  return { form: 'float', x: f64.sqrt(x), isNull };
};

/** (x, y) → the power by the host, for the rare cases. */
function hostPower(query: Query): Func {
  return query.helper('host_power', (name) => {
    const params = { x: 'f64', y: 'f64' } as const;
    return query.module.func(name, { params, results: ['f64'] }, (f) => {
      const { x, y } = f.param;
      // IEEE 754: 1 to any power is 1, and so is -1 to an infinite one. ECMAScript has NaN there.
      const infinitePower = i32.and(f64.eq(x, -1), infinite(y));
      const one = i32.or(f64.eq(x, 1), infinitePower);
      f.return(f64.select(one, 1, query.math('pow', 2).call(x, y)));
    });
  });
}

const power: Build = (args, expression, scope) => {
  const [x, y] = args.map((arg) => expectFloat(arg).x);
  const isNull = nullOfAny(args);
  if (fold(expression.args[1])?.value === 2) {
    const base = scope.f.let(x, 'base');
    return { form: 'float', x: f64.mul(base, base), isNull };
  }
  const func = emitPower(scope.query.module, hostPower(scope.query));
  const logarithms = tableAt(scope, logarithmTable());
  const exponentials = tableAt(scope, exponentialTable());
  return { form: 'float', x: func.call(x, y, logarithms, exponentials), isNull };
};

const atan2: Build = (args, _, scope) => {
  const [y, x] = args.map((arg) => expectFloat(arg).x);
  return { form: 'float', x: scope.query.math('atan2', 2).call(y, x), isNull: nullOfAny(args) };
};

function test(holds: (x: Expr) => Expr): Build {
  return ([value]): Value => {
    const { x, isNull } = expectFloat(value);
    return { form: 'bool', x: present(holds(x), isNull), isNull };
  };
}

export const doubleFunctions: Readonly<Record<string, Build>> = {
  sqrt: squareRoot,
  power,
  atan2,
  ln: logarithm('e'),
  log2: logarithm(2),
  log10: logarithm(10),
  cbrt: math('cbrt'),
  exp: exponential,
  sin: math('sin', infinite),
  cos: math('cos', infinite),
  tan: math('tan', infinite),
  asin: math('asin', beyondOne),
  acos: math('acos', beyondOne),
  atan: math('atan'),
  sinh: math('sinh'),
  cosh: math('cosh'),
  tanh: math('tanh'),
  asinh: math('asinh'),
  acosh: math('acosh'),
  atanh: math('atanh', beyondOne),
  isnan: test((x) => f64.ne(x, x)),
  isinf: test(infinite),
  isfinite: test(isFiniteNumber),
};

/** The sign of a double as an i64; that of NaN is 0. */
export function signOfDouble(x: Expr): Expr {
  return i64.extendI32S(i32.sub(f64.gt(x, 0), f64.lt(x, 0)));
}
