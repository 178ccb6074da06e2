import { assert } from '../../base/assert.ts';
import { QuernError, sqlState } from '../../base/error.ts';
import type { CallExpression } from '../../plan/expression.ts';
import { type Expr, type Func, i32, i64 } from '../../wasm/index.ts';
import { emitLike } from '../kernels/like.ts';
import { emitDynamicLike } from '../kernels/like-dynamic.ts';
import {
  emitEndsWith,
  emitStartsWith,
  emitStringCompare,
  emitStringEqual,
  emitStringFind,
} from '../kernels/string-compare.ts';
import { emitStringHash } from '../kernels/string-hash.ts';
import { emitCharacterCount } from '../kernels/string-text.ts';
import { failure } from '../program.ts';
import type { Scope } from '../query.ts';
import { rangeOf } from '../range.ts';
import { nullOfAny, type StringValue, spill, type Value } from '../value.ts';
import { failIf } from './arithmetic.ts';
import type { Build } from './build.ts';
import { fold } from './compile.ts';
import { changedCase } from './letter-case.ts';

/** Any string value as address and length. */
export function decode(value: Value, scope: Scope): StringValue {
  if (value.form === 'string') return value;
  assert(value.form === 'code', `${value.form} is not a string`);
  const { dictionary, isNull } = value;
  const entry = i32.shl(value.x, 2);
  const start = scope.f.let(i32.load(entry, dictionary.offsets), 'start');
  const end = i32.load(entry, dictionary.offsets + 4);
  const text: StringValue = {
    form: 'string',
    x: i32.add(start, i32.const(dictionary.heap)),
    y: i32.sub(end, start),
    isNull,
  };
  return spill(scope.f, text, 'text');
}

/** An i32: whether two strings have the same bytes. */
export function stringEquals(scope: Scope, a: StringValue, b: StringValue): Expr {
  // Most texts that differ do so in their lengths.
  const equal = emitStringEqual(scope.query.module).call(a.x, a.y, b.x, b.y);
  return i32.if(i32.eq(a.y, b.y), equal, 0);
}

/** An i32 below, at or above 0 as a's bytes come before, equal or come after b's. */
export function stringCompare(scope: Scope, a: StringValue, b: StringValue): Expr {
  return emitStringCompare(scope.query.module).call(a.x, a.y, b.x, b.y);
}

/** An i32: whether a string comes before another; their first bytes mostly tell. */
export function stringBefore(scope: Scope, a: StringValue, b: StringValue): Expr {
  const [first, other] = [i32.load8U(a.x), i32.load8U(b.x)];
  const neitherEmpty = i32.and(i32.ne(a.y, 0), i32.ne(b.y, 0));
  const whole = i32.ltS(stringCompare(scope, a, b), 0);
  return i32.if(i32.and(neitherEmpty, i32.ne(first, other)), i32.ltU(first, other), whole);
}

/** An i64 hash of the bytes. */
export function stringHash(scope: Scope, text: StringValue): Expr {
  return emitStringHash(scope.query.module).call(text.x, text.y);
}

/** Lengths are below 2^31. */
const lengthRange = rangeOf(0n, 2n ** 31n);

export const stringFunctions: Readonly<Record<string, Build>> = {
  like: (args, expression, scope) => like(args, expression, scope, false),
  ilike: (args, expression, scope) => like(args, expression, scope, true),
  starts_with: (args, _, scope) => test(emitStartsWith(scope.query.module), args, scope),
  ends_with: (args, _, scope) => test(emitEndsWith(scope.query.module), args, scope),
  contains: (args, _, scope) => {
    const [text, part] = args.map((arg) => decode(arg, scope));
    const at = emitStringFind(scope.query.module).call(text.x, text.y, part.x, part.y);
    return truth(i32.geS(at, 0), args, scope);
  },
  position: (args, _, scope) => {
    const [part, text] = args.map((arg) => decode(arg, scope));
    const at = scope.f.let(
      emitStringFind(scope.query.module).call(text.x, text.y, part.x, part.y),
      'at',
    );
    const before = emitCharacterCount(scope.query.module).call(text.x, at);
    const found = i32.if(i32.ltS(at, 0), 0, i32.add(before, 1));
    return length(found, args);
  },
  length: (args, _, scope) => {
    const text = decode(args[0], scope);
    return length(emitCharacterCount(scope.query.module).call(text.x, text.y), args);
  },
  octet_length: (args, _, scope) => length(decode(args[0], scope).y, args),
};

/** A boolean that is NULL where an argument is. */
function truth(x: Expr, args: readonly Value[], scope: Scope): Value {
  const isNull = nullOfAny(args);
  if (isNull === undefined) return { form: 'bool', x, isNull };
  // A NULL's address is anything: the function must not run on it.
  const known = scope.f.let(isNull, 'unknown');
  return { form: 'bool', x: i32.if(known, 0, x), isNull: known };
}

function length(count: Expr, args: readonly Value[]): Value {
  const isNull = nullOfAny(args);
  const safe = isNull === undefined ? count : i32.if(isNull, 0, count);
  return { form: 'int', x: i64.extendI32U(safe), range: lengthRange, isNull };
}

function test(func: Func, args: readonly Value[], scope: Scope): Value {
  const [text, part] = args.map((arg) => decode(arg, scope));
  return truth(func.call(text.x, text.y, part.x, part.y), args, scope);
}

function like(
  args: readonly Value[],
  expression: CallExpression,
  scope: Scope,
  foldCase: boolean,
): Value {
  const { module } = scope.query;
  const text = decode(args[0], scope);
  const pattern = fold(expression.args[1]);
  const given = expression.args[2];
  const escapeWith = given === undefined ? '' : fold(given)?.value;
  assert(typeof escapeWith === 'string', 'checked by the binder');
  if (typeof pattern?.value === 'string') {
    const options = { foldCase, escape: escapeWith === '' ? undefined : escapeWith };
    const func = emitLike(module, pattern.value, options);
    return truth(func.call(text.x, text.y), args.slice(0, 1), scope);
  }
  if (escapeWith >= '\x80') {
    const message = 'an escape character beyond ASCII, with a pattern of the query';
    throw new QuernError(sqlState.featureNotSupported, `${message}, is not supported yet`);
  }
  const folded = (value: StringValue) => (foldCase ? changedCase(value, 'fold', scope) : value);
  const [subject, form] = [text, decode(args[1], scope)].map(folded);
  const escapeCharacter = foldCase ? escapeWith.toLowerCase() : escapeWith;
  const code = escapeCharacter === '' ? -1 : escapeCharacter.charCodeAt(0);
  const raw = emitDynamicLike(module).call(subject.x, subject.y, form.x, form.y, code);
  const value = truth(raw, args, scope);
  const spilled = spill(scope.f, value, 'like');
  failIf(scope, i32.ltS(spilled.x, 0), spilled.isNull, failure.invalidPattern);
  return spilled;
}
