import type { Expression } from '../ast/expression.ts';
import type {
  CommonTable,
  GroupBy,
  GroupElement,
  GroupingSets,
  Limit,
  NamedWindow,
  OrderDirection,
  OrderItem,
  Query,
  QueryBody,
  Select,
  SelectItem,
  SetOperation,
  With,
} from '../ast/query.ts';
import { precedence } from '../operators.ts';
import type { Token } from '../token.ts';
import { parseWindow } from './call.ts';
import { parseDataChange } from './change.ts';
import { parseExpression } from './expression.ts';
import { parseSample, parseTables } from './from.ts';
import type { Parser } from './parser.ts';
import { parseStar } from './primary.ts';

/** A whole query: WITH, body, ORDER BY, LIMIT. */
export function parseQuery(p: Parser): Query {
  p.enter();
  const start = p.token;
  const clause = parseWith(p);
  const query = parseQueryAfterWith(p, start, clause);
  p.leave();
  return query;
}

export function parseQueryAfterWith(p: Parser, start: Token, clause: With | undefined): Query {
  return finishQuery(p, start, clause, parseBody(p));
}

/**
 * Goes on after a query in parentheses that was read as something else at first: set operations and
 * the clauses after them.
 */
export function continueQuery(p: Parser, first: Query): Query {
  const body = parseSetOperations(p, unwrap(first), 0);
  return finishQuery(p, first.span, undefined, body);
}

type Clauses = Pick<Query, 'orderBy' | 'orderByAll' | 'limit' | 'offset'>;

function finishQuery(
  p: Parser,
  start: { readonly start: number },
  clause: With | undefined,
  body: QueryBody,
): Query {
  const clauses = parseClauses(p);
  return { kind: 'query', span: p.spanFrom(start), with: clause, body, ...clauses };
}

function parseClauses(p: Parser): Clauses {
  const orderByAll = parseOrderByAll(p);
  const orderBy = orderByAll === undefined ? parseOrderBy(p) : [];
  let limit: Limit | undefined;
  let offset: Expression | undefined;
  for (;;) {
    if (limit === undefined && (p.at('LIMIT') || p.at('FETCH'))) {
      limit = parseLimit(p);
    } else if (offset === undefined && p.take('OFFSET')) {
      offset = parseExpression(p);
      if (!p.take('ROWS')) p.take('ROW');
    } else {
      break;
    }
  }
  if (p.at('FOR') && (p.peekIs(1, 'UPDATE') || p.peekIs(1, 'SHARE'))) {
    p.notSupported(p.token, 'locking rows (FOR UPDATE)', 'writers never wait for readers here');
  }
  return { orderBy, orderByAll, limit, offset };
}

export function parseWith(p: Parser): With | undefined {
  const start = p.token;
  if (!p.take('WITH')) return undefined;
  const recursive = p.take('RECURSIVE');
  const tables = p.list(parseCommonTable);
  return { kind: 'with', span: p.spanFrom(start), recursive, tables };
}

function parseCommonTable(p: Parser): CommonTable {
  const start = p.token;
  const name = p.name('the name of a common table');
  const columns = p.atSymbol('(') ? p.listInParentheses((q) => q.name('a column')) : [];
  p.expect('AS');
  let materialized: boolean | undefined;
  if (p.take('MATERIALIZED')) materialized = true;
  else if (p.takeAll('NOT', 'MATERIALIZED')) materialized = false;
  p.expectSymbol('(');
  const query = parseDataChange(p) ?? parseQuery(p);
  p.expectSymbol(')');
  return { kind: 'commonTable', span: p.spanFrom(start), name, columns, materialized, query };
}

/** A query without clauses of its own is only its body. */
function unwrap(query: Query): QueryBody {
  const bare =
    query.with === undefined &&
    query.orderBy.length === 0 &&
    query.orderByAll === undefined &&
    query.limit === undefined &&
    query.offset === undefined;
  return bare ? query.body : query;
}

function parseBody(p: Parser): QueryBody {
  return parseSetOperations(p, parseBodyOperand(p), 0);
}

/** INTERSECT binds more tightly than UNION and EXCEPT, which go from left to right. */
function parseSetOperations(p: Parser, first: QueryBody, level: number): QueryBody {
  let left = first;
  for (;;) {
    const operator = setOperator(p);
    if (operator === undefined) return left;
    const binding = operator === 'INTERSECT' ? 2 : 1;
    if (binding <= level) return left;
    p.advance();
    const all = p.take('ALL');
    if (!all) p.take('DISTINCT');
    const byName = p.takeAll('BY', 'NAME');
    const right = parseSetOperations(p, parseBodyOperand(p), binding);
    const span = p.spanFrom(left.span);
    left = { kind: 'setOperation', span, operator, all, byName, left, right };
  }
}

