/** format and printf: a literal format is taken apart here and becomes a sum of texts. */
import { sqlState } from '../../base/error.ts';
import { call, constant, type Expression } from '../../plan/expression.ts';
import type { Span } from '../../sql/ast/node.ts';
import {
  bigintType,
  doubleType,
  isFloat,
  isInteger,
  typeName,
  varcharType,
} from '../../value/type.ts';
import type { BindContext } from '../context.ts';
import { BindError, notSupported } from '../error.ts';
import { castTo } from '../types/cast.ts';
import { type CallSite, custom, define } from './overload.ts';

/** How an argument is to be written. */
interface Directive {
  /** As it was written, for errors. */
  readonly source: string;
  readonly argument: number;
  readonly fill: string;
  readonly align: '<' | '>' | '^' | undefined;
  /** What stands before numbers that are not negative. */
  readonly sign: '' | '+' | ' ';
  readonly zeros: boolean;
  readonly width: number;
  /** What stands between thousands. */
  readonly separator: string;
  readonly precision: number | undefined;
  /** d, x, X, b, f, s; empty for what suits the argument. */
  readonly type: string;
  /** Whether negative numbers are written in base 16 as their 64 bits. */
  readonly wraps: boolean;
}

type Piece = string | Directive;

const precisionMax = 100;
const widthMax = 10_000;

export const formatFunctions = [
  define(
    'format',
    'the format with {} or {0} replaced by the arguments, written as in {:<8} {:>8} {:^8} {:*>8} ' +
      '{:08d} {:+d} {:,} {:x} {:b} {:.2f} {:.3s}',
    ["format('{} = {:.2f}', 'x', 2.5)", 'x = 2.50'],
    custom('(format, any, …)', takesFormat, (site) => bindFormatted(site, splitBraces)),
  ),
  define(
    'printf',
    'the format with %d, %s and their kin replaced by the arguments: %8d %-8s %08d %+d %,d %x %.2f',
    ["printf('%s = %.2f', 'x', 2.5)", 'x = 2.50'],
    custom('(format, any, …)', takesFormat, (site) => bindFormatted(site, splitPercents)),
  ),
];

function takesFormat(args: readonly Expression[]): boolean {
  const kind = args[0]?.type.kind;
  return kind === 'varchar' || kind === 'null';
}

function wrong(what: string, span: Span): never {
  throw new BindError(sqlState.invalidParameterValue, what, span);
}

const bracesPattern = /\{\{|\}\}|\{(\d*)(?::([^{}]*))?\}|[{}]/g;
const specPattern = /^(?:(.)?([<>^]))?([-+ ])?(0)?(\d+)?([,_])?(?:\.(\d+))?([a-zA-Z])?$/u;

/** The pieces of a format of the kind of Python's. */
function splitBraces(format: string, span: Span): Piece[] {
  let next = 0;
  return split(format, bracesPattern, (match): Piece => {
    const [source, index, spec = ''] = match;
    if (source === '{{' || source === '}}') return source[0];
    if (source.length === 1) wrong(`"${source}" without its other brace in the format`, span);
    const parts = specPattern.exec(spec);
    if (parts === null) notSupported(`the directive ${source}`, span);
    const [, fill = ' ', align, sign, zeros, width, separator = '', precision, type = ''] = parts;
    return {
      source,
      argument: index === undefined || index === '' ? next++ : Number(index),
      fill,
      align: align as Directive['align'],
      sign: sign === '+' || sign === ' ' ? sign : '',
      zeros: zeros !== undefined && align === undefined,
      width: Number(width ?? 0),
      separator,
      precision: precision === undefined ? undefined : Number(precision),
      type: type === 'F' ? 'f' : type,
      wraps: false,
    };
  });
}

const percentPattern = /%(?:(\d+)\$)?([-+ 0,]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])|%/g;

/** The pieces of a format of the kind of C's. */
function splitPercents(format: string, span: Span): Piece[] {
  let next = 0;
  return split(format, percentPattern, (match): Piece => {
    const [source, index, flags = '', width, precision, type] = match;
    if (source === '%%') return '%';
    if (type === undefined || type === '%') notSupported(`a directive of the format`, span);
    const isText = type === 's';
    return {
      source,
      argument: index === undefined ? next++ : Number(index) - 1,
      fill: ' ',
      align: flags.includes('-') ? '<' : '>',
      sign: flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '',
      zeros: flags.includes('0') && !flags.includes('-') && !isText,
      width: Number(width ?? 0),
      separator: flags.includes(',') ? ',' : '',
      precision: precision === undefined ? undefined : Number(precision),
      type: type === 'i' || type === 'u' ? 'd' : type === 'F' ? 'f' : type,
      wraps: true,
    };
  });
}

function split(
  format: string,
  pattern: RegExp,
  directive: (match: RegExpExecArray) => Piece,
): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of format.matchAll(pattern)) {
    pieces.push(format.slice(from, match.index), directive(match));
    from = match.index + match[0].length;
  }
  return [...pieces, format.slice(from)].filter((piece) => piece !== '');
}

