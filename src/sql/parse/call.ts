import type {
  Argument,
  Call,
  Expression,
  Extract,
  FrameBound,
  NumberLiteral,
  WindowFrame,
  WindowSpecification,
} from '../ast/expression.ts';
import type { Identifier, QualifiedName, Span } from '../ast/node.ts';
import { precedence } from '../operators.ts';
import type { Token } from '../token.ts';
import { parseExpression } from './expression.ts';
import type { Parser } from './parser.ts';
import { parseStar } from './primary.ts';
import { parseOrderBy, parseOrderItems } from './query.ts';

/** A call from its opening parenthesis on, with FILTER, WITHIN GROUP and OVER. */
export function parseCall(p: Parser, name: QualifiedName): Call {
  p.expectSymbol('(');
  const inner = parseArguments(p);
  p.expectSymbol(')');
  const withinGroup = p.takeAll('WITHIN', 'GROUP') ? parseWithinGroup(p) : [];
  let filter: Expression | undefined;
  if (p.at('FILTER') && p.peekIs(1, '(')) {
    p.advance();
    p.expectSymbol('(');
    p.take('WHERE');
    filter = parseExpression(p);
    p.expectSymbol(')');
  }
  // Without OVER it belongs to the call around this one: lag(sum(a) IGNORE NULLS) OVER ().
  const isWindow = p.peekIs(1, 'NULLS') && p.peekIs(2, 'OVER');
  const nullTreatment = inner.nullTreatment ?? (isWindow ? takeNullTreatment(p) : undefined);
  const over = p.take('OVER') ? parseOver(p) : undefined;
  const span = p.spanFrom(name.span);
  return { kind: 'call', span, name, ...inner, withinGroup, filter, nullTreatment, over };
}

type Arguments = Pick<Call, 'arguments' | 'star' | 'distinct' | 'orderBy' | 'nullTreatment'>;

function parseArguments(p: Parser): Arguments {
  if (p.atSymbol('*') && p.peekIs(1, ')')) {
    p.advance();
    return emptyArguments(true);
  }
  if (p.atSymbol(')')) return emptyArguments(false);
  const distinct = p.take('DISTINCT');
  if (!distinct) p.take('ALL');
  const list = p.list(parseArgument);
  const nullTreatment = takeNullTreatment(p);
  const orderBy = parseOrderBy(p);
  return { arguments: list, star: false, distinct, orderBy, nullTreatment };
}

function emptyArguments(star: boolean): Arguments {
  return { arguments: [], star, distinct: false, orderBy: [], nullTreatment: undefined };
}

function parseArgument(p: Parser): Argument {
  if (p.atSymbol('*')) return { name: undefined, value: parseStar(p, p.token, undefined) };
  if (p.atName() && (p.peekIs(1, '=>') || p.peekIs(1, ':='))) {
    const name = p.name();
    p.advance();
    return { name, value: parseExpression(p) };
  }
  return { name: undefined, value: parseExpression(p) };
}

function takeNullTreatment(p: Parser): 'IGNORE' | 'RESPECT' | undefined {
  if (p.takeAll('IGNORE', 'NULLS')) return 'IGNORE';
  return p.takeAll('RESPECT', 'NULLS') ? 'RESPECT' : undefined;
}

function parseWithinGroup(p: Parser): Call['withinGroup'] {
  p.expectSymbol('(');
  p.expectAll('ORDER', 'BY');
  const items = parseOrderItems(p);
  p.expectSymbol(')');
  return items;
}

function parseOver(p: Parser): Identifier | WindowSpecification {
  return p.atSymbol('(') ? parseWindow(p) : p.name('a window');
}

/** A window specification in parentheses. */
export function parseWindow(p: Parser): WindowSpecification {
  const start = p.expectSymbol('(');
  const base = atWindowClause(p) || !p.atName() ? undefined : p.name();
  const partitionBy = p.takeAll('PARTITION', 'BY') ? p.list(parseExpression) : [];
  const orderBy = parseOrderBy(p);
  const frame = parseFrame(p);
  p.expectSymbol(')');
  const span = p.spanFrom(start);
  return { kind: 'windowSpecification', span, base, partitionBy, orderBy, frame };
}

function atWindowClause(p: Parser): boolean {
  return p.at('PARTITION') || p.at('ORDER') || p.at('ROWS') || p.at('RANGE') || p.at('GROUPS');
}

function parseFrame(p: Parser): WindowFrame | undefined {
  const start = p.token;
  if (!p.at('ROWS') && !p.at('RANGE') && !p.at('GROUPS')) return undefined;
  const unit = p.advance().text as WindowFrame['unit'];
  const between = p.take('BETWEEN');
  const from = parseBound(p);
  let to: FrameBound | undefined;
  if (between) {
    p.expect('AND');
    to = parseBound(p);
  }
  const exclude = p.take('EXCLUDE') ? parseExclusion(p) : undefined;
  return { kind: 'windowFrame', span: p.spanFrom(start), unit, from, to, exclude };
}

