/** What each kind of statement does, queries apart. */
import { unreachable } from '../base/assert.ts';
import { QuernError, sqlState } from '../base/error.ts';
import { locate, withText } from '../bind/error.ts';
import type { BoundExecute, BoundSet, BoundShow, BoundStatement } from '../bind/statement/bound.ts';
import { plainValue } from '../plan/constant.ts';
import { formatValue } from '../value/value.ts';
import { Result } from './result.ts';
import { type Request, resultOf, type Session } from './session.ts';
import { alterTable } from './statements/alter.ts';
import { runCall } from './statements/call.ts';
import { copyFrom, copyTo } from './statements/copy.ts';
import { createTable, createTableAs, createView, drop } from './statements/definition.ts';
import { describe, explain } from './statements/explain.ts';
import { insert } from './statements/insert.ts';
import { rewrite } from './statements/rewrite.ts';
import { setSetting, showSetting } from './statements/settings.ts';

export async function runStatement(
  session: Session,
  statement: BoundStatement,
  request: Request,
): Promise<Result> {
  switch (statement.kind) {
    case 'query':
      return resultOf(await session.rows(statement.plan, request), request);
    case 'explain':
      return explain(session, statement, request);
    case 'describe':
      return describe(statement);
    case 'insert':
      return insert(session, statement, request);
    case 'rewrite':
      return rewrite(session, statement, request);
    case 'createTable':
      return createTable(session, statement);
    case 'createTableAs':
      return createTableAs(session, statement, request);
    case 'createView':
      return createView(session, statement);
    case 'drop':
      return drop(session, statement);
    case 'alterTable':
      return alterTable(session, statement, request);
    case 'copyFrom':
      return copyFrom(session, statement, request);
    case 'copyTo':
      return copyTo(session, statement, request);
    case 'call':
      return runCall(session, statement, request);
    case 'set':
    case 'show':
      return accessSetting(session, statement, request);
    case 'transaction':
      throw new QuernError(
        sqlState.featureNotSupported,
        `${statement.action}: transactions are not supported yet; every statement is one of its own`,
      );
    case 'prepare':
      session.prepared.set(statement.name.toLowerCase(), {
        sql: request.sql,
        statement: statement.statement,
        types: statement.types,
      });
      return new Result([], []);
    case 'execute':
      return executePrepared(session, statement, request);
    case 'deallocate':
      if (statement.name === undefined) session.prepared.clear();
      else session.prepared.delete(statement.name.toLowerCase());
      return new Result([], []);
    default:
      return unreachable(statement, 'statement');
  }
}

function accessSetting(
  session: Session,
  statement: BoundSet | BoundShow,
  { sql }: Request,
): Result {
  const access = (): Result =>
    statement.kind === 'set' ? setSetting(session, statement) : showSetting(session, statement);
  return withText(sql, () => locate(statement.span, access));
}

async function executePrepared(
  session: Session,
  { name, args }: BoundExecute,
  { options }: Request,
): Promise<Result> {
  const prepared = session.prepared.get(name.toLowerCase());
  if (prepared === undefined) {
    throw new QuernError('26000', `there is no prepared statement "${name}"`);
  }
  // As text, so that each value takes the type that its place in the statement has.
  const values = args.map(({ value, type }) => {
    return value === null ? null : formatValue(type, plainValue(type, value));
  });
  const { sql, statement, types } = prepared;
  return session.runOne(sql, statement, values, options, undefined, types);
}
