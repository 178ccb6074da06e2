import type { Assignment, Delete, Insert, OnConflict, Truncate, Update } from '../ast/change.ts';
import type { Expression } from '../ast/expression.ts';
import type { Identifier } from '../ast/node.ts';
import type { SelectItem, With } from '../ast/query.ts';
import type { DataChange } from '../ast/statement.ts';
import type { Token } from '../token.ts';
import { parseExpression } from './expression.ts';
import { parseTables } from './from.ts';
import type { Parser } from './parser.ts';
import { parseQuery, parseSelectItems, parseWith } from './query.ts';

/** INSERT, UPDATE or DELETE without a WITH before it; undefined if none starts here. */
export function parseDataChange(p: Parser): DataChange | undefined {
  return parseChangeAfterWith(p, p.token, undefined);
}

export function parseChangeAfterWith(
  p: Parser,
  start: Token,
  clause: With | undefined,
): DataChange | undefined {
  if (p.at('INSERT')) return parseInsert(p, start, clause);
  if (p.at('UPDATE')) return parseUpdate(p, start, clause);
  if (p.at('DELETE')) return parseDelete(p, start, clause);
  if (p.at('MERGE')) p.notSupported(p.token, 'MERGE', 'use INSERT … ON CONFLICT');
  return undefined;
}

function parseInsert(p: Parser, start: Token, clause: With | undefined): Insert {
  p.expect('INSERT');
  const shortcut = parseConflictShortcut(p);
  p.expect('INTO');
  const table = p.qualifiedName('a table');
  const alias = p.take('AS') ? p.name('an alias') : undefined;
  const byName = p.takeAll('BY', 'NAME');
  if (!byName) p.takeAll('BY', 'POSITION');
  const hasColumns = p.atSymbol('(') && !p.atQuery(1) && !p.peekIs(1, '(');
  const columns = hasColumns ? p.listInParentheses((q) => q.name('a column')) : [];
  const source = p.takeAll('DEFAULT', 'VALUES') ? undefined : parseSource(p);
  const onConflict = shortcut ?? parseOnConflict(p);
  const returning = parseReturning(p);
  return {
    kind: 'insert',
    span: p.spanFrom(start),
    with: clause,
    table,
    alias,
    columns,
    byName,
    source,
    onConflict,
    returning,
  };
}

function parseSource(p: Parser): Insert['source'] {
  p.suggest(['VALUES', 'SELECT', 'DEFAULT']);
  if (!p.atQuery() && !p.atSymbol('(')) p.fail('expected VALUES, SELECT or DEFAULT VALUES');
  return parseQuery(p);
}

/** INSERT OR IGNORE and INSERT OR REPLACE. */
function parseConflictShortcut(p: Parser): OnConflict | undefined {
  const start = p.token;
  if (!p.take('OR')) return undefined;
  const action = p.expectOneOf('REPLACE', 'IGNORE') === 'REPLACE' ? 'REPLACE' : 'NOTHING';
  return conflict(p, start, action, [], undefined);
}

function conflict(
  p: Parser,
  start: Token,
  action: OnConflict['action'],
  columns: Identifier[],
  where: Expression | undefined,
): OnConflict {
  const span = p.spanFrom(start);
  const rest = { assignments: [], updateWhere: undefined };
  return { kind: 'onConflict', span, columns, where, action, ...rest };
}

function parseOnConflict(p: Parser): OnConflict | undefined {
  const start = p.token;
  if (!p.takeAll('ON', 'CONFLICT')) return undefined;
  if (p.at('ON')) p.notSupported(p.token, 'ON CONFLICT ON CONSTRAINT', 'list the columns');
  const columns = p.atSymbol('(') ? p.listInParentheses((q) => q.name('a column')) : [];
  const where = p.take('WHERE') ? parseExpression(p) : undefined;
  p.expect('DO');
  if (p.take('NOTHING')) return conflict(p, start, 'NOTHING', columns, where);
  p.expectAll('UPDATE', 'SET');
  const assignments = p.list(parseAssignment);
  const updateWhere = p.take('WHERE') ? parseExpression(p) : undefined;
  const partial = conflict(p, start, 'UPDATE', columns, where);
  return { ...partial, span: p.spanFrom(start), assignments, updateWhere };
}

function parseAssignment(p: Parser): Assignment {
  const start = p.token;
  const several = p.atSymbol('(');
  const columns = several
    ? p.listInParentheses((q) => q.name('a column'))
    : [p.name('a column to set')];
  p.expectSymbol('=');
  const value = parseExpression(p);
  return { kind: 'assignment', span: p.spanFrom(start), columns, value };
}

function parseReturning(p: Parser): SelectItem[] {
  return p.take('RETURNING') ? parseSelectItems(p) : [];
}

/** UPDATE t SET: SET is a name elsewhere, but not an alias here. */
function parseTargetAlias(p: Parser): Identifier | undefined {
  if (p.take('AS')) return p.name('an alias');
  return p.at('SET') ? undefined : p.bareAlias();
}

function parseUpdate(p: Parser, start: Token, clause: With | undefined): Update {
  p.expect('UPDATE');
  const table = p.qualifiedName('a table');
  const alias = parseTargetAlias(p);
  p.expect('SET');
  const assignments = p.list(parseAssignment);
  const from = p.take('FROM') ? parseTables(p) : [];
  const where = p.take('WHERE') ? parseExpression(p) : undefined;
  const returning = parseReturning(p);
  const span = p.spanFrom(start);
  return { kind: 'update', span, with: clause, table, alias, assignments, from, where, returning };
}

function parseDelete(p: Parser, start: Token, clause: With | undefined): Delete {
  p.expect('DELETE');
  p.expect('FROM');
  const table = p.qualifiedName('a table');
  const alias = parseTargetAlias(p);
  const using = p.take('USING') ? parseTables(p) : [];
  const where = p.take('WHERE') ? parseExpression(p) : undefined;
  const returning = parseReturning(p);
  return {
    kind: 'delete',
    span: p.spanFrom(start),
    with: clause,
    table,
    alias,
    using,
    where,
    returning,
  };
}

export function parseTruncate(p: Parser): Truncate {
  const start = p.expect('TRUNCATE');
  p.take('TABLE');
  const table = p.qualifiedName('a table');
  return { kind: 'truncate', span: p.spanFrom(start), table };
}

/** A statement that starts with WITH: a query or a change. */
export function parseWithStatement(
  p: Parser,
  query: (p: Parser, start: Token, clause: With | undefined) => ReturnType<typeof parseQuery>,
): DataChange | ReturnType<typeof parseQuery> {
  const start = p.token;
  const clause = parseWith(p);
  return parseChangeAfterWith(p, start, clause) ?? query(p, start, clause);
}
