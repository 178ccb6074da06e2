import type {
  Binary,
  Expression,
  IsBoolean,
  Like,
  Logical,
  Quantified,
  Unary,
} from '../ast/expression.ts';
import {
  type BinaryOperator,
  binaryOperators,
  isComparison,
  precedence,
  type UnaryOperator,
  unaryOperators,
} from '../operators.ts';
import type { Parser } from './parser.ts';
import { parsePrimary } from './primary.ts';
import { parseQuery } from './query.ts';
import { parseTypeName } from './type-name.ts';

/**
 * Pratt's top-down operator precedence parsing (POPL 1973): an operand, then every operator that
 * binds more tightly than `level`.
 */
export function parseExpression(p: Parser, level: number = precedence.lowest): Expression {
  p.enter();
  let left = parseOperand(p);
  for (;;) {
    const next = parseOperator(p, left, level);
    if (next === undefined) break;
    left = next;
  }
  p.leave();
  return left;
}

function parseOperand(p: Parser): Expression {
  const start = p.token;
  if (start.kind === 'symbol' && unaryOperators.has(start.text)) {
    p.advance();
    const operator = start.text as UnaryOperator;
    const level = operator === '-' || operator === '+' ? precedence.sign : precedence.other;
    const operand = parseExpression(p, level);
    return { kind: 'unary', span: p.spanFrom(start), operator, operand } satisfies Unary;
  }
  if (start.kind === 'word' && start.text === 'NOT') {
    p.advance();
    const operand = parseExpression(p, precedence.not);
    return { kind: 'not', span: p.spanFrom(start), operand };
  }
  return parsePrimary(p);
}

/**
 * The operator at the present token applied to `left`, or undefined if none binds tightly enough.
 */
function parseOperator(p: Parser, left: Expression, level: number): Expression | undefined {
  const token = p.token;
  if (token.kind === 'symbol') {
    const entry = binaryOperators.get(token.text);
    if (entry === undefined) return parsePostfix(p, left, level);
    if (entry.precedence <= level) return undefined;
    p.advance();
    return parseBinary(p, left, entry.operator, entry.precedence);
  }
  if (token.kind === 'word') return parseWordOperator(p, left, token.text, level);
  return undefined;
}

function parseBinary(
  p: Parser,
  left: Expression,
  operator: BinaryOperator,
  level: number,
): Expression {
  const quantifier = p.token.kind === 'word' ? p.token.text : '';
  if (quantifier === 'ANY' || quantifier === 'SOME' || quantifier === 'ALL') {
    p.advance();
    return parseQuantified(p, left, operator, quantifier === 'ALL' ? 'ALL' : 'ANY');
  }
  const right = parseExpression(p, level);
  if (isComparison(operator) && p.token.kind === 'symbol' && isComparison(p.token.text)) {
    p.failAt(p.token, 'syntax error: comparisons cannot be chained', {
      hint: 'combine two comparisons with AND, or put one of them in parentheses',
    });
  }
  return { kind: 'binary', span: p.spanFrom(left.span), operator, left, right } satisfies Binary;
}

function parseQuantified(
  p: Parser,
  left: Expression,
  operator: BinaryOperator,
  quantifier: 'ANY' | 'ALL',
): Quantified {
  p.expectSymbol('(');
  const query = p.atQuery() ? parseQuery(p) : undefined;
  const array = query === undefined ? parseExpression(p) : undefined;
  p.expectSymbol(')');
  const span = p.spanFrom(left.span);
  if (array?.kind === 'scalarSubquery') {
    return {
      kind: 'quantified',
      span,
      left,
      operator,
      quantifier,
      query: array.query,
      array: undefined,
    };
  }
  return { kind: 'quantified', span, left, operator, quantifier, query, array };
}

/** Brackets, `::` and `.` after an operand. */
function parsePostfix(p: Parser, left: Expression, level: number): Expression | undefined {
  if (p.atSymbol('::') && precedence.cast > level) {
    p.advance();
    const type = parseTypeName(p);
    return { kind: 'cast', span: p.spanFrom(left.span), operand: left, type, try: false };
  }
  if (p.atSymbol('[') && precedence.subscript > level) return parseSubscript(p, left);
  if (p.atSymbol('.') && precedence.highest > level) {
    p.advance();
    const field = p.label('the name of a field');
    return { kind: 'fieldAccess', span: p.spanFrom(left.span), operand: left, field };
  }
  return undefined;
}

function parseSubscript(p: Parser, operand: Expression): Expression {
  p.expectSymbol('[');
  const from = p.atSymbol(':') ? undefined : parseExpression(p);
  if (from !== undefined && p.takeSymbol(']')) {
    return { kind: 'subscript', span: p.spanFrom(operand.span), operand, index: from };
  }
  p.expectSymbol(':');
  const to = p.atSymbol(']') ? undefined : parseExpression(p);
  p.expectSymbol(']');
  return { kind: 'slice', span: p.spanFrom(operand.span), operand, from, to };
}

/** Words that continue an expression, for the hint when one is misspelled. */
const operatorHints = [
  'AND',
  'OR',
  'IS',
  'IN',
  'NOT',
  'LIKE',
  'ILIKE',
  'BETWEEN',
  'SIMILAR',
  'COLLATE',
];

