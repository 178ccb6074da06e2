import type { Expression, IntervalLiteral, MapEntry, StructEntry } from '../ast/expression.ts';
import { intervalUnits, operatorWords, reservedWords } from '../keywords.ts';
import { parseExpression } from './expression.ts';
import type { Parser } from './parser.ts';
import { parseTypeName } from './type-name.ts';

/** Whether the word INTERVAL here starts a literal and is not a column of that name. */
export function atInterval(p: Parser): boolean {
  const { kind, text } = p.peek(1);
  if (kind === 'string' || kind === 'number' || kind === 'parameter') return true;
  return kind === 'symbol' && (text === '(' || text === '?');
}

export function parseInterval(p: Parser): IntervalLiteral {
  const start = p.expect('INTERVAL');
  const value = parseIntervalValue(p);
  const unit = takeUnit(p);
  if (unit === undefined && value.kind !== 'stringLiteral') p.fail('expected a unit such as DAY');
  let precision: number | undefined;
  if (unit !== undefined && p.takeSymbol('(')) {
    precision = p.integerValue('the number of digits');
    p.expectSymbol(')');
  }
  let to: string | undefined;
  if (unit !== undefined && p.take('TO')) {
    to = takeUnit(p) ?? p.fail('expected a unit such as SECOND');
  }
  return { kind: 'intervalLiteral', span: p.spanFrom(start), value, unit, to, precision };
}

function parseIntervalValue(p: Parser): Expression {
  const token = p.token;
  if (p.takeSymbol('(')) {
    const value = parseExpression(p);
    p.expectSymbol(')');
    return value;
  }
  p.advance();
  const span = p.spanFrom(token);
  if (token.kind === 'string') return { kind: 'stringLiteral', span, value: token.text };
  if (token.kind === 'number') return { kind: 'numberLiteral', span, text: token.text };
  if (token.text === '?') {
    return { kind: 'parameter', span, index: p.nextParameter(), name: undefined };
  }
  const numbered = /^\d/.test(token.text);
  const index = numbered ? Number(token.text) : undefined;
  return { kind: 'parameter', span, index, name: numbered ? undefined : token.text };
}

function takeUnit(p: Parser): string | undefined {
  const unit = p.token.kind === 'word' ? intervalUnits.get(p.token.text) : undefined;
  if (unit !== undefined) p.advance();
  return unit;
}

/** Words that start a type of several words. */
const longTypeStarts = new Set(['TIMESTAMP', 'TIME', 'DOUBLE', 'CHARACTER']);

/** Whether a type followed by a string starts here: `DATE '…'`, `DECIMAL(4, 1) '…'`. */
export function atTypedLiteral(p: Parser): boolean {
  const { text } = p.token;
  const next = p.peek(1);
  if (next.kind === 'string') return !reservedWords.has(text) && !operatorWords.has(text);
  if (next.kind === 'word' && longTypeStarts.has(text)) {
    if (p.peekIs(1, 'PRECISION') || p.peekIs(1, 'VARYING')) return p.peek(2).kind === 'string';
    return (p.peekIs(1, 'WITH') || p.peekIs(1, 'WITHOUT')) && p.peekIs(2, 'TIME');
  }
  if (!p.peekIs(1, '(') || p.peek(2).kind !== 'number') return false;
  if (p.peekIs(3, ')')) return p.peek(4).kind === 'string' || isTimeWithZone(p, text);
  return p.peekIs(3, ',') && p.peekIs(5, ')') && p.peek(6).kind === 'string';
}

function isTimeWithZone(p: Parser, text: string): boolean {
  if (text !== 'TIMESTAMP' && text !== 'TIME') return false;
  return (p.peekIs(4, 'WITH') || p.peekIs(4, 'WITHOUT')) && p.peekIs(5, 'TIME');
}

export function parseTypedLiteral(p: Parser): Expression {
  const start = p.token;
  const type = parseTypeName(p);
  const value = p.stringValue();
  return { kind: 'typedLiteral', span: p.spanFrom(start), type, value };
}

/** `{'a': 1, b: 2}`. */
export function parseStruct(p: Parser): Expression {
  const start = p.expectSymbol('{');
  const entries: StructEntry[] = [];
  if (!p.atSymbol('}')) {
    do {
      const name = p.token.kind === 'string' ? p.stringValue() : p.label('a field').name;
      p.expectSymbol(':');
      entries.push({ name, value: parseExpression(p) });
    } while (p.takeSymbol(','));
  }
  p.expectSymbol('}');
  return { kind: 'structLiteral', span: p.spanFrom(start), entries };
}

/** `MAP {'a': 1}`. */
export function parseMap(p: Parser): Expression {
  const start = p.expect('MAP');
  p.expectSymbol('{');
  const entries: MapEntry[] = [];
  if (!p.atSymbol('}')) {
    do {
      const key = parseExpression(p);
      p.expectSymbol(':');
      entries.push({ key, value: parseExpression(p) });
    } while (p.takeSymbol(','));
  }
  p.expectSymbol('}');
  return { kind: 'mapLiteral', span: p.spanFrom(start), entries };
}
