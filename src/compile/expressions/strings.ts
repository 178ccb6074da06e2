import { assert } from '../../base/assert.ts';
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
import {
  emitCharacterCount,
  emitStringCopy,
  emitSubstring,
  emitTrim,
  type TrimSide,
} from '../kernels/string-text.ts';
import { failure } from '../program.ts';
import type { Scope } from '../query.ts';
import { rangeOf } from '../range.ts';
import { eitherNull, expectInt, type StringValue, spill, type Value } from '../value.ts';
import { failIf } from './arithmetic.ts';
import { compileExpression, fold } from './compile.ts';

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
  return emitStringEqual(scope.query.module).call(a.x, a.y, b.x, b.y);
}

/** An i32 below, at or above 0 as a's bytes come before, equal or come after b's. */
export function stringCompare(scope: Scope, a: StringValue, b: StringValue): Expr {
  return emitStringCompare(scope.query.module).call(a.x, a.y, b.x, b.y);
}

/** An i64 hash of the bytes. */
export function stringHash(scope: Scope, text: StringValue): Expr {
  return emitStringHash(scope.query.module).call(text.x, text.y);
}

/** Lengths are below 2^31. */
const lengthRange = rangeOf(0n, 2n ** 31n);

type Build = (args: readonly Value[], expression: CallExpression, scope: Scope) => Value;

const functions: Readonly<Record<string, Build>> = {
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
  substring,
  trim: (args, _, scope) => trim(args, 'both', scope),
  ltrim: (args, _, scope) => trim(args, 'leading', scope),
  rtrim: (args, _, scope) => trim(args, 'trailing', scope),
  concat,
};

/** The value of a function over strings; undefined if it is none of these. */
export function compileStringFunction(expression: CallExpression, scope: Scope): Value | undefined {
  const build = Object.hasOwn(functions, expression.name) ? functions[expression.name] : undefined;
  if (build === undefined) return undefined;
  if (/^[lr]?trim$/.test(expression.name) && expression.args.length > 1) return undefined;
  const args = expression.args.map((arg) => compileExpression(arg, scope));
  return build(args, expression, scope);
}

function nullOfAny(args: readonly Value[]): Expr | undefined {
  return args.reduce<Expr | undefined>((flag, arg) => eitherNull(flag, arg.isNull), undefined);
}

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
  const escapeWith = given === undefined ? '\\' : fold(given)?.value;
  if (typeof pattern?.value === 'string' && typeof escapeWith === 'string') {
    const options = { foldCase, escape: escapeWith === '' ? undefined : escapeWith };
    const func = emitLike(module, pattern.value, options);
    return truth(func.call(text.x, text.y), args.slice(0, 1), scope);
  }
  assert(!foldCase && typeof escapeWith === 'string', 'checked by the binder');
  const form = decode(args[1], scope);
  const code = escapeWith === '' ? -1 : escapeWith.charCodeAt(0);
  const raw = emitDynamicLike(module).call(text.x, text.y, form.x, form.y, code);
  const value = truth(raw, args, scope);
  const spilled = spill(scope.f, value, 'like');
  failIf(scope, i32.ltS(spilled.x, 0), spilled.isNull, failure.invalidText);
  return spilled;
}

function substring(args: readonly Value[], _: CallExpression, scope: Scope): Value {
  const { f, query } = scope;
  const text = decode(args[0], scope);
  const isNull = nullOfAny(args);
  const clamp = (value: Value): Expr => {
    const { x } = expectInt(value);
    const bound = i64.const(2n ** 30n);
    const high = f.let(i64.select(i64.gtS(x, bound), bound, x), 'clamped');
    const low = i64.sub(0n, bound);
    return i32.wrapI64(i64.select(i64.ltS(high, low), low, high));
  };
  const count = args[2] === undefined ? i32.const(2 ** 30) : f.let(clamp(args[2]), 'count');
  if (args[2] !== undefined) {
    failIf(scope, i32.ltS(count, 0), isNull, failure.negativeSubstring);
  }
  const x = f.local('i32', 'substring');
  const y = f.local('i32', 'substring_length');
  const safeLength = isNull === undefined ? text.y : i32.select(isNull, 0, text.y);
  const start = clamp(args[1]);
  f.setMulti([x, y], emitSubstring(query.module).callMulti(text.x, safeLength, start, count));
  return { form: 'string', x, y, isNull };
}

function trim(args: readonly Value[], side: TrimSide, scope: Scope): Value {
  const { f, query } = scope;
  const text = decode(args[0], scope);
  const safeLength = text.isNull === undefined ? text.y : i32.select(text.isNull, 0, text.y);
  const x = f.local('i32', 'trimmed');
  const y = f.local('i32', 'trimmed_length');
  f.setMulti([x, y], emitTrim(query.module, side).callMulti(text.x, safeLength));
  return { form: 'string', x, y, isNull: text.isNull };
}

/** Bytes that the copy kernel may write behind a string. */
export const copySlack = 16;

function concat(args: readonly Value[], _: CallExpression, scope: Scope): Value {
  const { f, query } = scope;
  const isNull = nullOfAny(args);
  const known = isNull === undefined ? undefined : f.let(isNull, 'concat_null');
  const parts = args.map((arg) => decode(arg, scope));
  const lengths = parts.map((part) =>
    f.let(known === undefined ? part.y : i32.select(known, 0, part.y), 'part_length'),
  );
  const total = f.let(
    lengths.reduce<Expr>((sum, part) => i32.add(sum, part), i32.const(0)),
    'concat_length',
  );
  const address = f.let(textRoom(scope, i32.add(total, copySlack)), 'concat');
  const at = f.let(address, 'at');
  parts.forEach((part, i) => {
    f.call(emitStringCopy(query.module), at, part.x, lengths[i]);
    f.set(at, i32.add(at, lengths[i]));
  });
  return { form: 'string', x: address, y: total, isNull: known };
}

/** Strings made at run time are taken from blocks of at least this size. */
const textBlockBytes = 65536;

/** Room for so many bytes until the end of the execution, from a block of the worker's own. */
export function textRoom(scope: Scope, bytes: Expr): Expr {
  const { query, pipeline } = scope;
  const slot = query.textSlot();
  const room = query.helper('text_room', (name) =>
    query.module.func(name, { params: { local: 'i32', bytes: 'i32' }, results: ['i32'] }, (f) => {
      const { local, bytes: wanted } = f.param;
      const cursor = f.let(i32.load(local, slot), 'cursor');
      const left = i32.sub(i32.load(local, slot + 4), cursor);
      f.if(i32.gtU(wanted, left), () => {
        const size = f.let(
          i32.select(i32.gtU(wanted, textBlockBytes), wanted, textBlockBytes),
          'size',
        );
        f.set(cursor, query.allocate.call(size));
        f.do(i32.store(local, i32.add(cursor, size), slot + 4));
      });
      f.do(i32.store(local, i32.add(cursor, wanted), slot));
      f.return(cursor);
    }),
  );
  return room.call(pipeline.local, bytes);
}
