import type { Expression } from '../ast/expression.ts';
import type { QualifiedName } from '../ast/node.ts';
import { plainQuery, type Query, type TableExpression } from '../ast/query.ts';
import type { Statement } from '../ast/statement.ts';
import type {
  Attach,
  CallStatement,
  Copy,
  Execute,
  Explain,
  Option,
  Pragma,
  SetVariable,
  TransactionControl,
} from '../ast/utility.ts';
import type { Token } from '../token.ts';
import { parseCall } from './call.ts';
import { parseExpression } from './expression.ts';
import type { Parser } from './parser.ts';
import { parseQuery } from './query.ts';
import { parseStatement } from './statement.ts';
import { parseTypeName } from './type-name.ts';

/** `(name value, name = value, …)`. */
function parseOptions(p: Parser): Option[] {
  return p.listInParentheses((q) => {
    const start = q.token;
    const name = q.label('the name of an option').name.toLowerCase();
    const present = q.takeSymbol('=') || (!q.atSymbol(',') && !q.atSymbol(')'));
    const value = present ? parseOptionValue(q) : undefined;
    return { kind: 'option', span: q.spanFrom(start), name, value };
  });
}

/** A bare word is taken for its text: `FORMAT csv`, `HEADER on`. */
function parseOptionValue(p: Parser): Expression {
  const token = p.token;
  const next = p.peek(1);
  const alone = next.text === ',' || next.text === ')';
  if (token.kind === 'word' && alone && token.text !== 'NULL') {
    const { start, end } = p.advance();
    if (token.text === 'TRUE' || token.text === 'FALSE') {
      return { kind: 'booleanLiteral', span: { start, end }, value: token.text === 'TRUE' };
    }
    return { kind: 'stringLiteral', span: { start, end }, value: p.sql.slice(start, end) };
  }
  return parseExpression(p);
}

export function parseCopy(p: Parser): Copy {
  const start = p.expect('COPY');
  const query = p.atSymbol('(') ? parseCopyQuery(p) : undefined;
  const table = query === undefined ? p.qualifiedName('a table') : undefined;
  const columns = table && p.atSymbol('(') ? p.listInParentheses((q) => q.name('a column')) : [];
  const direction = p.expectOneOf('FROM', 'TO') as Copy['direction'];
  if (query !== undefined && direction === 'FROM') {
    p.failAt(p.token, 'syntax error: a query can only be copied TO something', {});
  }
  const stream = p.take('STDIN') || p.take('STDOUT');
  const path = stream ? undefined : parsePath(p);
  p.take('WITH');
  const options = p.atSymbol('(') ? parseOptions(p) : parseLegacyOptions(p);
  const span = p.spanFrom(start);
  return { kind: 'copy', span, direction, table, columns, query, path, stream, options };
}

function parseCopyQuery(p: Parser): Query {
  p.expectSymbol('(');
  const query = parseQuery(p);
  p.expectSymbol(')');
  return query;
}

function parsePath(p: Parser): Expression {
  const token = p.token;
  if (token.kind === 'string') {
    p.advance();
    return { kind: 'stringLiteral', span: p.spanFrom(token), value: token.text };
  }
  if (token.kind === 'parameter' || p.atSymbol('?')) return parseExpression(p);
  return p.fail('expected the path of a file as a string');
}

function atString(p: Parser): boolean {
  return p.token.kind === 'string';
}

/** The old style without parentheses: `CSV HEADER DELIMITER AS '|' NULL 'x'`. */
function parseLegacyOptions(p: Parser): Option[] {
  const options: Option[] = [];
  while (p.token.kind === 'word') {
    const start = p.token;
    const word = p.advance().text;
    if (word === 'CSV' || word === 'BINARY' || word === 'PARQUET' || word === 'JSON') {
      const value = { kind: 'stringLiteral', span: p.spanFrom(start), value: word } as const;
      options.push({ kind: 'option', span: p.spanFrom(start), name: 'format', value });
      continue;
    }
    p.take('AS');
    const name = word.toLowerCase();
    const value = atString(p) ? parseExpression(p) : undefined;
    if (value === undefined && word !== 'HEADER') p.fail(`expected a value for ${word}`);
    options.push({ kind: 'option', span: p.spanFrom(start), name, value });
  }
  return options;
}

export function parseCallStatement(p: Parser): CallStatement {
  const start = p.expect('CALL');
  const call = parseCall(p, p.qualifiedName('a procedure'));
  return { kind: 'callStatement', span: p.spanFrom(start), call };
}

