import type {
  AlterAction,
  AlterTable,
  ColumnConstraint,
  ColumnDefinition,
  CreateIndex,
  CreateTable,
  CreateTableAs,
  Drop,
  OnExisting,
  ReferenceAction,
  ReferenceConstraint,
  TableConstraint,
} from '../ast/definition.ts';
import type { Identifier } from '../ast/node.ts';
import type { DataDefinition } from '../ast/statement.ts';
import { precedence } from '../operators.ts';
import type { Token } from '../token.ts';
import { parseExpression } from './expression.ts';
import type { Parser } from './parser.ts';
import { parseOrderItems, parseQuery } from './query.ts';
import { parseTypeName } from './type-name.ts';

export function parseCreate(p: Parser): DataDefinition {
  const start = p.expect('CREATE');
  const orReplace = p.takeAll('OR', 'REPLACE');
  const temporary = p.take('TEMPORARY') || p.take('TEMP');
  if (p.take('TABLE')) return parseCreateTable(p, start, orReplace, temporary);
  if (p.take('VIEW')) {
    const head = parseObjectHead(p, orReplace);
    const columns = p.atSymbol('(') ? parseColumnNames(p) : [];
    p.expect('AS');
    const query = parseQuery(p);
    return { kind: 'createView', span: p.spanFrom(start), temporary, ...head, columns, query };
  }
  if (p.take('SCHEMA')) {
    return { kind: 'createSchema', ...parseObjectHead(p, orReplace), span: p.spanFrom(start) };
  }
  const unique = p.take('UNIQUE');
  if (p.take('INDEX')) return parseCreateIndex(p, start, unique);
  for (const word of ['SEQUENCE', 'TYPE', 'MACRO', 'FUNCTION', 'TRIGGER', 'RECURSIVE', 'SECRET']) {
    if (p.at(word)) p.notSupported(p.token, `CREATE ${word}`);
  }
  return p.fail('expected TABLE, VIEW or SCHEMA');
}

function parseColumnNames(p: Parser): Identifier[] {
  return p.listInParentheses((q) => q.name('a column'));
}

/** IF NOT EXISTS and the name. */
function parseObjectHead(p: Parser, orReplace: boolean) {
  const ifNotExists = p.takeAll('IF', 'NOT', 'EXISTS');
  if (ifNotExists && orReplace) {
    p.fail('OR REPLACE and IF NOT EXISTS exclude each other, expected one of them');
  }
  const onExisting: OnExisting = orReplace ? 'replace' : ifNotExists ? 'ignore' : 'error';
  return { name: p.qualifiedName(), onExisting };
}

function parseCreateTable(
  p: Parser,
  start: Token,
  orReplace: boolean,
  temporary: boolean,
): CreateTable | CreateTableAs {
  const head = { temporary, ...parseObjectHead(p, orReplace) };
  const listed = p.atSymbol('(');
  // (a, b) AS gives the columns of a query names; (a INTEGER, …) defines them.
  const onlyNames = listed && (p.peekIs(2, ',') || p.peekIs(2, ')'));
  if (!listed || onlyNames) {
    const columns = listed ? parseColumnNames(p) : [];
    p.expect('AS');
    const query = parseQuery(p);
    const withData = parseWithData(p);
    return { kind: 'createTableAs', span: p.spanFrom(start), ...head, columns, query, withData };
  }
  p.expectSymbol('(');
  const columns: ColumnDefinition[] = [];
  const constraints: TableConstraint[] = [];
  do {
    if (p.atSymbol(')') && columns.length > 0) break;
    const constraint = parseTableConstraint(p);
    if (constraint === undefined) columns.push(parseColumnDefinition(p));
    else constraints.push(constraint);
  } while (p.takeSymbol(','));
  p.expectSymbol(')');
  return { kind: 'createTable', span: p.spanFrom(start), ...head, columns, constraints };
}

function parseWithData(p: Parser): boolean {
  if (p.takeAll('WITH', 'NO', 'DATA')) return false;
  p.takeAll('WITH', 'DATA');
  return true;
}

function parseColumnDefinition(p: Parser): ColumnDefinition {
  const start = p.token;
  const name = p.name('a column');
  const untyped = p.at('GENERATED') || p.at('AS');
  const type = untyped ? undefined : parseTypeName(p);
  const constraints: ColumnConstraint[] = [];
  for (;;) {
    const constraint = parseColumnConstraint(p);
    if (constraint === undefined) break;
    constraints.push(constraint);
  }
  return { kind: 'columnDefinition', span: p.spanFrom(start), name, type, constraints };
}

