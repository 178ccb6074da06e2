import { call, constant, type Expression } from '../../plan/expression.ts';
import {
  bigintType,
  booleanType,
  decimalType,
  doubleType,
  isFloat,
  isInteger,
  isNumeric,
  tinyintType,
} from '../../value/type.ts';
import { notSupported } from '../error.ts';
import { bindArithmetic, bindBits, bindShift } from '../expression/arithmetic.ts';
import { castTo } from '../types/cast.ts';
import { isOpen } from '../types/common.ts';
import { type CallSite, custom, define, fixed, type Overload } from './overload.ts';

const double = doubleType;
const real = (lowered: string): Overload => fixed(lowered, [double], double);

export const numberFunctions = [
  define('abs', 'the number without its sign', ['abs(-1.5)', '1.5'], sameType('abs')),
  define(
    'sign',
    '-1, 0 or 1 as the number is below, at or above 0',
    ['sign(-2.5)', '-1'],
    custom('(number)', oneNumber, (site) => call('sign', [asNumber(site)], tinyintType)),
  ),
  define(
    'round',
    'to the nearest whole number, or to so many digits after the point; halves away from 0',
    ['round(1234.567, 1)', '1234.6'],
    wholeNumber('round'),
    toDigits('round'),
  ),
  define('floor', 'the next whole number below', ['floor(-0.5)', '-1'], wholeNumber('floor')),
  define('ceil ceiling', 'the next whole number above', ['ceil(0.1)', '1'], wholeNumber('ceil')),
  define(
    'trunc',
    'cut off at the point, or behind so many digits after it',
    ['trunc(-1.29, 1)', '-1.2'],
    wholeNumber('trunc'),
    toDigits('trunc'),
  ),
  define('sqrt', 'the square root', ['sqrt(16)', '4.0'], real('sqrt')),
  define('cbrt', 'the cube root', ['cbrt(8)', '2.0'], real('cbrt')),
  define(
    'power pow',
    'the first number to the power of the second; also written x ^ y and x ** y',
    ['power(2, 10)', '1024.0'],
    fixed('power', [double, double], double),
  ),
  define('exp', 'e to the power of the number', ['exp(0)', '1.0'], real('exp')),
  define('ln', 'the natural logarithm', ['ln(1)', '0.0'], real('ln')),
  define(
    'log',
    'the logarithm to base 10, or of the second number to the base of the first',
    ['log(2, 8)', '3.0'],
    real('log10'),
    custom('(DOUBLE, DOUBLE)', twoNumbers, bindLogarithm),
  ),
  define('log10', 'the logarithm to base 10', ['log10(1000)', '3.0'], real('log10')),
  define('log2', 'the logarithm to base 2', ['log2(8)', '3.0'], real('log2')),
  define(
    'pi',
    'half the circumference of the unit circle',
    ['pi()', '3.141592653589793'],
    custom(
      '()',
      (args) => args.length === 0,
      () => constant(Math.PI, double),
    ),
  ),
  ...trigonometric(),
  define(
    'degrees',
    'an angle in radians as degrees',
    ['degrees(pi())', '180.0'],
    scaled((x) => call('divide', [x, constant(Math.PI / 180, double)], double)),
  ),
  define(
    'radians',
    'an angle in degrees as radians',
    ['radians(180)', '3.141592653589793'],
    scaled((x) => call('multiply', [x, constant(Math.PI / 180, double)], double)),
  ),
  define('isnan', 'whether it is NaN', ["isnan('nan'::double)", 'true'], test('isnan')),
  define('isinf', 'whether it is infinite', ["isinf('-inf'::double)", 'true'], test('isinf')),
  define('isfinite', 'whether it is neither', ['isfinite(1.5)', 'true'], test('isfinite')),
  arithmetic(
    'mod',
    '%',
    'the rest of the division, with the sign of the first; also x % y',
    'mod(7, 3)',
    '1',
  ),
  arithmetic('add', '+', 'the sum; also x + y', 'add(1, 2)', '3'),
  arithmetic('subtract', '-', 'the difference; also x - y', 'subtract(1, 2)', '-1'),
  arithmetic('multiply', '*', 'the product; also x * y', 'multiply(3, 2)', '6'),
  arithmetic(
    'divide',
    '//',
    'the quotient, of whole numbers cut off at the point; also x // y',
    'divide(7, 2)',
    '3',
  ),
  define(
    'xor',
    'the bits that are set in one of two integers; x & y, x | y and ~x are operators',
    ['xor(5, 3)', '6'],
    custom('(integer, integer)', twoIntegers, (site) =>
      bindBits(site.context, 'bit_xor', site.args, site.span),
    ),
  ),
  define(
    'left_shift',
    'the bits moved left: x * 2^n; also x << n',
    ['left_shift(5, 2)', '20'],
    custom('(integer, integer)', twoIntegers, (site) =>
      bindShift(site.context, '<<', site.args, site.span),
    ),
  ),
  define(
    'right_shift',
    'the bits moved right; also x >> n',
    ['right_shift(5, 1)', '2'],
    custom('(integer, integer)', twoIntegers, (site) =>
      bindShift(site.context, '>>', site.args, site.span),
    ),
  ),
  define(
    'bit_count',
    'how many bits of the integer are set',
    ['bit_count(7)', '3'],
    custom(
      '(integer)',
      (args) => args.length === 1 && isInteger(args[0].type),
      ({ args }) => call('bit_count', args, tinyintType),
    ),
  ),
  define(
    'gcd greatest_common_divisor',
    'the greatest common divisor',
    ['gcd(12, 18)', '6'],
    fixed('gcd', [bigintType, bigintType], bigintType),
  ),
];

