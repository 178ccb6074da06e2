import type { Statement } from '../ast/statement.ts';
import { parseDataChange, parseTruncate, parseWithStatement } from './change.ts';
import { parseAlter, parseCreate, parseDrop } from './definition.ts';
import type { Parser } from './parser.ts';
import { parseQuery, parseQueryAfterWith } from './query.ts';
import {
  parseAnalyze,
  parseAttach,
  parseCallStatement,
  parseCopy,
  parseDeallocate,
  parseDescribe,
  parseDetach,
  parseExecute,
  parseExplain,
  parsePragma,
  parsePrepare,
  parseReset,
  parseSet,
  parseShow,
  parseTransaction,
  parseUse,
} from './utility.ts';

/** What each statement starts with. */
const statements: ReadonlyMap<string, (p: Parser) => Statement> = new Map([
  ['SELECT', parseQuery],
  ['FROM', parseQuery],
  ['VALUES', parseQuery],
  ['TABLE', parseQuery],
  ['WITH', (p: Parser): Statement => parseWithStatement(p, parseQueryAfterWith)],
  ['INSERT', (p: Parser): Statement => parseDataChange(p)!],
  ['UPDATE', (p: Parser): Statement => parseDataChange(p)!],
  ['DELETE', (p: Parser): Statement => parseDataChange(p)!],
  ['TRUNCATE', parseTruncate],
  ['CREATE', parseCreate],
  ['DROP', parseDrop],
  ['ALTER', parseAlter],
  ['COPY', parseCopy],
  ['CALL', parseCallStatement],
  ['EXPLAIN', parseExplain],
  ['PREPARE', parsePrepare],
  ['EXECUTE', parseExecute],
  ['DEALLOCATE', parseDeallocate],
  ['BEGIN', parseTransaction],
  ['START', parseTransaction],
  ['COMMIT', parseTransaction],
  ['END', parseTransaction],
  ['ROLLBACK', parseTransaction],
  ['ABORT', parseTransaction],
  ['SET', parseSet],
  ['RESET', parseReset],
  ['SHOW', parseShow],
  ['PRAGMA', parsePragma],
  ['DESCRIBE', parseDescribe],
  ['DESC', parseDescribe],
  ['SUMMARIZE', parseDescribe],
  ['ATTACH', parseAttach],
  ['DETACH', parseDetach],
  ['USE', parseUse],
  ['ANALYZE', parseAnalyze],
]);

/** Statements of PostgreSQL and DuckDB that are known not to be there. */
const unsupported = new Set(
  (
    'MERGE PIVOT UNPIVOT SAVEPOINT RELEASE GRANT REVOKE LOCK LISTEN NOTIFY UNLISTEN DECLARE FETCH ' +
    'CLOSE MOVE COMMENT CLUSTER REINDEX DISCARD REFRESH LOAD INSTALL UPDATE_EXTENSIONS EXPORT ' +
    'IMPORT DO SECURITY VACUUM'
  ).split(' '),
);

export function parseStatement(p: Parser): Statement {
  if (p.atSymbol('(')) return parseQuery(p);
  if (p.token.kind === 'word') {
    if (p.token.text === 'CHECKPOINT') {
      const start = p.advance();
      return { kind: 'checkpoint', span: p.spanFrom(start) };
    }
    const parse = statements.get(p.token.text);
    if (parse !== undefined) return parse(p);
    if (unsupported.has(p.token.text)) p.notSupported(p.token, p.token.text);
    p.suggest([...statements.keys()]);
  }
  return p.fail('expected a statement');
}
