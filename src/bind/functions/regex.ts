import { call, constant, type Expression } from '../../plan/expression.ts';
import { RegexError } from '../../regex/error.ts';
import { parseOptions } from '../../regex/options.ts';
import { type ParsedRegex, parseRegex } from '../../regex/parse.ts';
import { parseReplacement } from '../../regex/replacement.ts';
import type { Regex } from '../../regex/syntax.ts';
import type { Span } from '../../sql/ast/node.ts';
import { bigintType, booleanType, isInteger, varcharType } from '../../value/type.ts';
import type { BindContext } from '../context.ts';
import { BindError, locate, notSupported } from '../error.ts';
import { noOperator } from '../expression/arithmetic.ts';
import { castTo } from '../types/cast.ts';
import { isOpen } from '../types/common.ts';
import { type CallSite, custom, define, fixed } from './overload.ts';

export const regexFunctions = [
  define(
    'regexp_matches regexp_like',
    'whether a part of the text matches the pattern; options: i in any case, s the point matches ' +
      'a newline, l the pattern is plain text',
    ["regexp_matches('banana', '(an)+')", 'true'],
    custom('(VARCHAR, pattern, [options])', takesTexts(2, 3), (site) =>
      bindMatches('regexp_matches', site),
    ),
  ),
  define(
    'regexp_full_match',
    'whether all of the text matches it; also written text ~ pattern and text SIMILAR TO pattern, ' +
      'in any case ~*, negated !~ and !~*',
    ["regexp_full_match('banana', 'b(an)+a')", 'true'],
    custom('(VARCHAR, pattern, [options])', takesTexts(2, 3), (site) =>
      bindMatches('regexp_full_match', site),
    ),
  ),
  define(
    'regexp_extract',
    'what the first match or, with a number from 1, a group of it has of the text; empty if there is none',
    ["regexp_extract('2024-02-29', '-(\\d+)', 1)", '02'],
    custom('(VARCHAR, pattern, [group], [options])', takesGroup, bindExtract),
  ),
  define(
    'regexp_replace',
    'with the first match or, with the option g, all of them replaced; \\1 to \\9 in the ' +
      'replacement are groups, \\0 is the match, \\\\ a backslash',
    ["regexp_replace('a1b22', '(\\d+)', '<\\1>', 'g')", 'a<1>b<22>'],
    custom('(VARCHAR, pattern, replacement, [options])', takesTexts(3, 4), bindReplace),
  ),
  define(
    'regexp_escape',
    'the text as a pattern that matches nothing else',
    ["regexp_escape('a.b')", 'a\\.b'],
    fixed('regexp_escape', [varcharType], varcharType),
  ),
];

function isTextual(arg: Expression): boolean {
  return arg.type.kind === 'varchar' || isOpen(arg);
}

function takesTexts(least: number, most: number) {
  return (args: readonly Expression[]): boolean =>
    args.length >= least && args.length <= most && args.every(isTextual);
}

function takesGroup(args: readonly Expression[]): boolean {
  const [text, pattern, group, options] = args;
  if (args.length < 2 || args.length > 4) return false;
  const isNumber = group === undefined || isInteger(group.type) || group.type.kind === 'null';
  return isTextual(text) && isTextual(pattern) && isNumber && (!options || isTextual(options));
}

function bindMatches(name: string, site: CallSite): Expression {
  const texts = asTexts(site);
  const letters = optionsOf(site, texts[2], false);
  const parsed = checkPattern(site, texts[1], letters);
  const like = parsed && likePattern(parsed.root, name === 'regexp_full_match');
  if (like !== undefined) return call('like', [texts[0], constant(like, varcharType)], booleanType);
  return call(name, withOptions(texts.slice(0, 2), letters), booleanType);
}

/** The pattern of LIKE that does the same, for plain text: it is searched for faster. */
function likePattern(root: Regex, whole: boolean): string | undefined {
  const parts = root.kind === 'sequence' ? root.parts : [root];
  let text = '';
  for (const part of parts) {
    const [[first, last] = [0, 1]] = part.kind === 'character' ? part.set : [];
    if (part.kind !== 'character' || part.set.length !== 1 || first !== last) return undefined;
    text += String.fromCodePoint(first);
  }
  if (/[%_\\]/.test(text)) return undefined;
  return whole ? text : `%${text}%`;
}