function trigonometric() {
  const angle: readonly (readonly [name: string, help: string, example: string, result: string])[] =
    [
      ['sin', 'the sine of an angle in radians', 'sin(0)', '0.0'],
      ['cos', 'the cosine', 'cos(0)', '1.0'],
      ['tan', 'the tangent', 'tan(0)', '0.0'],
      ['asin', 'the angle of a sine', 'asin(0)', '0.0'],
      ['acos', 'the angle of a cosine', 'acos(1)', '0.0'],
      ['atan', 'the angle of a tangent', 'atan(0)', '0.0'],
      ['sinh', 'the hyperbolic sine', 'sinh(0)', '0.0'],
      ['cosh', 'the hyperbolic cosine', 'cosh(0)', '1.0'],
      ['tanh', 'the hyperbolic tangent', 'tanh(0)', '0.0'],
      ['asinh', 'the inverse of sinh', 'asinh(0)', '0.0'],
      ['acosh', 'the inverse of cosh', 'acosh(1)', '0.0'],
      ['atanh', 'the inverse of tanh', 'atanh(0)', '0.0'],
    ];
  return [
    ...angle.map(([name, help, example, result]) =>
      define(name, help, [example, result], real(name)),
    ),
    define(
      'atan2',
      'the angle of the point (second, first) at the origin',
      ['atan2(0, 1)', '0.0'],
      fixed('atan2', [double, double], double),
    ),
  ];
}

function test(lowered: string): Overload {
  return fixed(lowered, [double], booleanType);
}

function oneNumber(args: readonly Expression[]): boolean {
  return args.length === 1 && (isNumeric(args[0].type) || isOpen(args[0]));
}

function twoNumbers(args: readonly Expression[]): boolean {
  return args.length === 2 && args.every((arg) => isNumeric(arg.type) || isOpen(arg));
}

function twoIntegers(args: readonly Expression[]): boolean {
  return args.length === 2 && args.every((arg) => isInteger(arg.type) || isOpen(arg));
}

function asNumber({ context, args, span }: CallSite): Expression {
  return isOpen(args[0]) ? castTo(context, args[0], double, span) : args[0];
}

function sameType(lowered: string): Overload {
  return custom('(number)', oneNumber, (site) => {
    const value = asNumber(site);
    return call(lowered, [value], value.type);
  });
}

function scaled(build: (value: Expression) => Expression): Overload {
  return custom('(DOUBLE)', oneNumber, ({ context, args, span }) =>
    build(castTo(context, args[0], double, span)),
  );
}

function arithmetic(name: string, operator: string, help: string, example: string, result: string) {
  const overload = custom('(number, number)', twoNumbers, ({ context, args, span }) =>
    bindArithmetic(context, operator, args[0], args[1], span),
  );
  return define(name, help, [example, result], overload);
}

/** log(b, x) is ln(x) / ln(b). */
function bindLogarithm({ context, args, span }: CallSite): Expression {
  const [base, value] = args.map((arg) =>
    call('log10', [castTo(context, arg, double, span)], double),
  );
  return call('divide', [value, base], double);
}

/**
 * To a whole number: a decimal loses its scale, round and trunc leave an integer as it is. floor
 * and ceil of an integer are a DOUBLE, as in DuckDB.
 */
function wholeNumber(lowered: string): Overload {
  return custom('(number)', oneNumber, (site) => {
    const value = asNumber(site);
    const { type } = value;
    if (isInteger(type)) {
      const kept = lowered === 'round' || lowered === 'trunc';
      return kept ? value : castTo(site.context, value, double, site.span);
    }
    if (type.kind !== 'decimal') return call(lowered, [value], type);
    if (type.scale === 0) return value;
    // Rounding up may take one more digit, for which those behind the point leave a place.
    return call(lowered, [value], decimalType(type.precision, 0));
  });
}

/** To n digits after the point, or before it for n below 0. */
function toDigits(lowered: string): Overload {
  return custom(
    '(number, INTEGER)',
    (args) => args.length === 2 && isNumeric(args[0].type) && isInteger(args[1].type),
    ({ context, args, span }) => {
      const [value, digits] = args;
      const { type } = value;
      const count = digits.kind === 'constant' ? Number(digits.value) : undefined;
      if (isFloat(type)) {
        return call(lowered, [value, castTo(context, digits, bigintType, span)], type);
      }
      if (count === undefined) {
        notSupported(`${lowered} of exact numbers to varying digits`, span, 'cast to DOUBLE');
      }
      const scale = type.kind === 'decimal' ? type.scale : 0;
      if (count >= scale) return value;
      const result =
        type.kind === 'decimal' ? decimalType(type.precision, Math.max(count, 0)) : type;
      return call(lowered, [value, constant(BigInt(count), bigintType)], result);
    },
  );
}
