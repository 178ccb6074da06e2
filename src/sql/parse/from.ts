import type { Identifier } from '../ast/node.ts';
import type {
  DerivedTable,
  Join,
  JoinType,
  Sample,
  TableAlias,
  TableExpression,
} from '../ast/query.ts';
import type { Token } from '../token.ts';
import { parseCall } from './call.ts';
import { parseExpression } from './expression.ts';
import type { Parser } from './parser.ts';
import { continueQuery, parseQuery } from './query.ts';

/** The tables of FROM, with commas between. */
export function parseTables(p: Parser): TableExpression[] {
  return p.list(parseTableExpression);
}

/** One table with everything that is joined to it. */
function parseTableExpression(p: Parser): TableExpression {
  let left = parseTableOperand(p);
  for (;;) {
    const kind = parseJoinKind(p);
    if (kind === undefined) return left;
    const right = parseTableOperand(p);
    left = finishJoin(p, kind, left, right);
  }
}

type JoinKind = Pick<Join, 'type' | 'natural' | 'asof'>;

/** Everything up to and including the word JOIN. */
function parseJoinKind(p: Parser): JoinKind | undefined {
  if (p.takeAll('CROSS', 'JOIN')) return { type: 'CROSS', natural: false, asof: false };
  if (p.takeAll('POSITIONAL', 'JOIN')) return { type: 'POSITIONAL', natural: false, asof: false };
  if (p.token.kind !== 'word') return undefined;
  const natural = p.take('NATURAL');
  const asof = !natural && p.take('ASOF');
  const type = takeJoinType(p);
  if (type === undefined && !natural && !asof && !p.at('JOIN')) return undefined;
  p.expect('JOIN');
  return { type: type ?? 'INNER', natural, asof };
}

function takeJoinType(p: Parser): JoinType | undefined {
  if (p.take('INNER')) return 'INNER';
  for (const side of ['LEFT', 'RIGHT', 'FULL'] as const) {
    if (!p.take(side)) continue;
    if (p.at('SEMI') || p.at('ANTI')) {
      if (side !== 'LEFT') p.notSupported(p.token, `a ${side} SEMI or ANTI JOIN`);
      return p.advance().text as JoinType;
    }
    p.take('OUTER');
    return side;
  }
  if (p.take('SEMI')) return 'SEMI';
  return p.take('ANTI') ? 'ANTI' : undefined;
}

function finishJoin(
  p: Parser,
  kind: JoinKind,
  left: TableExpression,
  right: TableExpression,
): Join {
  let on: Join['on'];
  let using: Identifier[] = [];
  const conditional = !kind.natural && kind.type !== 'CROSS' && kind.type !== 'POSITIONAL';
  if (conditional) {
    if (p.take('ON')) on = parseExpression(p);
    else if (p.take('USING')) using = p.listInParentheses((q) => q.name('a column'));
    else p.fail('expected ON or USING');
  }
  const span = p.spanFrom(left.span);
  return { kind: 'join', span, ...kind, left, right, on, using, alias: undefined };
}

function parseTableOperand(p: Parser): TableExpression {
  const start = p.token;
  const lateral = p.take('LATERAL');
  let operand: TableExpression;
  if (p.atSymbol('(')) operand = parseInParentheses(p, start, lateral);
  else if (p.token.kind === 'string') operand = parseFile(p);
  else operand = parseNamed(p, start, lateral);
  if (p.at('PIVOT') || p.at('UNPIVOT')) p.notSupported(p.token, p.token.text);
  return operand;
}

function parseFile(p: Parser): TableExpression {
  const start = p.token;
  const path = p.stringValue();
  const alias = parseAlias(p);
  const sample = parseTableSample(p);
  return { kind: 'tableFile', span: p.spanFrom(start), path, alias, sample };
}