export function parseExplain(p: Parser): Explain {
  const start = p.expect('EXPLAIN');
  const options = p.atSymbol('(') && !p.atQuery(1) && !p.peekIs(1, '(') ? parseOptions(p) : [];
  const analyze = p.take('ANALYZE') || options.some((option) => isOn(option, 'analyze'));
  const others = options.filter((option) => option.name !== 'analyze');
  if (p.at('VERBOSE')) p.notSupported(p.token, 'EXPLAIN VERBOSE');
  p.enter();
  const statement = parseStatement(p);
  p.leave();
  return { kind: 'explain', span: p.spanFrom(start), analyze, options: others, statement };
}

function isOn(option: Option, name: string): boolean {
  if (option.name !== name) return false;
  const { value } = option;
  if (value?.kind === 'booleanLiteral') return value.value;
  return value?.kind !== 'stringLiteral' || !/^(?:off|false|0)$/i.test(value.value);
}

export function parsePrepare(p: Parser): Statement {
  const start = p.expect('PREPARE');
  const name = p.name('the name of a statement');
  const types = p.atSymbol('(') ? p.listInParentheses(parseTypeName) : [];
  p.expect('AS');
  p.enter();
  const statement = parseStatement(p);
  p.leave();
  return { kind: 'prepare', span: p.spanFrom(start), name, types, statement };
}

export function parseExecute(p: Parser): Execute {
  const start = p.expect('EXECUTE');
  const name = p.name('the name of a statement');
  let list: Execute['arguments'] = [];
  if (p.takeSymbol('(')) {
    list = p.atSymbol(')') ? [] : p.list(parseExecuteArgument);
    p.expectSymbol(')');
  }
  return { kind: 'execute', span: p.spanFrom(start), name, arguments: list };
}

function parseExecuteArgument(p: Parser): Execute['arguments'][number] {
  const named = p.atName() && (p.peekIs(1, ':=') || p.peekIs(1, '=>'));
  const name = named ? p.name() : undefined;
  if (named) p.advance();
  return { name, value: parseExpression(p) };
}

export function parseDeallocate(p: Parser): Statement {
  const start = p.expect('DEALLOCATE');
  p.take('PREPARE');
  const name = p.take('ALL') ? undefined : p.name('the name of a statement');
  return { kind: 'deallocate', span: p.spanFrom(start), name };
}

const transactionWords: Record<string, TransactionControl['action']> = {
  BEGIN: 'BEGIN',
  START: 'BEGIN',
  COMMIT: 'COMMIT',
  END: 'COMMIT',
  ROLLBACK: 'ROLLBACK',
  ABORT: 'ROLLBACK',
};

export function parseTransaction(p: Parser): TransactionControl {
  const start = p.advance();
  if (start.text === 'START') p.expect('TRANSACTION');
  else if (!p.take('TRANSACTION')) p.take('WORK');
  if (p.at('TO') || p.at('PREPARED')) p.notSupported(p.token, `${start.text} ${p.token.text}`);
  if (p.at('ISOLATION')) {
    p.notSupported(p.token, 'choosing an isolation level', 'transactions see one snapshot');
  }
  let readOnly: boolean | undefined;
  if (p.takeAll('READ', 'ONLY')) readOnly = true;
  else if (p.takeAll('READ', 'WRITE')) readOnly = false;
  const action = transactionWords[start.text];
  return { kind: 'transaction', span: p.spanFrom(start), action, readOnly };
}

function settingName(p: Parser): string {
  return p
    .qualifiedName('the name of a setting')
    .parts.map((part) => part.name)
    .join('.')
    .toLowerCase();
}

export function parseSet(p: Parser): SetVariable {
  const start = p.expect('SET');
  if (p.at('VARIABLE')) p.notSupported(p.token, 'SET VARIABLE', 'use parameters');
  const scope = takeScope(p);
  const span = () => p.spanFrom(start);
  if (p.takeAll('TIME', 'ZONE')) {
    const values = [parseSettingValue(p)];
    return { kind: 'setVariable', span: span(), scope, name: 'timezone', values };
  }
  const name = settingName(p);
  if (!p.takeSymbol('=')) p.expect('TO');
  const values = p.list(parseSettingValue);
  return { kind: 'setVariable', span: span(), scope, name, values };
}

function takeScope(p: Parser): SetVariable['scope'] {
  for (const scope of ['SESSION', 'LOCAL', 'GLOBAL'] as const) {
    if (p.at(scope) && !p.peekIs(1, '=') && !p.peekIs(1, 'TO')) {
      p.advance();
      return scope;
    }
  }
  return undefined;
}

