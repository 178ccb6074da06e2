import type { CallExpression } from '../../plan/expression.ts';
import type { LetterCase } from '../../value/letter-case.ts';
import { type Expr, i32, i64 } from '../../wasm/index.ts';
import { emitEncode } from '../kernels/string-case.ts';
import {
  emitFirstCode,
  emitPad,
  emitRepeat,
  emitReplace,
  emitSplitPart,
  emitTranslate,
  emitTrimSet,
} from '../kernels/string-make.ts';
import { clusterTables, emitReverse } from '../kernels/string-reverse.ts';
import {
  copySlack,
  emitCharacterCount,
  emitCharacterOffset,
  emitStringCopy,
  emitSubstring,
  emitTrim,
} from '../kernels/string-text.ts';
import { failure } from '../program.ts';
import type { Scope } from '../query.ts';
import { rangeOf } from '../range.ts';
import { expectInt, nullOfAny, type StringValue, type Value } from '../value.ts';
import { failIf } from './arithmetic.ts';
import type { Build } from './build.ts';
import { changedCase } from './letter-case.ts';
import { decode } from './strings.ts';
import { answered, checkLength, roomFunction, textRoom, writtenText } from './text-room.ts';

/** The address of constant bytes in the frame. */
function tableAt(bytes: Uint8Array, scope: Scope): Expr {
  return i32.add(scope.pipeline.frame, scope.query.constantBytes(bytes));
}

/** An i32 near to an i64, which only counts characters. */
function clamped(value: Value, scope: Scope): Expr {
  const { f } = scope;
  const { x } = expectInt(value);
  const bound = i64.const(2n ** 30n);
  const high = f.let(i64.select(i64.gtS(x, bound), bound, x), 'clamped');
  const low = i64.sub(0n, bound);
  return f.let(i32.wrapI64(i64.select(i64.ltS(high, low), low, high)), 'count');
}

function changeCase(which: LetterCase): Build {
  return ([value], _, scope) => changedCase(decode(value, scope), which, scope);
}

const substring: Build = (args, _, scope) => {
  const text = decode(args[0], scope);
  const count = args[2] === undefined ? i32.const(2 ** 30) : clamped(args[2], scope);
  const start = clamped(args[1], scope);
  const func = emitSubstring(scope.query.module);
  return answered(scope, nullOfAny(args), func, text.x, text.y, start, count);
};

/** A part of a text at one of its ends; n below 0 counts what is left out. */
function side(which: 'left' | 'right'): Build {
  return (args, _, scope) => {
    const { f, query } = scope;
    const text = decode(args[0], scope);
    const isNull = nullOfAny(args);
    const n = clamped(args[1], scope);
    const x = f.local('i32', which);
    const y = f.local('i32', `${which}_length`);
    const below = i32.ltS(n, 0);
    // For one of the signs all characters must be counted.
    const counts = which === 'left' ? below : i32.eqz(below);
    const run = () => {
      const all = emitCharacterCount(query.module).call(text.x, text.y);
      const fromEnd = which === 'left' ? i32.add(all, n) : i32.sub(all, n);
      const fromStart = which === 'left' ? n : i32.sub(0, n);
      const characters = f.let(i32.if(counts, fromEnd, fromStart), 'characters');
      const place = i32.select(i32.ltS(characters, 0), 0, characters);
      const bytes = f.let(emitCharacterOffset(query.module).call(text.x, text.y, place), 'bytes');
      f.set(x, which === 'left' ? text.x : i32.add(text.x, bytes));
      f.set(y, which === 'left' ? bytes : i32.sub(text.y, bytes));
    };
    if (isNull === undefined) run();
    else f.if(i32.eqz(isNull), run);
    return { form: 'string', x, y, isNull };
  };
}

function trim(sides: 'both' | 'leading' | 'trailing'): Build {
  return (args, _, scope) => {
    const { module } = scope.query;
    const isNull = nullOfAny(args);
    let text = decode(args[0], scope);
    if (args[1] === undefined) {
      return answered(scope, isNull, emitTrim(module, sides), text.x, text.y);
    }
    const set = decode(args[1], scope);
    for (const which of ['leading', 'trailing'] as const) {
      if (sides !== 'both' && sides !== which) continue;
      const func = emitTrimSet(module, which);
      text = answered(scope, isNull, func, text.x, text.y, set.x, set.y);
    }
    return text;
  };
}