/** text ~ pattern and its kin: all of the text must match, as in DuckDB. */
export function bindFullMatch(
  context: BindContext,
  args: readonly Expression[],
  span: Span,
  argSpans: readonly Span[],
  ignoreCase = false,
): Expression {
  if (!args.every(isTextual)) noOperator('~', args[0].type, args[1].type, span);
  const site: CallSite = { context, name: '~', args, span, argSpans };
  const texts = asTexts(site);
  const letters = ignoreCase ? 'i' : '';
  checkPattern(site, texts[1], letters);
  return call('regexp_full_match', withOptions(texts, letters), booleanType);
}

function bindExtract(site: CallSite): Expression {
  const { args } = site;
  const texts = asTexts({ ...site, args: args.filter((_, i) => i !== 2) });
  const letters = optionsOf(site, texts[2], false, 3);
  checkPattern(site, texts[1], letters);
  const group = groupOf(site);
  return call('regexp_extract', withOptions([texts[0], texts[1], group], letters), varcharType);
}

/** Groups that the pattern does not have are empty. */
const groupMax = 99n;

function groupOf({ args, span, argSpans }: CallSite): Expression {
  const group = args[2];
  if (group === undefined) return constant(0n, bigintType);
  const at = argSpans?.[2] ?? span;
  if (group.kind !== 'constant') notSupported('the number of a group that is not a literal', at);
  if (group.value === null) return constant(null, bigintType);
  const number = group.value as bigint;
  if (number < 0n || number > groupMax) {
    throw new BindError('22023', `the number of a group is between 0 and ${groupMax}`, at);
  }
  return constant(number, bigintType);
}

function bindReplace(site: CallSite): Expression {
  const texts = asTexts(site);
  const letters = optionsOf(site, texts[3], true);
  const parsed = checkPattern(site, texts[1], letters);
  const at = site.argSpans?.[2] ?? site.span;
  const replacement = texts[2];
  if (replacement.kind !== 'constant') notSupported('a replacement that is not a literal', at);
  const { value } = replacement;
  if (parsed !== undefined && typeof value === 'string') {
    locate(at, () => parseReplacement(value, parsed.groups));
  }
  return call('regexp_replace', withOptions(texts.slice(0, 3), letters), varcharType);
}

function asTexts({ context, args, span, argSpans }: CallSite): Expression[] {
  return args.map((arg, i) => castTo(context, arg, varcharType, argSpans?.[i] ?? span));
}

function withOptions(args: readonly Expression[], letters: string): readonly Expression[] {
  return letters === '' ? args : [...args, constant(letters, varcharType)];
}

/** The options of a call, checked, in their shortest form. */
function optionsOf(
  { span, argSpans }: CallSite,
  given: Expression | undefined,
  replaces: boolean,
  index = replaces ? 3 : 2,
): string {
  if (given === undefined) return '';
  const at = argSpans?.[index] ?? span;
  if (given.kind !== 'constant') notSupported('options that are not a literal', at);
  if (typeof given.value !== 'string') {
    throw new BindError('22004', 'the options of a regular expression must not be NULL', at);
  }
  const letters = given.value;
  const { ignoreCase, dotAll, literal, global } = locate(at, () => parseOptions(letters));
  if (global && !replaces) {
    throw new BindError('22023', 'the option g is for regexp_replace only', at);
  }
  return [ignoreCase && 'i', dotAll && 's', literal && 'l', global && 'g']
    .filter((letter) => letter !== false)
    .join('');
}

/** Checks a pattern that is a literal: an error shows its place in the statement. */
function checkPattern(
  { span, argSpans }: CallSite,
  pattern: Expression,
  letters: string,
): ParsedRegex | undefined {
  if (pattern.kind !== 'constant' || typeof pattern.value !== 'string') return undefined;
  try {
    return parseRegex(pattern.value, parseOptions(letters));
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    const { value } = pattern;
    throw new BindError(error.code, error.message, placeIn(argSpans?.[1] ?? span, value, error));
  }
}

/** Where an offset of the pattern stands, if the literal is written as it is, between quotes. */
function placeIn(literal: Span, pattern: string, { offset }: RegexError): Span {
  if (literal.end - literal.start !== pattern.length + 2) return literal;
  const start = literal.start + 1 + Math.min(offset, pattern.length);
  return { start, end: start + 1 };
}
