import { sqlState } from '../base/error.ts';
import type { Expression } from './ast/expression.ts';
import type { Statement } from './ast/statement.ts';
import { type Diagnostic, diagnosticError } from './diagnostic.ts';
import { lex } from './lexer.ts';
import { textLengthMax, treeDepthMax } from './limits.ts';
import { parseExpression as parseExpressionWith } from './parse/expression.ts';
import { ParseFailure, Parser } from './parse/parser.ts';
import { parseStatement } from './parse/statement.ts';

export interface ParseResult {
  /** The statements that could be read, in order. */
  readonly statements: readonly Statement[];
  /** What is wrong with the others: one diagnostic each, in order. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Parses SQL text with any number of statements. Never throws: a statement with an error gives a
 * diagnostic, and parsing goes on after the next semicolon.
 */
export function parse(sql: string): ParseResult {
  if (sql.length > textLengthMax) return tooLong(sql);
  const { tokens, diagnostics: lexicalErrors } = lex(sql);
  const p = new Parser(sql, tokens, lexicalErrors);
  const statements: Statement[] = [];
  const diagnostics: Diagnostic[] = [];
  for (;;) {
    while (p.takeSymbol(';'));
    if (p.token.kind === 'end') return { statements, diagnostics };
    const outcome = parseOne(p);
    if ('code' in outcome) diagnostics.push(outcome);
    else statements.push(outcome);
  }
}

/** The one statement of a text; throws a QuernError if there is an error, none or more than one. */
export function parseSingle(sql: string): Statement {
  const { statements, diagnostics } = parse(sql);
  if (diagnostics.length > 0) throw diagnosticError(sql, diagnostics[0]);
  if (statements.length === 1) return statements[0];
  const second = statements[1]?.span ?? { start: sql.length, end: sql.length };
  const message =
    statements.length === 0 ? 'there is no statement' : 'only one statement is allowed here';
  const hint = undefined;
  throw diagnosticError(sql, { code: sqlState.syntaxError, message, span: second, hint });
}

/** A text that is one expression. */
export function parseExpression(sql: string): Expression | Diagnostic {
  const { tokens, diagnostics } = lex(sql);
  const p = new Parser(sql, tokens, diagnostics);
  return attempt(p, () => {
    const expression = parseExpressionWith(p);
    if (p.token.kind !== 'end') p.fail('expected the end of the expression');
    return expression;
  });
}

function parseOne(p: Parser): Statement | Diagnostic {
  p.startStatement();
  return attempt(p, () => {
    const first = p.index;
    const statement = parseStatement(p);
    if (p.token.kind !== 'end' && !p.atSymbol(';')) p.fail('expected the end of the statement');
    if (p.index - first > treeDepthMax && isDeep(statement)) {
      p.failAt(statement.span, `the statement is more than ${treeDepthMax} levels deep`, {
        code: sqlState.programLimitExceeded,
        hint: 'a long chain of operators can be split with parentheses',
      });
    }
    return statement;
  });
}

function attempt<T>(p: Parser, parseIt: () => T): T | Diagnostic {
  try {
    return parseIt();
  } catch (failure) {
    if (!(failure instanceof ParseFailure)) throw failure;
    p.skipStatement();
    return failure.diagnostic;
  }
}

/** Whether a tree is deeper than later stages may recurse; looks without recursion itself. */
function isDeep(root: object): boolean {
  const nodes: object[] = [root];
  const depths = [1];
  while (nodes.length > 0) {
    const node = nodes.pop()!;
    const depth = depths.pop()!;
    if (depth > treeDepthMax) return true;
    const childDepth = Array.isArray(node) ? depth : depth + 1;
    for (const child of Object.values(node)) {
      if (typeof child !== 'object' || child === null) continue;
      nodes.push(child);
      depths.push(childDepth);
    }
  }
  return false;
}

function tooLong(sql: string): ParseResult {
  const span = { start: textLengthMax, end: sql.length };
  const message = `the SQL text is longer than ${textLengthMax} characters`;
  const diagnostic = { code: sqlState.programLimitExceeded, message, span, hint: undefined };
  return { statements: [], diagnostics: [diagnostic] };
}