const replace: Build = (args, _, scope) => {
  const [text, from, to] = args.map((arg) => decode(arg, scope));
  const func = emitReplace(scope.query.module, roomFunction(scope));
  const { local } = scope.pipeline;
  const parts = [text.x, text.y, from.x, from.y, to.x, to.y];
  return checkLength(answered(scope, nullOfAny(args), func, local, ...parts), scope);
};

/** A delimiter without bytes splits a text into its characters. */
const splitPart: Build = (args, _, scope) => {
  const { f, query } = scope;
  const [text, delimiter] = args.slice(0, 2).map((arg) => decode(arg, scope));
  const isNull = nullOfAny(args);
  const n = clamped(args[2], scope);
  const x = f.local('i32', 'part');
  const y = f.local('i32', 'part_length');
  const split = emitSplitPart(query.module);
  const cut = emitSubstring(query.module);
  const run = () => {
    f.if(
      delimiter.y,
      () => f.setMulti([x, y], split.callMulti(text.x, text.y, delimiter.x, delimiter.y, n)),
      () => f.setMulti([x, y], cut.callMulti(text.x, text.y, n, 1)),
    );
  };
  if (isNull === undefined) run();
  else f.if(i32.eqz(isNull), run);
  return { form: 'string', x, y, isNull };
};

const translate: Build = (args, _, scope) => {
  const [text, from, to] = args.map((arg) => decode(arg, scope));
  const func = emitTranslate(scope.query.module);
  const bytes = i32.add(i32.shl(text.y, 2), 32);
  return writtenText(scope, nullOfAny(args), bytes, (out) =>
    func.call(text.x, text.y, from.x, from.y, to.x, to.y, out),
  );
};

/** The code point of the first character, or `missing`. */
function firstCode(missing: number): Build {
  return ([value], _, scope) => {
    const text = decode(value, scope);
    const { isNull } = text;
    const func = emitFirstCode(scope.query.module);
    // Of a NULL nothing is read.
    const y = isNull === undefined ? text.y : i32.select(isNull, 0, text.y);
    const x = i64.extendI32S(func.call(text.x, y, missing));
    return { form: 'int', x, range: rangeOf(BigInt(missing), 0x10ffffn), isNull };
  };
}

const character: Build = ([value], _, scope) => {
  const { x, isNull } = expectInt(value);
  const surrogate = i64.ltU(i64.sub(x, 0xd800n), 0x800n);
  const invalid = i32.or(i64.gtU(x, 0x10ffffn), surrogate);
  failIf(scope, invalid, isNull, failure.invalidCodePoint);
  return writtenText(scope, isNull, 16, (out) => {
    const { f } = scope;
    const end = f.let(out, 'character_end');
    emitEncode(f, f.let(i32.wrapI64(x), 'code'), end);
    return end;
  });
};

function pad(which: 'left' | 'right'): Build {
  return (args, _, scope) => {
    const [text, filler] = [args[0], args[2]].map((arg) => decode(arg, scope));
    const { x } = expectInt(args[1]);
    const func = emitPad(scope.query.module, which, roomFunction(scope));
    const { local } = scope.pipeline;
    const isNull = nullOfAny(args);
    const made = answered(scope, isNull, func, local, text.x, text.y, x, filler.x, filler.y);
    failIf(scope, i32.eq(made.y, -2), isNull, failure.nothingToPadWith);
    return checkLength(made, scope);
  };
}

const repeat: Build = (args, _, scope) => {
  const text = decode(args[0], scope);
  const { x } = expectInt(args[1]);
  const func = emitRepeat(scope.query.module, roomFunction(scope));
  const made = answered(scope, nullOfAny(args), func, scope.pipeline.local, text.x, text.y, x);
  return checkLength(made, scope);
};