function setOperator(p: Parser): SetOperation['operator'] | undefined {
  if (p.at('UNION')) return 'UNION';
  if (p.at('EXCEPT')) return 'EXCEPT';
  return p.at('INTERSECT') ? 'INTERSECT' : undefined;
}

function parseBodyOperand(p: Parser): QueryBody {
  const start = p.token;
  if (p.takeSymbol('(')) {
    const query = parseQuery(p);
    p.expectSymbol(')');
    return unwrap(query);
  }
  if (p.at('SELECT') || p.at('FROM')) return parseSelect(p);
  if (p.take('VALUES')) {
    const rows = p.list((q) => q.listInParentheses(parseExpression));
    return { kind: 'values', span: p.spanFrom(start), rows };
  }
  if (p.take('TABLE')) return selectAll(p, start);
  return p.fail('expected a query');
}

/** TABLE name is SELECT * FROM name. */
function selectAll(p: Parser, start: Token): Select {
  const name = p.qualifiedName('a table');
  const span = p.spanFrom(start);
  const from: Select['from'] = [
    { kind: 'tableName', span: name.span, name, alias: undefined, sample: undefined },
  ];
  return { ...emptySelect, span, items: [starItem(span)], from };
}

const emptySelect: Omit<Select, 'span'> = {
  kind: 'select',
  distinct: false,
  distinctOn: [],
  items: [],
  from: [],
  where: undefined,
  groupBy: undefined,
  having: undefined,
  windows: [],
  qualify: undefined,
  sample: undefined,
};

function starItem(span: Select['span']): SelectItem {
  const value = {
    kind: 'star',
    span,
    qualifier: undefined,
    exclude: [],
    replace: [],
    rename: [],
  } as const;
  return { kind: 'selectItem', span, value, alias: undefined };
}

/** SELECT …, or FROM … with or without a SELECT after it. */
function parseSelect(p: Parser): Select {
  const start = p.token;
  const leading = p.take('FROM') ? parseTables(p) : undefined;
  const head = parseSelectHead(p, leading !== undefined);
  if (p.at('INTO')) {
    p.notSupported(p.token, 'SELECT INTO', 'use CREATE TABLE … AS SELECT');
  }
  const from = leading ?? (p.take('FROM') ? parseTables(p) : []);
  const where = p.take('WHERE') ? parseExpression(p) : undefined;
  const groupBy = parseGroupBy(p);
  const having = p.take('HAVING') ? parseExpression(p) : undefined;
  const windows = p.take('WINDOW') ? p.list(parseNamedWindow) : [];
  const qualify = p.take('QUALIFY') ? parseExpression(p) : undefined;
  const sample = p.takeAll('USING', 'SAMPLE') ? parseSample(p) : undefined;
  const items = head.items.length > 0 ? head.items : [starItem(p.spanFrom(start))];
  return {
    kind: 'select',
    span: p.spanFrom(start),
    distinct: head.distinct,
    distinctOn: head.distinctOn,
    items,
    from,
    where,
    groupBy,
    having,
    windows,
    qualify,
    sample,
  };
}

type SelectHead = Pick<Select, 'distinct' | 'distinctOn' | 'items'>;

function parseSelectHead(p: Parser, fromFirst: boolean): SelectHead {
  if (fromFirst && !p.at('SELECT')) return { distinct: false, distinctOn: [], items: [] };
  p.expect('SELECT');
  const distinct = p.take('DISTINCT');
  if (!distinct) p.take('ALL');
  const distinctOn = distinct && p.take('ON') ? p.listInParentheses(parseExpression) : [];
  return { distinct, distinctOn, items: parseSelectItems(p) };
}

/** One or more; a comma before FROM is allowed, as in DuckDB. */
export function parseSelectItems(p: Parser): SelectItem[] {
  const items = [parseSelectItem(p)];
  while (p.takeSymbol(',')) {
    if (p.at('FROM')) break;
    items.push(parseSelectItem(p));
  }
  return items;
}

function parseSelectItem(p: Parser): SelectItem {
  const start = p.token;
  if (p.atSymbol('*')) {
    const value = parseStar(p, start, undefined);
    return { kind: 'selectItem', span: p.spanFrom(start), value, alias: undefined };
  }
  if (p.atName() && p.peekIs(1, ':')) {
    const alias = p.name();
    p.advance();
    const value = parseExpression(p);
    return { kind: 'selectItem', span: p.spanFrom(start), value, alias };
  }
  const value = parseExpression(p);
  const alias = p.take('AS') ? p.label('an alias') : p.bareLabel();
  return { kind: 'selectItem', span: p.spanFrom(start), value, alias };
}

