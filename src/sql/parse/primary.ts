import type {
  ColumnReference,
  Expression,
  StarRename,
  StarReplacement,
} from '../ast/expression.ts';
import type { Identifier, QualifiedName } from '../ast/node.ts';
import { bareFunctions, operatorWords, reservedWords } from '../keywords.ts';
import type { Token } from '../token.ts';
import { bareCall, parseCall, parseSpecialCall } from './call.ts';
import { parseExpression } from './expression.ts';
import {
  atInterval,
  atTypedLiteral,
  parseInterval,
  parseMap,
  parseStruct,
  parseTypedLiteral,
} from './literal.ts';
import type { Parser } from './parser.ts';
import { continueQuery, parseQuery } from './query.ts';
import { parseTypeName } from './type-name.ts';

/** An operand without any operator around it. */
export function parsePrimary(p: Parser): Expression {
  const token = p.token;
  switch (token.kind) {
    case 'number':
      p.advance();
      return { kind: 'numberLiteral', span: p.spanFrom(token), text: token.text };
    case 'string':
      p.advance();
      return { kind: 'stringLiteral', span: p.spanFrom(token), value: token.text };
    case 'blob':
      p.advance();
      return { kind: 'blobLiteral', span: p.spanFrom(token), digits: token.text };
    case 'parameter': {
      p.advance();
      const numbered = /^\d/.test(token.text);
      const index = numbered ? Number(token.text) : undefined;
      if (index === 0 || (index !== undefined && index > 65535)) {
        p.failAt(token, 'syntax error: parameters are numbered from $1 to $65535', {});
      }
      const name = numbered ? undefined : token.text;
      return { kind: 'parameter', span: p.spanFrom(token), index, name };
    }
    case 'quoted':
      return parseNameOrCall(p);
    case 'symbol':
      return parseSymbol(p, token);
    case 'word':
      return parseWord(p, token);
    default:
      return p.fail('expected an expression');
  }
}

function parseSymbol(p: Parser, start: Token): Expression {
  switch (start.text) {
    case '(':
      return parseParentheses(p);
    case '?': {
      p.advance();
      const index = p.nextParameter();
      return { kind: 'parameter', span: p.spanFrom(start), index, name: undefined };
    }
    case '[':
      return parseArrayItems(p, start);
    case '{':
      return parseStruct(p);
    case '*':
      return p.fail('"*" stands only in a select list or in count(*), expected an expression');
    default:
      return p.fail('expected an expression');
  }
}

function parseWord(p: Parser, start: Token): Expression {
  switch (start.text) {
    case 'NULL':
      p.advance();
      return { kind: 'nullLiteral', span: p.spanFrom(start) };
    case 'TRUE':
    case 'FALSE':
      p.advance();
      return { kind: 'booleanLiteral', span: p.spanFrom(start), value: start.text === 'TRUE' };
    case 'CASE':
      return parseCase(p);
    case 'CAST':
      return parseCast(p);
    case 'DEFAULT':
      p.advance();
      return { kind: 'defaultValue', span: p.spanFrom(start) };
    case 'ARRAY':
      p.advance();
      return p.atSymbol('(') ? parseArraySubquery(p, start) : parseArrayItems(p, start);
    default:
  }
  if (p.peekIs(1, '(')) {
    const special = parseKeywordForm(p, start);
    if (special !== undefined) return special;
  }
  if (start.text === 'MAP' && p.peekIs(1, '{')) return parseMap(p);
  if (start.text === 'LAMBDA' && p.peek(1).kind === 'word') return parseLambda(p);
  if (start.text === 'INTERVAL' && atInterval(p)) return parseInterval(p);
  if (atTypedLiteral(p)) return parseTypedLiteral(p);
  if (bareFunctions.has(start.text) && !p.peekIs(1, '.')) return bareCall(p);
  return parseNameOrCall(p);
}

/** What looks like a call but has a grammar of its own. */
function parseKeywordForm(p: Parser, start: Token): Expression | undefined {
  if (start.text === 'TRY_CAST') return parseCast(p);
  if (start.text === 'EXISTS') {
    p.advance();
    p.expectSymbol('(');
    const query = parseQuery(p);
    p.expectSymbol(')');
    return { kind: 'exists', span: p.spanFrom(start), query };
  }
  if (start.text === 'ROW') {
    p.advance();
    p.expectSymbol('(');
    const items = p.atSymbol(')') ? [] : p.list(parseExpression);
    p.expectSymbol(')');
    return { kind: 'row', span: p.spanFrom(start), items };
  }
  return parseSpecialCall(p);
}

