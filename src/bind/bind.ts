import type { Span } from '../sql/ast/node.ts';
import type { Statement } from '../sql/ast/statement.ts';
import type { CallStatement, Execute, Pragma, SetVariable } from '../sql/ast/utility.ts';
import { nullType, type SqlType, varcharType } from '../value/type.ts';
import { BindContext, type BindOptions } from './context.ts';
import { notSupported, withText } from './error.ts';
import { bindSourceArguments } from './query/from.ts';
import { bindQuery } from './query/query.ts';
import { bindAlterTable } from './statement/alter.ts';
import type {
  BoundCall,
  BoundExecute,
  BoundSet,
  BoundShow,
  BoundStatement,
} from './statement/bound.ts';
import { bindCopy, bindOptions, constantValue } from './statement/copy.ts';
import {
  bindCreateTable,
  bindCreateTableAs,
  bindCreateView,
  bindDrop,
  objectName,
} from './statement/definition.ts';
import { bindInsert } from './statement/insert.ts';
import { bindDelete, bindTruncate, bindUpdate } from './statement/rewrite.ts';
import { resolveType } from './types/type-name.ts';

/** A parameter of a statement, `$1`, `$2`, … or `$name`. */
export interface BoundParameter {
  /** As given, or as its use demands. */
  readonly type: SqlType;
  /** Of `$name`: in lower case. */
  readonly name: string | undefined;
  /** Where it is met first; undefined for `$1` of a text that has only `$2`. */
  readonly span: Span | undefined;
}

export interface BindResult {
  readonly statement: BoundStatement;
  /** In the order of their numbers. */
  readonly parameters: readonly BoundParameter[];
  /** Numbers, from 0, of parameters whose type neither the caller nor their use has decided. */
  readonly undecided: readonly number[];
}

/**
 * Gives a statement its meaning against a snapshot of the catalog. `sql` is the text the statement
 * was parsed from.
 *
 * @throws QuernError with the place in the text: an unknown name, types that do not fit, something
 *   that is not supported.
 */
export function bind(sql: string, statement: Statement, options: BindOptions): BindResult {
  const context = new BindContext(options);
  const bound = withText(sql, () => bindStatement(context, statement, sql));
  const undecided = [...context.undecided];
  const parameters = context.parameterTypes.map((type, i): BoundParameter => {
    const isDecided = type.kind !== nullType.kind;
    if (!isDecided) undecided.push(i);
    return {
      type: isDecided ? type : varcharType,
      name: context.parameterNames[i],
      span: context.parameterSpans[i],
    };
  });
  return { statement: bound, parameters, undecided };
}

function bindStatement(context: BindContext, node: Statement, sql: string): BoundStatement {
  switch (node.kind) {
    case 'query':
      return { kind: 'query', plan: bindQuery(context, node, undefined, undefined) };
    case 'insert':
      return bindInsert(context, node);
    case 'update':
      return bindUpdate(context, node);
    case 'delete':
      return bindDelete(context, node);
    case 'truncate':
      return bindTruncate(context, node);
    case 'createTable':
      return bindCreateTable(context, node, sql);
    case 'createTableAs':
      return bindCreateTableAs(context, node);
    case 'createView':
      return bindCreateView(context, node, sql);
    case 'drop':
      return bindDrop(context, node);
    case 'alterTable':
      // Nothing to drop either, then.
      return bindAlterTable(context, node, sql) ?? { kind: 'drop', object: 'TABLE', names: [] };
    case 'copy':
      return bindCopy(context, node);
    case 'explain': {
      const statement = bindStatement(context, node.statement, sql);
      const format = bindOptions(context, node.options).get('format') ?? 'text';
      return { kind: 'explain', analyze: node.analyze, format: String(format), statement };
    }
    case 'describe':
      return { kind: 'describe', plan: bindQuery(context, node.query, undefined, undefined) };
    case 'callStatement':
      return bindCallStatement(context, node);
    case 'setVariable':
      return bindSet(context, node);
    case 'reset':
      return { kind: 'set', name: node.name, value: undefined, span: node.span };
    case 'show':
      return { kind: 'show', name: node.name, span: node.span };
    case 'pragma':
      return bindPragma(context, node);
    case 'transaction':
      return { kind: 'transaction', action: node.action, readOnly: node.readOnly ?? false };
    case 'prepare': {
      const types = node.types.map(resolveType);
      return { kind: 'prepare', name: node.name.name, types, statement: node.statement };
    }
    case 'execute':
      return bindExecute(context, node);
    case 'deallocate':
      return { kind: 'deallocate', name: node.name?.name };
    default:
      return notSupported(statementName(node), node.span);
  }
}

/** `createIndex` as CREATE INDEX. */
function statementName(node: Statement): string {
  return node.kind.replace(/[A-Z]/g, ' $&').toUpperCase();
}

function bindCallStatement(context: BindContext, node: CallStatement): BoundCall {
  const { args, named } = bindSourceArguments({ context }, node.call);
  const { name } = node.call;
  return { kind: 'call', name: objectName(name).toLowerCase(), span: name.span, args, named };
}

function bindSet(context: BindContext, node: SetVariable): BoundSet {
  if (node.values.length !== 1) notSupported('a list of values for a setting', node.span);
  const [value] = node.values;
  if (value.kind === 'defaultValue')
    return { kind: 'set', name: node.name, value: undefined, span: node.span };
  const constant = constantValue(context, value, 'SET').value;
  return { kind: 'set', name: node.name, value: constant, span: node.span };
}

function bindPragma(context: BindContext, node: Pragma): BoundSet | BoundShow {
  if (node.arguments.length > 0) notSupported('a PRAGMA with arguments', node.span);
  if (node.value === undefined) return { kind: 'show', name: node.name, span: node.span };
  const { value } = constantValue(context, node.value, 'PRAGMA');
  return { kind: 'set', name: node.name, value, span: node.span };
}

function bindExecute(context: BindContext, node: Execute): BoundExecute {
  const args = node.arguments.map(({ name, value: syntax }) => {
    if (name !== undefined) notSupported('an argument by name', name.span);
    const { value, bound } = constantValue(context, syntax, 'EXECUTE');
    return { value, type: bound.type };
  });
  return { kind: 'execute', name: node.name.name, args };
}