function parseGroupBy(p: Parser): GroupBy | undefined {
  const start = p.token;
  if (!p.take('GROUP')) return undefined;
  p.expect('BY');
  const all = p.take('ALL');
  const elements = all ? [] : p.list(parseGroupElement);
  return { kind: 'groupBy', span: p.spanFrom(start), all, elements };
}

function parseGroupElement(p: Parser): GroupElement {
  const form = groupingForm(p);
  if (form === undefined) {
    if (!p.atSymbol('(') || !p.peekIs(1, ')')) return parseExpression(p);
    const start = p.advance();
    p.advance();
    return { kind: 'row', span: p.spanFrom(start), items: [] };
  }
  p.enter();
  const start = p.token;
  p.advance();
  if (form === 'GROUPING SETS') p.advance();
  const sets = p.listInParentheses(parseGroupElement);
  p.leave();
  return { kind: 'groupingSets', span: p.spanFrom(start), form, sets };
}

function groupingForm(p: Parser): GroupingSets['form'] | undefined {
  if (p.at('GROUPING') && p.peekIs(1, 'SETS')) return 'GROUPING SETS';
  if (p.at('CUBE') && p.peekIs(1, '(')) return 'CUBE';
  return p.at('ROLLUP') && p.peekIs(1, '(') ? 'ROLLUP' : undefined;
}

function parseNamedWindow(p: Parser): NamedWindow {
  const name = p.name('the name of a window');
  p.expect('AS');
  return { name, window: parseWindow(p) };
}

/** ORDER BY with its items, or none. */
export function parseOrderBy(p: Parser): OrderItem[] {
  if (!p.take('ORDER')) return [];
  p.expect('BY');
  return parseOrderItems(p);
}

export function parseOrderItems(p: Parser): OrderItem[] {
  return p.list((q) => {
    const start = q.token;
    const value = parseExpression(q);
    const direction = parseDirection(q);
    return { kind: 'orderItem', span: q.spanFrom(start), value, ...direction };
  });
}

function parseOrderByAll(p: Parser): OrderDirection | undefined {
  if (!p.takeAll('ORDER', 'BY', 'ALL')) return undefined;
  return parseDirection(p);
}

function parseDirection(p: Parser): OrderDirection {
  if (p.at('USING')) p.notSupported(p.token, 'ORDER BY … USING', 'use ASC or DESC');
  const descending = p.take('DESC');
  if (!descending) p.take('ASC');
  if (!p.take('NULLS')) return { descending, nullsFirst: undefined };
  return { descending, nullsFirst: p.expectOneOf('FIRST', 'LAST') === 'FIRST' };
}

function parseLimit(p: Parser): Limit {
  const start = p.token;
  if (p.take('FETCH')) return parseFetch(p, start);
  p.expect('LIMIT');
  if (p.take('ALL')) {
    const span = p.spanFrom(start);
    return { kind: 'limit', span, count: undefined, percent: false, withTies: false };
  }
  const percentSign = p.token.kind === 'number' && p.peekIs(1, '%') && endsClause(p);
  const count = percentSign ? parseExpression(p, precedence.highest) : parseExpression(p);
  if (p.atSymbol(',')) {
    p.failAt(p.token, 'syntax error: LIMIT takes one number', { hint: 'use LIMIT n OFFSET m' });
  }
  const percent = takePercent(p);
  return { kind: 'limit', span: p.spanFrom(start), count, percent, withTies: false };
}

/** Whether `%` after a number is a percent sign and not the operator: no operand follows. */
function endsClause(p: Parser): boolean {
  const { kind, text } = p.peek(2);
  return kind === 'end' || text === ')' || text === ';' || text === 'OFFSET' || text === 'FOR';
}

function takePercent(p: Parser): boolean {
  if (p.take('PERCENT')) return true;
  const sign = p.atSymbol('%');
  if (sign) p.advance();
  return sign;
}

function parseFetch(p: Parser, start: Token): Limit {
  p.expectOneOf('FIRST', 'NEXT');
  const atRows = p.at('ROW') || p.at('ROWS');
  const one: Expression = { kind: 'numberLiteral', span: p.spanFrom(start), text: '1' };
  const count = atRows ? one : parseExpression(p);
  const percent = p.take('PERCENT');
  p.expectOneOf('ROW', 'ROWS');
  const withTies = !p.take('ONLY');
  if (withTies) p.expectAll('WITH', 'TIES');
  return { kind: 'limit', span: p.spanFrom(start), count, percent, withTies };
}