const reverse: Build = ([value], _, scope) => {
  const text = decode(value, scope);
  const table = tableAt(clusterTables().bytes, scope);
  const func = emitReverse(scope.query.module);
  return writtenText(scope, text.isNull, i32.add(text.y, 16), (out) =>
    func.call(text.x, text.y, out, table),
  );
};

const bitLength: Build = ([value], _, scope) => {
  const { y, isNull } = decode(value, scope);
  return { form: 'int', x: i64.extendI32U(i32.shl(y, 3)), range: rangeOf(0n, 2n ** 34n), isNull };
};

const concat: Build = (args, _, scope) => {
  const { f, query, pipeline } = scope;
  const isNull = nullOfAny(args);
  const parts = args.map((arg) => decode(arg, scope));
  const x = f.local('i32', 'joined');
  const y = f.local('i32', 'joined_length');
  const run = () => {
    f.set(y, sumOf(parts.map((part) => part.y)));
    failIf(scope, i32.ltS(y, 0), undefined, failure.textTooLong);
    f.set(x, textRoom(scope, i32.add(y, copySlack)));
    const at = f.let(x, 'at');
    for (const part of parts) {
      f.call(emitStringCopy(query.module), at, part.x, part.y);
      f.set(at, i32.add(at, part.y));
    }
    f.do(i32.store(pipeline.local, at, query.textSlot()));
  };
  if (isNull === undefined) run();
  else f.if(i32.eqz(isNull), run);
  return { form: 'string', x, y, isNull };
};

/** A sum of lengths; below 0 where it is more than a text may have. */
function sumOf(lengths: readonly Expr[]): Expr {
  const total = lengths
    .map((length) => i64.extendI32U(length))
    .reduce<Expr>((sum, length) => i64.add(sum, length), i64.const(0));
  const limit = i64.const(2n ** 30n);
  return i32.wrapI64(i64.or(total, i64.sub(0n, i64.extendI32U(i64.gtU(total, limit)))));
}

/** The parts that are not NULL, with a separator between them. */
export function compileJoined(
  args: readonly Value[],
  _: CallExpression,
  scope: Scope,
): StringValue {
  const { f, query, pipeline } = scope;
  const [separator, ...parts] = args.map((arg) => decode(arg, scope));
  const { isNull } = separator;
  const x = f.local('i32', 'joined');
  const y = f.local('i32', 'joined_length');
  const copy = emitStringCopy(query.module);
  const run = () => {
    const lengths = parts.map((part) => {
      const both = i32.add(part.y, separator.y);
      return part.isNull === undefined ? both : i32.select(part.isNull, 0, both);
    });
    f.set(y, sumOf(lengths));
    failIf(scope, i32.ltS(y, 0), undefined, failure.textTooLong);
    f.set(x, textRoom(scope, i32.add(y, copySlack)));
    const at = f.let(x, 'at');
    const some = f.let(i32.const(0), 'some');
    for (const part of parts) {
      const append = () => {
        f.if(some, () => {
          f.call(copy, at, separator.x, separator.y);
          f.set(at, i32.add(at, separator.y));
        });
        f.call(copy, at, part.x, part.y);
        f.set(at, i32.add(at, part.y));
        f.set(some, 1);
      };
      if (part.isNull === undefined) append();
      else f.if(i32.eqz(part.isNull), append);
    }
    f.set(y, i32.sub(at, x));
    f.do(i32.store(pipeline.local, at, query.textSlot()));
  };
  if (isNull === undefined) run();
  else f.if(i32.eqz(isNull), run);
  return { form: 'string', x, y, isNull };
}

export const textFunctions: Readonly<Record<string, Build>> = {
  upper: changeCase('upper'),
  lower: changeCase('lower'),
  substring,
  left: side('left'),
  right: side('right'),
  trim: trim('both'),
  ltrim: trim('leading'),
  rtrim: trim('trailing'),
  replace,
  split_part: splitPart,
  translate,
  ascii: firstCode(0),
  unicode: firstCode(-1),
  chr: character,
  lpad: pad('left'),
  rpad: pad('right'),
  repeat,
  reverse,
  bit_length: bitLength,
  concat,
};
