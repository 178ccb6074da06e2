/**
 * Operators and how tightly they bind, once for the lexer, the parser and the printer. Precedences
 * are PostgreSQL's (manual, chapter "Lexical Structure", section "Operator Precedence").
 */

export const precedence = {
  lowest: 0,
  or: 1,
  and: 2,
  not: 3,
  is: 4,
  comparison: 5,
  /** BETWEEN, IN, LIKE, ILIKE, SIMILAR TO, GLOB. */
  containment: 6,
  /** Every operator without a level of its own: ||, ->, &, @>, … */
  other: 7,
  additive: 8,
  multiplicative: 9,
  power: 10,
  atTimeZone: 11,
  collate: 12,
  sign: 13,
  subscript: 14,
  cast: 15,
  highest: 16,
} as const;

export type BinaryOperator =
  | ComparisonOperator
  | '+'
  | '-'
  | '*'
  | '/'
  | '//'
  | '%'
  | '^'
  | '||'
  | '->'
  | '->>'
  | '~'
  | '~*'
  | '!~'
  | '!~*'
  | '~~'
  | '~~*'
  | '!~~'
  | '!~~*'
  | '~~~'
  | '^@'
  | '@>'
  | '<@'
  | '&&'
  | '&'
  | '|'
  | '#'
  | '<<'
  | '>>'
  | '<=>'
  | '<->';

export type ComparisonOperator = '=' | '<>' | '<' | '<=' | '>' | '>=';

export type UnaryOperator = '-' | '+' | '~' | '@';

export interface OperatorEntry {
  readonly operator: BinaryOperator;
  readonly precedence: number;
}

function entries(level: number, ...operators: BinaryOperator[]): [string, OperatorEntry][] {
  return operators.map((operator) => [operator, { operator, precedence: level }]);
}

/** By the symbol as written; synonyms share an entry. */
export const binaryOperators: ReadonlyMap<string, OperatorEntry> = new Map([
  ...entries(precedence.comparison, '=', '<>', '<', '<=', '>', '>='),
  ['==', { operator: '=', precedence: precedence.comparison }],
  ['!=', { operator: '<>', precedence: precedence.comparison }],
  ...entries(precedence.other, '||', '->', '->>', '~', '~*', '!~', '!~*', '~~', '~~*', '!~~'),
  ...entries(precedence.other, '!~~*', '~~~', '^@', '@>', '<@', '&&', '&', '|', '#', '<<', '>>'),
  ...entries(precedence.other, '<=>', '<->'),
  ...entries(precedence.additive, '+', '-'),
  ...entries(precedence.multiplicative, '*', '/', '//', '%'),
  ...entries(precedence.power, '^'),
  ['**', { operator: '^', precedence: precedence.power }],
]);

export const unaryOperators: ReadonlySet<string> = new Set<UnaryOperator>(['-', '+', '~', '@']);

export function isComparison(operator: string): operator is ComparisonOperator {
  return binaryOperators.get(operator)?.precedence === precedence.comparison;
}

const punctuation = ['(', ')', '[', ']', '{', '}', ',', ';', '.', ':', '::', ':=', '=>', '?'];

/** All symbols; the lexer takes the longest that fits. */
export const symbols: ReadonlySet<string> = new Set([
  ...binaryOperators.keys(),
  ...unaryOperators,
  ...punctuation,
]);

export const symbolLengthMax = Math.max(...[...symbols].map((symbol) => symbol.length));
