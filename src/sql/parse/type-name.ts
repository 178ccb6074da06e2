import type { TypeField, TypeName } from '../ast/type-name.ts';
import type { Parser } from './parser.ts';

/** A type, with its modifiers and brackets. */
export function parseTypeName(p: Parser): TypeName {
  p.enter();
  const start = p.token;
  if (start.kind === 'quoted') p.fail('expected a type');
  const word = p.name('a type').name.toUpperCase();
  const long = parseLongName(p, word);
  const fields = hasFields(word) ? parseFields(p) : [];
  const modifiers = fields.length === 0 && p.atSymbol('(') ? parseModifiers(p) : [];
  const name = parseTimeZone(p, long);
  const dimensions = parseDimensions(p);
  p.leave();
  return { kind: 'typeName', span: p.spanFrom(start), name, modifiers, fields, dimensions };
}

function parseLongName(p: Parser, word: string): string {
  if (word === 'DOUBLE' && p.take('PRECISION')) return 'DOUBLE PRECISION';
  if ((word === 'CHARACTER' || word === 'CHAR' || word === 'BIT') && p.take('VARYING')) {
    return `${word} VARYING`;
  }
  return word;
}

/** Modifiers stand before WITH TIME ZONE: `TIMESTAMP(3) WITH TIME ZONE`. */
function parseTimeZone(p: Parser, name: string): string {
  if (name !== 'TIMESTAMP' && name !== 'TIME') return name;
  if (p.takeAll('WITH', 'TIME', 'ZONE')) return `${name} WITH TIME ZONE`;
  p.takeAll('WITHOUT', 'TIME', 'ZONE');
  return name;
}

function parseModifiers(p: Parser): number[] {
  if (p.peek(1).kind === 'string') {
    p.notSupported(p.token, 'a type made of a list of strings (ENUM)');
  }
  return p.listInParentheses((q) => q.integerValue('a whole number'));
}

function hasFields(word: string): boolean {
  return word === 'STRUCT' || word === 'MAP' || word === 'UNION' || word === 'ROW';
}

function parseFields(p: Parser): TypeField[] {
  return p.listInParentheses((q) => {
    const next = q.peek(1);
    const unnamed = next.kind === 'symbol';
    const name = unnamed ? undefined : q.label('the name of a field');
    return { name, type: parseTypeName(q) };
  });
}

/** `[]`, `[3]`, `ARRAY` and `ARRAY[3]` after a type. */
function parseDimensions(p: Parser): (number | undefined)[] {
  const dimensions: (number | undefined)[] = [];
  if (p.take('ARRAY')) {
    if (!p.atSymbol('[')) return [undefined];
  }
  while (p.takeSymbol('[')) {
    dimensions.push(p.atSymbol(']') ? undefined : p.integerValue('the length of the array'));
    p.expectSymbol(']');
  }
  return dimensions;
}