function parseColumnConstraint(p: Parser): ColumnConstraint | undefined {
  const start = p.token;
  const name = p.take('CONSTRAINT') ? p.name('the name of a constraint') : undefined;
  if (p.takeAll('NOT', 'NULL')) {
    return { kind: 'nullConstraint', span: p.spanFrom(start), nullable: false };
  }
  if (p.take('NULL')) return { kind: 'nullConstraint', span: p.spanFrom(start), nullable: true };
  if (p.take('DEFAULT')) {
    // Like PostgreSQL's b_expr: NOT NULL after the value is the next constraint.
    const value = parseExpression(p, precedence.containment);
    return { kind: 'defaultConstraint', span: p.spanFrom(start), value };
  }
  if (p.take('COLLATE')) {
    const collation = p.qualifiedName('a collation');
    return { kind: 'collateConstraint', span: p.spanFrom(start), collation };
  }
  if (p.at('GENERATED') || p.at('AS')) return parseGenerated(p);
  if (p.take('CHECK')) return parseCheck(p, start, name);
  if (p.at('PRIMARY') || p.at('UNIQUE')) {
    const primary = takeKey(p);
    return { kind: 'keyConstraint', span: p.spanFrom(start), name, primary, columns: [] };
  }
  if (p.at('REFERENCES')) return parseReferences(p, start, name, []);
  if (name !== undefined) p.fail('expected a constraint');
  return undefined;
}

function takeKey(p: Parser): boolean {
  if (p.take('UNIQUE')) return false;
  p.expectAll('PRIMARY', 'KEY');
  return true;
}

function parseCheck(p: Parser, start: Token, name: Identifier | undefined): TableConstraint {
  p.expectSymbol('(');
  const condition = parseExpression(p);
  p.expectSymbol(')');
  return { kind: 'checkConstraint', span: p.spanFrom(start), name, condition };
}

function parseGenerated(p: Parser): ColumnConstraint {
  const start = p.token;
  if (p.take('GENERATED')) {
    if (p.takeAll('BY', 'DEFAULT')) p.notSupported(start, 'an identity column');
    p.expect('ALWAYS');
  }
  p.expect('AS');
  if (p.at('IDENTITY')) p.notSupported(p.token, 'an identity column');
  p.expectSymbol('(');
  const value = parseExpression(p);
  p.expectSymbol(')');
  const stored = p.take('STORED');
  if (!stored) p.take('VIRTUAL');
  return { kind: 'generatedConstraint', span: p.spanFrom(start), value, stored };
}

function parseTableConstraint(p: Parser): TableConstraint | undefined {
  const start = p.token;
  const name = p.take('CONSTRAINT') ? p.name('the name of a constraint') : undefined;
  if (p.take('CHECK')) return parseCheck(p, start, name);
  if (p.at('PRIMARY') || p.at('UNIQUE')) {
    const primary = takeKey(p);
    const columns = parseColumnNames(p);
    return { kind: 'keyConstraint', span: p.spanFrom(start), name, primary, columns };
  }
  if (p.take('FOREIGN')) {
    p.expect('KEY');
    return parseReferences(p, start, name, parseColumnNames(p));
  }
  if (name !== undefined) p.fail('expected a constraint');
  return undefined;
}

function parseReferences(
  p: Parser,
  start: Token,
  name: Identifier | undefined,
  columns: Identifier[],
): ReferenceConstraint {
  p.expect('REFERENCES');
  const table = p.qualifiedName('a table');
  const tableColumns = p.atSymbol('(') ? parseColumnNames(p) : [];
  let onDelete: ReferenceAction | undefined;
  let onUpdate: ReferenceAction | undefined;
  for (;;) {
    if (p.takeAll('ON', 'DELETE')) onDelete = parseReferenceAction(p);
    else if (p.takeAll('ON', 'UPDATE')) onUpdate = parseReferenceAction(p);
    else break;
  }
  return {
    kind: 'referenceConstraint',
    span: p.spanFrom(start),
    name,
    columns,
    table,
    tableColumns,
    onDelete,
    onUpdate,
  };
}

function parseReferenceAction(p: Parser): ReferenceAction {
  if (p.takeAll('NO', 'ACTION')) return 'NO ACTION';
  if (p.takeAll('SET', 'NULL')) return 'SET NULL';
  if (p.takeAll('SET', 'DEFAULT')) return 'SET DEFAULT';
  return p.expectOneOf('RESTRICT', 'CASCADE', 'NO ACTION', 'SET NULL') as ReferenceAction;
}

