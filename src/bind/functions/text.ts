import { call, constant, type Expression } from '../../plan/expression.ts';
import {
  bigintType,
  blobType,
  booleanType,
  integerType,
  type SqlType,
  varcharType,
} from '../../value/type.ts';
import { castTo } from '../types/cast.ts';
import { isOpen } from '../types/common.ts';
import { type CallSite, custom, define, fixed, type Overload } from './overload.ts';

const text = varcharType;
const count = bigintType;

const unary = (lowered: string, result: SqlType): Overload => fixed(lowered, [text], result);
const twoTexts = [text, text] as const;

export const textFunctions = [
  define(
    'length char_length character_length len',
    'the number of characters (code points)',
    ["length('日本')", '2'],
    unary('length', bigintType),
  ),
  define(
    'octet_length strlen',
    'the number of bytes, of a text in UTF-8',
    ["strlen('日本')", '6'],
    unary('octet_length', bigintType),
    fixed('octet_length', [blobType], bigintType),
  ),
  define(
    'bit_length',
    'the number of bits of the text in UTF-8',
    ["bit_length('a')", '8'],
    unary('bit_length', bigintType),
  ),
  define(
    'upper ucase',
    'the text in upper case, letter for letter',
    ["upper('Straße')", 'STRAẞE'],
    unary('upper', text),
  ),
  define(
    'lower lcase',
    'the text in lower case, letter for letter',
    ["lower('ÄbC')", 'äbc'],
    unary('lower', text),
  ),
  define(
    'trim btrim',
    'the text without spaces, or the characters of the second text, at both ends',
    ["trim('xyaxy', 'xy')", 'a'],
    fixed('trim', twoTexts, text, 1),
  ),
  define(
    'ltrim',
    'the same at the beginning only',
    ["ltrim('  a ')", 'a '],
    fixed('ltrim', twoTexts, text, 1),
  ),
  define(
    'rtrim',
    'the same at the end only',
    ["rtrim('abcc', 'c')", 'ab'],
    fixed('rtrim', twoTexts, text, 1),
  ),
  define(
    'substring substr',
    'the part from a character on, counted from 1 or, below 0, from the end, of a length',
    ["substring('hello', 2, 3)", 'ell'],
    fixed('substring', [text, count, count], text, 1),
  ),
  define(
    'left',
    'the first n characters; for n below 0, all but the last -n',
    ["left('hello', 2)", 'he'],
    fixed('left', [text, count], text),
  ),
  define(
    'right',
    'the last n characters; for n below 0, all but the first -n',
    ["right('hello', -2)", 'llo'],
    fixed('right', [text, count], text),
  ),
  define(
    'starts_with prefix',
    'whether the text begins with the other; also written text ^@ prefix',
    ["starts_with('hello', 'he')", 'true'],
    fixed('starts_with', twoTexts, booleanType),
  ),
  define(
    'ends_with suffix',
    'whether the text ends with the other',
    ["ends_with('hello', 'lo')", 'true'],
    fixed('ends_with', twoTexts, booleanType),
  ),
  define(
    'contains',
    'whether the other text is a part of it',
    ["contains('hello', 'ell')", 'true'],
    fixed('contains', twoTexts, booleanType),
  ),
  define(
    'strpos instr',
    'at which character the other text begins, 0 if it is not there; also position(part in text)',
    ["strpos('hello', 'l')", '3'],
    custom('(VARCHAR, VARCHAR)', takesTwoTexts, bindPosition),
  ),
  define(
    'replace',
    'with every occurrence of the second text replaced by the third',
    ["replace('banana', 'an', 'o')", 'booa'],
    fixed('replace', [text, text, text], text),
  ),
  define(
    'split_part',
    'the n-th part between delimiters, from the end for n below 0; empty if there is none',
    ["split_part('a-b-c', '-', 2)", 'b'],
    fixed('split_part', [text, text, count], text),
  ),
  define(
    'translate',
    'each character of the second text replaced by that of the third at the same place, or removed',
    ["translate('12.5', '.', ',')", '12,5'],
    fixed('translate', [text, text, text], text),
  ),
  define(
    'ascii',
    'the code point of the first character, 0 if there is none',
    ["ascii('A')", '65'],
    unary('ascii', integerType),
  ),
  define(
    'unicode ord',
    'the code point of the first character, -1 if there is none',
    ["unicode('€')", '8364'],
    unary('unicode', integerType),
  ),
  define('chr', 'the character of a code point', ['chr(8364)', '€'], fixed('chr', [count], text)),
  define(
    'lpad',
    'filled up on the left with a text, or cut, to a number of characters',
    ["lpad('7', 3, '0')", '007'],
    fixed('lpad', [text, count, text], text),
  ),
  define(
    'rpad',
    'the same on the right',
    ["rpad('7', 3, '.')", '7..'],
    fixed('rpad', [text, count, text], text),
  ),
  define(
    'repeat',
    'the text so many times',
    ["repeat('ab', 3)", 'ababab'],
    fixed('repeat', [text, count], text),
  ),
  define(
    'reverse',
    'the characters in reverse order; accents stay on their letters',
    ["reverse('abc')", 'cba'],
    unary('reverse', text),
  ),
  define(
    'concat',
    'the arguments as texts one after another, NULLs left out; the operator || is NULL of a NULL',
    ["concat('a', NULL, 1)", 'a1'],
    custom('(any, …)', (args) => args.length > 0, bindConcat),
  ),
  define(
    'concat_ws',
    'the arguments behind the first as texts, the first between them, NULLs left out',
    ["concat_ws('-', 'a', NULL, 1)", 'a-1'],
    custom('(VARCHAR, any, …)', (args) => args.length > 1, bindConcatWith),
  ),
];

function takesTwoTexts(args: readonly Expression[]): boolean {
  return args.length === 2 && args.every((arg) => arg.type.kind === 'varchar' || isOpen(arg));
}

/** strpos(text, part) is position(part, text). */
function bindPosition({ context, args, span }: CallSite): Expression {
  const [value, part] = args.map((arg) => castTo(context, arg, varcharType, span));
  return call('position', [part, value], bigintType);
}

/** The function concat takes NULL for an empty text; the operator || does not. */
function bindConcat({ context, args, span }: CallSite): Expression {
  const empty = constant('', varcharType);
  const parts = args.map((arg) => {
    const part = castTo(context, arg, varcharType, span);
    return part.nullable ? call('coalesce', [part, empty], varcharType, false) : part;
  });
  return parts.length === 1 ? parts[0] : call('concat', parts, varcharType);
}

function bindConcatWith({ context, args, span }: CallSite): Expression {
  const parts = args.map((arg) => castTo(context, arg, varcharType, span));
  return call('concat_ws', parts, varcharType, parts[0].nullable);
}