/** A bare word is taken for its text, as in `SET search_path = main`. */
function parseSettingValue(p: Parser): Expression {
  const token = p.token;
  const word = token.kind === 'word' || token.kind === 'quoted';
  const literal = token.text === 'TRUE' || token.text === 'FALSE' || token.text === 'NULL';
  if (word && !literal && !p.peekIs(1, '(')) {
    const value = p.label().name;
    return { kind: 'stringLiteral', span: p.spanFrom(token), value };
  }
  return parseExpression(p);
}

export function parseReset(p: Parser): Statement {
  const start = p.expect('RESET');
  takeScope(p);
  const name = p.take('ALL') ? undefined : settingName(p);
  return { kind: 'reset', span: p.spanFrom(start), name };
}

export function parseShow(p: Parser): Statement {
  const start = p.expect('SHOW');
  if (p.takeAll('ALL', 'TABLES')) {
    return { kind: 'show', span: p.spanFrom(start), name: 'all tables' };
  }
  const name = p.take('ALL') ? 'all' : settingName(p);
  return { kind: 'show', span: p.spanFrom(start), name };
}

export function parsePragma(p: Parser): Pragma {
  const start = p.expect('PRAGMA');
  const name = settingName(p);
  let value: Expression | undefined;
  let list: Expression[] = [];
  if (p.takeSymbol('=')) value = parseSettingValue(p);
  else if (p.atSymbol('(')) list = p.listInParentheses(parseSettingValue);
  return { kind: 'pragma', span: p.spanFrom(start), name, value, arguments: list };
}

/** DESCRIBE and SUMMARIZE take a query or the name of a table. */
export function parseDescribe(p: Parser): Statement {
  const start = p.advance();
  if (p.token.kind === 'end' || p.atSymbol(';')) {
    return { kind: 'show', span: p.spanFrom(start), name: 'tables' };
  }
  if (start.text !== 'SUMMARIZE') p.take('TABLE');
  const query = p.atQuery() || p.atSymbol('(') ? parseQuery(p) : tableQuery(p);
  const kind = start.text === 'SUMMARIZE' ? 'summarize' : 'describe';
  return { kind, span: p.spanFrom(start), query };
}

/** The query FROM name. */
function tableQuery(p: Parser): Query {
  return parseQueryOf(p, p.token);
}

function parseQueryOf(p: Parser, start: Token): Query {
  const path = p.token.kind === 'string' ? p.stringValue() : undefined;
  const name: QualifiedName | undefined =
    path === undefined ? p.qualifiedName('a table or a query') : undefined;
  const span = p.spanFrom(start);
  const rest = { span, alias: undefined, sample: undefined } as const;
  const star = { kind: 'selectItem', span, value: plainStar(span), alias: undefined } as const;
  const from: TableExpression =
    name === undefined
      ? { kind: 'tableFile', path: path ?? '', ...rest }
      : { kind: 'tableName', name, ...rest };
  return plainQuery([star], from, span);
}

function plainStar(span: Query['span']): Expression {
  return { kind: 'star', span, qualifier: undefined, exclude: [], replace: [], rename: [] };
}

export function parseAttach(p: Parser): Attach {
  const start = p.expect('ATTACH');
  p.take('DATABASE');
  const ifNotExists = p.takeAll('IF', 'NOT', 'EXISTS');
  const path = p.stringValue('the path of a database as a string');
  const name = p.take('AS') ? p.name('a name') : undefined;
  const options = p.atSymbol('(') ? parseOptions(p) : [];
  return { kind: 'attach', span: p.spanFrom(start), path, name, ifNotExists, options };
}

export function parseDetach(p: Parser): Statement {
  const start = p.expect('DETACH');
  p.take('DATABASE');
  const ifExists = p.takeAll('IF', 'EXISTS');
  const name = p.name('a database');
  return { kind: 'detach', span: p.spanFrom(start), name, ifExists };
}

export function parseUse(p: Parser): Statement {
  const start = p.expect('USE');
  const name = p.qualifiedName('a database or schema');
  return { kind: 'use', span: p.spanFrom(start), name };
}

export function parseAnalyze(p: Parser): Statement {
  const start = p.advance();
  const table = p.atName() ? p.qualifiedName('a table') : undefined;
  return { kind: 'analyze', span: p.spanFrom(start), table };
}
