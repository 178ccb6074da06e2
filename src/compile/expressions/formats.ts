import { assert } from '../../base/assert.ts';
import { type Expr, i32 } from '../../wasm/index.ts';
import { emitNumberStyle } from '../kernels/number-style.ts';
import { nullOfAny } from '../value.ts';
import type { Build } from './build.ts';
import { fold } from './compile.ts';
import { decode } from './strings.ts';
import { writtenText } from './text-room.ts';

/** The sign, the digits of the largest double and the point. */
const wholeDigitsMax = 320;

/** What the host writes: exact digits of doubles need arithmetic of any width. */
const fixed: Build = (args, expression, scope) => {
  const [value] = args;
  assert(value.form === 'float', 'checked by the binder');
  const places = Number(fold(expression.args[1])?.value ?? 0);
  const func = scope.query.fixedText();
  return writtenText(scope, nullOfAny(args), wholeDigitsMax + places, (out) =>
    func.call(value.x, places, out),
  );
};

const style: Build = (args, expression, scope) => {
  const [, styleArg, widthArg] = expression.args.map(fold);
  const marks = String(styleArg?.value ?? '');
  const width = Number(widthArg?.value ?? 0);
  const plus = /^[+ ]/.test(marks) ? marks.charCodeAt(0) : 0;
  const separator = marks.slice(plus === 0 ? 0 : 1).charCodeAt(0) || 0;
  const text = decode(args[0], scope);
  const room: Expr = i32.add(i32.shl(text.y, 1), width + 16);
  const func = emitNumberStyle(scope.query.module);
  return writtenText(scope, nullOfAny(args), room, (out) =>
    func.call(text.x, text.y, plus, separator, width, out),
  );
};

export const formatFunctions: Readonly<Record<string, Build>> = {
  fixed_text: fixed,
  number_style: style,
};