function parseNamed(p: Parser, start: Token, lateral: boolean): TableExpression {
  const name = p.qualifiedName('a table');
  if (p.atSymbol('(')) {
    const call = parseCall(p, name);
    const withOrdinality = p.takeAll('WITH', 'ORDINALITY');
    const alias = parseAlias(p);
    const sample = parseTableSample(p);
    const span = p.spanFrom(start);
    return { kind: 'tableFunction', span, call, lateral, withOrdinality, alias, sample };
  }
  if (lateral) p.failAt(start, 'syntax error: LATERAL stands before a subquery or a function', {});
  const alias = parseAlias(p);
  const sample = parseTableSample(p);
  return { kind: 'tableName', span: p.spanFrom(start), name, alias, sample };
}

/** A subquery, or joined tables in parentheses. */
function parseInParentheses(p: Parser, start: Token, lateral: boolean): TableExpression {
  if (p.atQuery(1)) {
    p.advance();
    const query = parseQuery(p);
    p.expectSymbol(')');
    return finishDerived(p, start, lateral, query);
  }
  p.enter();
  p.advance();
  const inner = parseTableExpression(p);
  const plainQuery = inner.kind === 'derivedTable' && inner.alias === undefined;
  if (plainQuery && !inner.lateral && inner.sample === undefined) {
    // What began as ((SELECT …) is a query; more of it may follow.
    const query = p.atSymbol(')') ? inner.query : continueQuery(p, inner.query);
    p.expectSymbol(')');
    p.leave();
    return finishDerived(p, start, lateral, query);
  }
  p.expectSymbol(')');
  p.leave();
  if (lateral) p.failAt(start, 'syntax error: LATERAL stands before a subquery or a function', {});
  return aliased(p, start, inner);
}

/** The alias after a table in parentheses takes the place of the one within. */
function aliased(p: Parser, start: Token, inner: TableExpression): TableExpression {
  const alias = parseAlias(p);
  if (alias === undefined) return inner;
  if (inner.kind !== 'join' && inner.alias !== undefined) {
    p.failAt(p.spanFrom(start), 'syntax error: this table has an alias already', {});
  }
  return { ...inner, span: p.spanFrom(start), alias };
}

function finishDerived(
  p: Parser,
  start: Token,
  lateral: boolean,
  query: DerivedTable['query'],
): DerivedTable {
  const alias = parseAlias(p);
  const sample = parseTableSample(p);
  return { kind: 'derivedTable', span: p.spanFrom(start), query, lateral, alias, sample };
}

/** `AS a`, `a` or `a (x, y)`. */
function parseAlias(p: Parser): TableAlias | undefined {
  const name = p.take('AS') ? p.name('an alias') : p.bareAlias();
  if (name === undefined) return undefined;
  const columns = p.atSymbol('(') ? p.listInParentheses((q) => q.name('a column')) : [];
  return { name, columns };
}

function parseTableSample(p: Parser): Sample | undefined {
  return p.take('TABLESAMPLE') ? parseSample(p) : undefined;
}

/** `10%`, `10 ROWS`, `BERNOULLI (10 PERCENT)`, `RESERVOIR(100) REPEATABLE (42)`. */
export function parseSample(p: Parser): Sample {
  const start = p.token;
  const method = takeMethod(p);
  const size = p.takeSymbol('(') ? parseSize(p, true) : parseSize(p, false);
  const seed = p.take('REPEATABLE') ? parseSeed(p) : undefined;
  return { kind: 'sample', span: p.spanFrom(start), method, ...size, seed };
}

function takeMethod(p: Parser): Sample['method'] {
  for (const method of ['BERNOULLI', 'SYSTEM', 'RESERVOIR'] as const) {
    if (p.take(method)) return method;
  }
  return undefined;
}

function parseSize(p: Parser, inParentheses: boolean): Pick<Sample, 'size' | 'unit'> {
  const size = p.numberValue('the size of the sample');
  const percent = p.take('PERCENT') || p.takeSymbol('%');
  const rows = !percent && (p.take('ROWS') || p.take('ROW'));
  if (inParentheses) p.expectSymbol(')');
  return { size, unit: rows ? 'ROWS' : 'PERCENT' };
}

function parseSeed(p: Parser): number {
  p.expectSymbol('(');
  const seed = p.integerValue('a seed');
  p.expectSymbol(')');
  return seed;
}