function parseWordOperator(
  p: Parser,
  left: Expression,
  word: string,
  level: number,
): Expression | undefined {
  switch (word) {
    case 'AND':
      return precedence.and > level ? parseLogical(p, left, 'AND', precedence.and) : undefined;
    case 'OR':
      return precedence.or > level ? parseLogical(p, left, 'OR', precedence.or) : undefined;
    case 'IS':
    case 'ISNULL':
    case 'NOTNULL':
      return precedence.is > level ? parseIs(p, left) : undefined;
    case 'NOT':
      return precedence.containment > level && isNegatable(p.peek(1).text)
        ? parseContainment(p, left)
        : undefined;
    case 'IN':
    case 'BETWEEN':
    case 'LIKE':
    case 'ILIKE':
    case 'SIMILAR':
    case 'GLOB':
      return precedence.containment > level ? parseContainment(p, left) : undefined;
    case 'COLLATE': {
      if (precedence.collate <= level) return undefined;
      p.advance();
      const collation = p.qualifiedName('a collation');
      return { kind: 'collate', span: p.spanFrom(left.span), operand: left, collation };
    }
    case 'AT': {
      if (precedence.atTimeZone <= level || !p.takeAll('AT', 'TIME', 'ZONE')) return undefined;
      const zone = parseExpression(p, precedence.atTimeZone);
      return { kind: 'atTimeZone', span: p.spanFrom(left.span), operand: left, zone };
    }
    default:
      p.suggest(operatorHints);
      return undefined;
  }
}

function isNegatable(word: string): boolean {
  return (
    word === 'IN' ||
    word === 'LIKE' ||
    word === 'BETWEEN' ||
    word === 'ILIKE' ||
    word === 'SIMILAR' ||
    word === 'GLOB'
  );
}

function parseLogical(
  p: Parser,
  first: Expression,
  operator: 'AND' | 'OR',
  level: number,
): Logical {
  const operands = [first];
  while (p.take(operator)) operands.push(parseExpression(p, level));
  return { kind: 'logical', span: p.spanFrom(first.span), operator, operands };
}

function parseIs(p: Parser, operand: Expression): Expression {
  if (p.take('ISNULL')) {
    return { kind: 'isNull', span: p.spanFrom(operand.span), operand, negated: false };
  }
  if (p.take('NOTNULL')) {
    return { kind: 'isNull', span: p.spanFrom(operand.span), operand, negated: true };
  }
  p.expect('IS');
  const negated = p.take('NOT');
  if (p.take('NULL')) {
    return { kind: 'isNull', span: p.spanFrom(operand.span), operand, negated };
  }
  if (p.take('DISTINCT')) {
    p.expect('FROM');
    const right = parseExpression(p, precedence.is);
    return { kind: 'isDistinct', span: p.spanFrom(operand.span), left: operand, right, negated };
  }
  const word = p.expectOneOf('NULL', 'TRUE', 'FALSE', 'UNKNOWN', 'DISTINCT FROM');
  const value = word === 'UNKNOWN' ? undefined : word === 'TRUE';
  const span = p.spanFrom(operand.span);
  return { kind: 'isBoolean', span, operand, value, negated } satisfies IsBoolean;
}

/** [NOT] IN, BETWEEN, LIKE and their kin. */
function parseContainment(p: Parser, operand: Expression): Expression {
  const negated = p.take('NOT');
  if (p.take('IN')) return parseIn(p, operand, negated);
  if (p.take('BETWEEN')) {
    const symmetric = p.take('SYMMETRIC');
    if (!symmetric) p.take('ASYMMETRIC');
    const low = parseExpression(p, precedence.containment);
    p.expect('AND');
    const high = parseExpression(p, precedence.containment);
    const span = p.spanFrom(operand.span);
    return { kind: 'between', span, operand, low, high, negated, symmetric };
  }
  const word = p.advance().text as 'LIKE' | 'ILIKE' | 'GLOB' | 'SIMILAR';
  if (word === 'SIMILAR') p.expect('TO');
  const operator: Like['operator'] = word === 'SIMILAR' ? 'SIMILAR TO' : word;
  const pattern = parseExpression(p, precedence.containment);
  const escapedBy = p.take('ESCAPE') ? parseExpression(p, precedence.containment) : undefined;
  const span = p.spanFrom(operand.span);
  return { kind: 'like', span, operator, operand, pattern, escape: escapedBy, negated };
}

function parseIn(p: Parser, operand: Expression, negated: boolean): Expression {
  p.expectSymbol('(');
  if (p.atQuery()) {
    const query = parseQuery(p);
    p.expectSymbol(')');
    return { kind: 'inSubquery', span: p.spanFrom(operand.span), operand, query, negated };
  }
  const items = p.list(parseExpression);
  p.expectSymbol(')');
  const span = p.spanFrom(operand.span);
  const only = items.length === 1 ? items[0] : undefined;
  if (only?.kind === 'scalarSubquery') {
    return { kind: 'inSubquery', span, operand, query: only.query, negated };
  }
  return { kind: 'inList', span, operand, items, negated };
}