function parseExclusion(p: Parser): WindowFrame['exclude'] {
  if (p.takeAll('CURRENT', 'ROW')) return 'CURRENT ROW';
  if (p.takeAll('NO', 'OTHERS')) return 'NO OTHERS';
  return p.expectOneOf('GROUP', 'TIES', 'CURRENT ROW', 'NO OTHERS') as 'GROUP' | 'TIES';
}

function parseBound(p: Parser): FrameBound {
  if (p.takeAll('CURRENT', 'ROW')) return { bound: 'CURRENT ROW', offset: undefined };
  const offset = p.take('UNBOUNDED') ? undefined : parseExpression(p, precedence.containment);
  const side = p.expectOneOf('PRECEDING', 'FOLLOWING') as 'PRECEDING' | 'FOLLOWING';
  return offset === undefined ? { bound: `UNBOUNDED ${side}`, offset } : { bound: side, offset };
}

/** CURRENT_DATE and its kin; empty parentheses are allowed. */
export function bareCall(p: Parser): Call {
  const token = p.advance();
  if (p.takeSymbol('(')) p.expectSymbol(')');
  return makeCall(token, token.text.toLowerCase(), [], p.spanFrom(token));
}

/** The keyword forms of standard SQL; undefined if this is a call like any other. */
export function parseSpecialCall(p: Parser): Call | Extract | undefined {
  switch (p.token.text) {
    case 'EXTRACT':
      return parseExtract(p);
    case 'SUBSTRING':
      return parseSubstring(p);
    case 'POSITION':
      return parsePosition(p);
    case 'TRIM':
      return parseTrim(p);
    case 'OVERLAY':
      return parseOverlay(p);
    default:
      return undefined;
  }
}

function makeCall(name: Token, functionName: string, values: Expression[], span: Span): Call {
  const at = { start: name.start, end: name.end };
  const part: Identifier = { kind: 'identifier', span: at, name: functionName, quoted: false };
  return {
    kind: 'call',
    span,
    name: { kind: 'qualifiedName', span: at, parts: [part] },
    ...emptyArguments(false),
    arguments: values.map((value) => ({ name: undefined, value })),
    withinGroup: [],
    filter: undefined,
    over: undefined,
  };
}

function parseExtract(p: Parser): Extract {
  const start = p.advance();
  p.expectSymbol('(');
  const isString = p.token.kind === 'string';
  const field = isString ? p.stringValue() : p.label('a field such as YEAR').name;
  p.expect('FROM');
  const operand = parseExpression(p);
  p.expectSymbol(')');
  return { kind: 'extract', span: p.spanFrom(start), field: field.toLowerCase(), operand };
}

function restOfArguments(p: Parser, values: Expression[]): void {
  while (p.takeSymbol(',')) values.push(parseExpression(p));
}

function parseSubstring(p: Parser): Call {
  const name = p.advance();
  p.expectSymbol('(');
  const values = [parseExpression(p)];
  if (p.at('FROM') || p.at('FOR')) {
    const one: NumberLiteral = { kind: 'numberLiteral', span: p.spanFrom(name), text: '1' };
    values.push(p.take('FROM') ? parseExpression(p) : one);
    if (p.take('FOR')) values.push(parseExpression(p));
  } else {
    restOfArguments(p, values);
  }
  p.expectSymbol(')');
  return makeCall(name, 'substring', values, p.spanFrom(name));
}

/** POSITION(part IN text) is strpos(text, part): the order of the arguments changes. */
function parsePosition(p: Parser): Call {
  const name = p.advance();
  p.expectSymbol('(');
  const part = parseExpression(p, precedence.containment);
  p.expect('IN');
  const text = parseExpression(p);
  p.expectSymbol(')');
  return makeCall(name, 'strpos', [text, part], p.spanFrom(name));
}

const trimFunctions: Record<string, string> = { BOTH: 'trim', LEADING: 'ltrim', TRAILING: 'rtrim' };

function parseTrim(p: Parser): Call {
  const name = p.advance();
  p.expectSymbol('(');
  const side = p.token.kind === 'word' ? trimFunctions[p.token.text] : undefined;
  if (side !== undefined) p.advance();
  const values: Expression[] = [];
  if (!p.at('FROM')) values.push(parseExpression(p));
  if (p.take('FROM')) values.unshift(parseExpression(p));
  restOfArguments(p, values);
  p.expectSymbol(')');
  return makeCall(name, side ?? 'trim', values, p.spanFrom(name));
}

function parseOverlay(p: Parser): Call {
  const name = p.advance();
  p.expectSymbol('(');
  const values = [parseExpression(p)];
  if (p.take('PLACING')) {
    values.push(parseExpression(p));
    p.expect('FROM');
    values.push(parseExpression(p));
    if (p.take('FOR')) values.push(parseExpression(p));
  } else {
    restOfArguments(p, values);
  }
  p.expectSymbol(')');
  return makeCall(name, 'overlay', values, p.spanFrom(name));
}