function bindFormatted(
  { context, args, span, argSpans }: CallSite,
  pieces: (format: string, span: Span) => Piece[],
): Expression {
  const at = argSpans?.[0] ?? span;
  const [format, ...values] = args;
  if (format.kind !== 'constant') notSupported('a format that is not a literal', at);
  if (format.value === null) return constant(null, varcharType);
  const parts = pieces(format.value as string, at).map((piece) => {
    if (typeof piece === 'string') return constant(piece, varcharType);
    const value = values[piece.argument];
    if (value === undefined) {
      wrong(`the format has ${piece.source}, but there is no such argument`, at);
    }
    return formatted(context, value, piece, argSpans?.[piece.argument + 1] ?? span);
  });
  // An argument that is not used makes the text NULL, too.
  const unused = values.filter((_, i) => !usesArgument(pieces(format.value as string, at), i));
  const all = [...parts, ...unused.map((value) => emptyUnlessNull(context, value, span))];
  if (all.length === 0) return constant('', varcharType);
  return all.length === 1 ? all[0] : call('concat', all, varcharType);
}

function usesArgument(pieces: readonly Piece[], index: number): boolean {
  return pieces.some((piece) => typeof piece !== 'string' && piece.argument === index);
}

function emptyUnlessNull(context: BindContext, value: Expression, span: Span): Expression {
  const text = castTo(context, value, varcharType, span);
  return call('left', [text, constant(0n, bigintType)], varcharType);
}

function formatted(
  context: BindContext,
  value: Expression,
  directive: Directive,
  span: Span,
): Expression {
  const { width, precision, source } = directive;
  if (width > widthMax || (precision ?? 0) > precisionMax) {
    wrong(`${source} asks for more than ${widthMax} characters or ${precisionMax} places`, span);
  }
  const isNumber = isInteger(value.type) || isFloat(value.type) || value.type.kind === 'decimal';
  if (!isNumber) {
    const text = textual(context, value, directive, span);
    return aligned(text, directive, '<');
  }
  const text = isInteger(value.type)
    ? whole(context, value, directive, span)
    : floating(context, value, directive, span);
  return aligned(styled(text, directive), directive, '>');
}

function unsuitable({ source }: Directive, value: Expression, span: Span): never {
  wrong(`${source} does not suit an argument of type ${typeName(value.type)}`, span);
}

function textual(
  context: BindContext,
  value: Expression,
  directive: Directive,
  span: Span,
): Expression {
  const { type, precision, sign, separator, zeros } = directive;
  if (type !== '' && type !== 's') unsuitable(directive, value, span);
  if (sign !== '' || separator !== '' || zeros) unsuitable(directive, value, span);
  const text = castTo(context, value, varcharType, span);
  if (precision === undefined) return text;
  return call('left', [text, constant(BigInt(precision), bigintType)], varcharType);
}

function whole(
  context: BindContext,
  value: Expression,
  directive: Directive,
  span: Span,
): Expression {
  const { type, precision, wraps, source } = directive;
  if (type === 'f') return floating(context, value, directive, span);
  if (precision !== undefined) unsuitable(directive, value, span);
  if (type === '' || type === 'd') return castTo(context, value, varcharType, span);
  const lowered = type === 'b' ? 'bin' : type === 'x' || type === 'X' ? 'hex' : undefined;
  if (lowered === undefined) {
    if (type === 's') unsuitable(directive, value, span);
    notSupported(`the directive ${source}`, span);
  }
  if (value.type.kind === 'hugeint') notSupported(`the directive ${source} for a HUGEINT`, span);
  const number = castTo(context, value, bigintType, span);
  const inCase = (text: Expression) => (type === 'X' ? text : call('lower', [text], varcharType));
  if (wraps) return inCase(call(lowered, [number], varcharType));
  const digits = inCase(call(lowered, [call('abs', [number], bigintType)], varcharType));
  const isNegative = call('lt', [number, constant(0n, bigintType)], { kind: 'boolean' });
  const then = call('concat', [constant('-', varcharType), digits], varcharType);
  return {
    kind: 'case',
    branches: [{ when: isNegative, then }],
    otherwise: digits,
    type: varcharType,
    nullable: value.nullable,
  };
}

function floating(
  context: BindContext,
  value: Expression,
  directive: Directive,
  span: Span,
): Expression {
  const { type, precision, source } = directive;
  if (type === 'd' || type === 'x' || type === 'X' || type === 'b' || type === 's') {
    unsuitable(directive, value, span);
  }
  if (type === 'f') {
    const number = castTo(context, value, doubleType, span);
    const places = constant(BigInt(precision ?? 6), bigintType);
    return call('fixed_text', [number, places], varcharType);
  }
  if (type !== '' || precision !== undefined) notSupported(`the directive ${source}`, span);
  const single = value.type.kind === 'real';
  const number = single ? value : castTo(context, value, doubleType, span);
  return castTo(context, number, varcharType, span);
}

/** Digits with sign, separators of thousands and zeros before them. */
function styled(text: Expression, { sign, separator, zeros, width }: Directive): Expression {
  if (sign === '' && separator === '' && !zeros) return text;
  const style = constant(sign + separator, varcharType);
  const zerosTo = constant(BigInt(zeros ? width : 0), bigintType);
  return call('number_style', [text, style, zerosTo], varcharType);
}

function aligned(text: Expression, directive: Directive, usual: '<' | '>'): Expression {
  const { width, zeros, align = usual, fill } = directive;
  if (width === 0 || zeros) return text;
  const length = call('length', [text], bigintType);
  const size = constant(BigInt(width), bigintType);
  const target = call('greatest', [length, size], bigintType);
  const filler = constant(fill, varcharType);
  if (align === '<') return call('rpad', [text, target, filler], varcharType);
  if (align === '>') return call('lpad', [text, target, filler], varcharType);
  const both = call('add', [length, target], bigintType);
  const half = call('divide', [both, constant(2n, bigintType)], bigintType);
  const left = call('lpad', [text, half, filler], varcharType);
  return call('rpad', [left, target, filler], varcharType);
}