function parseCreateIndex(p: Parser, start: Token, unique: boolean): CreateIndex {
  const onExisting: OnExisting = p.takeAll('IF', 'NOT', 'EXISTS') ? 'ignore' : 'error';
  const name = p.at('ON') ? undefined : p.qualifiedName('the name of an index');
  p.expect('ON');
  const table = p.qualifiedName('a table');
  const method = p.take('USING') ? p.name('the kind of index') : undefined;
  p.expectSymbol('(');
  const items = parseOrderItems(p);
  p.expectSymbol(')');
  const span = p.spanFrom(start);
  return { kind: 'createIndex', span, name, unique, onExisting, table, method, items };
}

export function parseDrop(p: Parser): Drop {
  const start = p.expect('DROP');
  for (const word of ['SEQUENCE', 'TYPE', 'MACRO', 'FUNCTION', 'TRIGGER', 'SECRET']) {
    if (p.at(word)) p.notSupported(p.token, `DROP ${word}`);
  }
  const object = p.expectOneOf('TABLE', 'VIEW', 'SCHEMA', 'INDEX') as Drop['object'];
  const ifExists = p.takeAll('IF', 'EXISTS');
  const names = p.list((q) => q.qualifiedName());
  const cascade = takeCascade(p);
  return { kind: 'drop', span: p.spanFrom(start), object, names, ifExists, cascade };
}

function takeCascade(p: Parser): boolean {
  if (p.take('CASCADE')) return true;
  p.take('RESTRICT');
  return false;
}

export function parseAlter(p: Parser): AlterTable {
  const start = p.expect('ALTER');
  const object = p.expectOneOf('TABLE', 'VIEW') as AlterTable['object'];
  const ifExists = p.takeAll('IF', 'EXISTS');
  const name = p.qualifiedName();
  const actions = p.list(parseAlterAction);
  return { kind: 'alterTable', span: p.spanFrom(start), object, name, ifExists, actions };
}

function parseAlterAction(p: Parser): AlterAction {
  const start = p.token;
  if (p.take('ADD')) {
    const constraint = parseTableConstraint(p);
    if (constraint !== undefined) {
      return { kind: 'addConstraint', span: p.spanFrom(start), constraint };
    }
    p.take('COLUMN');
    const ifNotExists = p.takeAll('IF', 'NOT', 'EXISTS');
    const column = parseColumnDefinition(p);
    return { kind: 'addColumn', span: p.spanFrom(start), column, ifNotExists };
  }
  if (p.take('DROP')) {
    if (p.at('CONSTRAINT')) p.notSupported(p.token, 'DROP CONSTRAINT');
    p.take('COLUMN');
    const ifExists = p.takeAll('IF', 'EXISTS');
    const column = p.name('a column');
    const cascade = takeCascade(p);
    return { kind: 'dropColumn', span: p.spanFrom(start), column, ifExists, cascade };
  }
  if (p.take('RENAME')) return parseRename(p, start);
  if (p.take('ALTER')) return parseAlterColumn(p, start);
  return p.fail('expected ADD, DROP, RENAME or ALTER');
}

function parseRename(p: Parser, start: Token): AlterAction {
  if (p.take('TO')) {
    const name = p.name();
    return { kind: 'renameTable', span: p.spanFrom(start), name };
  }
  p.take('COLUMN');
  const column = p.name('a column');
  p.expect('TO');
  const name = p.name();
  return { kind: 'renameColumn', span: p.spanFrom(start), column, name };
}

function parseAlterColumn(p: Parser, start: Token): AlterAction {
  p.take('COLUMN');
  const column = p.name('a column');
  const nullable = p.takeAll('DROP', 'NOT', 'NULL');
  if (nullable || p.takeAll('SET', 'NOT', 'NULL')) {
    return { kind: 'alterColumnNull', span: p.spanFrom(start), column, nullable };
  }
  if (p.takeAll('SET', 'DEFAULT')) {
    const value = parseExpression(p);
    return { kind: 'alterColumnDefault', span: p.spanFrom(start), column, value };
  }
  if (p.takeAll('DROP', 'DEFAULT')) {
    return { kind: 'alterColumnDefault', span: p.spanFrom(start), column, value: undefined };
  }
  if (!p.takeAll('SET', 'DATA', 'TYPE')) p.expect('TYPE');
  const type = parseTypeName(p);
  const using = p.take('USING') ? parseExpression(p) : undefined;
  return { kind: 'alterColumnType', span: p.spanFrom(start), column, type, using };
}