/** `(expression)`, `(a, b)` or `(SELECT …)`. */
function parseParentheses(p: Parser): Expression {
  const start = p.expectSymbol('(');
  if (p.atQuery()) {
    const query = parseQuery(p);
    p.expectSymbol(')');
    return { kind: 'scalarSubquery', span: p.spanFrom(start), query };
  }
  const first = parseExpression(p);
  if (first.kind === 'scalarSubquery' && !p.atSymbol(')') && !p.atSymbol(',')) {
    // What began as ((SELECT …) is a query after all if UNION, ORDER BY or the like follows.
    const query = continueQuery(p, first.query);
    p.expectSymbol(')');
    return { kind: 'scalarSubquery', span: p.spanFrom(start), query };
  }
  const items = [first];
  while (p.takeSymbol(',')) items.push(parseExpression(p));
  p.expectSymbol(')');
  return items.length === 1 ? first : { kind: 'row', span: p.spanFrom(start), items };
}

function parseArrayItems(p: Parser, start: Token): Expression {
  p.expectSymbol('[');
  const items = p.atSymbol(']') ? [] : p.list(parseExpression);
  p.expectSymbol(']');
  return { kind: 'arrayLiteral', span: p.spanFrom(start), items };
}

function parseArraySubquery(p: Parser, start: Token): Expression {
  p.expectSymbol('(');
  const query = parseQuery(p);
  p.expectSymbol(')');
  return { kind: 'arraySubquery', span: p.spanFrom(start), query };
}

function parseCase(p: Parser): Expression {
  const start = p.expect('CASE');
  const operand = p.at('WHEN') ? undefined : parseExpression(p);
  const branches = [];
  do {
    p.expect('WHEN');
    const when = parseExpression(p);
    p.expect('THEN');
    branches.push({ when, result: parseExpression(p) });
  } while (p.at('WHEN'));
  const otherwise = p.take('ELSE') ? parseExpression(p) : undefined;
  p.expect('END');
  return { kind: 'case', span: p.spanFrom(start), operand, branches, otherwise };
}

function parseCast(p: Parser): Expression {
  const start = p.advance();
  p.expectSymbol('(');
  const operand = parseExpression(p);
  p.expect('AS');
  const type = parseTypeName(p);
  p.expectSymbol(')');
  const span = p.spanFrom(start);
  return { kind: 'cast', span, operand, type, try: start.text === 'TRY_CAST' };
}

function parseLambda(p: Parser): Expression {
  const start = p.expect('LAMBDA');
  const parameters = p.list((parser) => parser.name('the name of a parameter'));
  p.expectSymbol(':');
  const body = parseExpression(p);
  return { kind: 'lambda', span: p.spanFrom(start), parameters, body };
}

/** A column, a function call, or `t.*`. */
function parseNameOrCall(p: Parser): Expression {
  const start = p.token;
  if (start.kind === 'word' && p.peekIs(1, '(') && operatorWords.has(start.text)) {
    return parseCall(p, oneName(p.functionName()));
  }
  if (start.kind === 'word' && (reservedWords.has(start.text) || operatorWords.has(start.text))) {
    p.fail('expected an expression');
  }
  const parts = [p.name('an expression')];
  while (p.atSymbol('.')) {
    p.advance();
    if (p.atSymbol('*')) return parseStar(p, start, nameOf(p, start, parts));
    parts.push(p.label());
  }
  if (p.atSymbol('(')) return parseCall(p, nameOf(p, start, parts));
  return { kind: 'columnReference', span: p.spanFrom(start), parts } satisfies ColumnReference;
}

function oneName(name: Identifier): QualifiedName {
  return { kind: 'qualifiedName', span: name.span, parts: [name] };
}

function nameOf(p: Parser, start: Token, parts: Identifier[]): QualifiedName {
  if (parts.length > 3) {
    p.failAt(p.token, 'syntax error: a name has at most three parts here', {});
  }
  return { kind: 'qualifiedName', span: p.spanFrom(start), parts };
}

/** From the star on: `* EXCLUDE (a) REPLACE (b + 1 AS b) RENAME (c AS d)`. */
export function parseStar(
  p: Parser,
  start: { readonly start: number },
  qualifier: QualifiedName | undefined,
): Expression {
  p.expectSymbol('*');
  const exclude = p.take('EXCLUDE') ? listOrOne(p, (q) => q.name('a column')) : [];
  const replace = p.take('REPLACE') ? listOrOne(p, parseReplacement) : [];
  const rename = p.take('RENAME') ? listOrOne(p, parseRename) : [];
  return { kind: 'star', span: p.spanFrom(start), qualifier, exclude, replace, rename };
}

function listOrOne<T>(p: Parser, item: (parser: Parser) => T): T[] {
  return p.atSymbol('(') ? p.listInParentheses(item) : [item(p)];
}

function parseReplacement(p: Parser): StarReplacement {
  const value = parseExpression(p);
  p.expect('AS');
  return { value, column: p.label('a column') };
}

function parseRename(p: Parser): StarRename {
  const column = p.name('a column');
  p.expect('AS');
  return { column, name: p.label() };
}
