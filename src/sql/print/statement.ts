import type { Expression } from '../ast/expression.ts';
import type { Statement } from '../ast/statement.ts';
import type { Copy, Explain, Option, SetVariable } from '../ast/utility.ts';
import { printDataChange } from './change.ts';
import { printDefinition } from './definition.ts';
import { printCall, printExpression } from './expression.ts';
import { printColumns, printIdentifier, printName, printString, printType } from './name.ts';
import { printQuery } from './query.ts';

/** SQL text on one line that parses to the same tree. */
export function printStatement(node: Statement): string {
  switch (node.kind) {
    case 'query':
      return printQuery(node);
    case 'insert':
    case 'update':
    case 'delete':
      return printDataChange(node);
    case 'truncate':
      return `TRUNCATE ${printName(node.table)}`;
    case 'copy':
      return printCopy(node);
    case 'callStatement':
      return `CALL ${withParentheses(printCall(node.call))}`;
    case 'explain':
      return printExplain(node);
    case 'prepare': {
      const types = node.types.length === 0 ? '' : ` (${node.types.map(printType).join(', ')})`;
      return `PREPARE ${printIdentifier(node.name)}${types} AS ${printStatement(node.statement)}`;
    }
    case 'execute': {
      const list = node.arguments.map(
        ({ name, value }) =>
          (name === undefined ? '' : `${printIdentifier(name)} := `) + printExpression(value),
      );
      return `EXECUTE ${printIdentifier(node.name)}${list.length ? ` (${list.join(', ')})` : ''}`;
    }
    case 'deallocate':
      return `DEALLOCATE PREPARE ${node.name === undefined ? 'ALL' : printIdentifier(node.name)}`;
    case 'transaction': {
      const mode = node.readOnly === undefined ? '' : ` READ ${node.readOnly ? 'ONLY' : 'WRITE'}`;
      return node.action + mode;
    }
    case 'describe':
    case 'summarize':
      return `${node.kind.toUpperCase()} ${printQuery(node.query)}`;
    case 'analyze':
      return `ANALYZE${node.table === undefined ? '' : ` ${printName(node.table)}`}`;
    case 'attach': {
      const condition = node.ifNotExists ? 'IF NOT EXISTS ' : '';
      const name = node.name === undefined ? '' : ` AS ${printIdentifier(node.name)}`;
      return `ATTACH ${condition}${printString(node.path)}${name}${printOptions(node.options)}`;
    }
    case 'detach':
      return `DETACH ${node.ifExists ? 'DATABASE IF EXISTS ' : ''}${printIdentifier(node.name)}`;
    case 'use':
      return `USE ${printName(node.name)}`;
    case 'checkpoint':
      return 'CHECKPOINT';
    case 'setVariable':
      return printSet(node);
    case 'reset':
      return `RESET ${node.name === undefined ? 'ALL' : printSetting(node.name)}`;
    case 'show':
      return `SHOW ${node.name.startsWith('all') ? node.name : printSetting(node.name)}`;
    case 'pragma': {
      const value = node.value === undefined ? '' : ` = ${printExpression(node.value)}`;
      const list = node.arguments.length === 0 ? '' : `(${printList(node.arguments)})`;
      return `PRAGMA ${printSetting(node.name)}${value}${list}`;
    }
    default:
      return printDefinition(node);
  }
}

function printList(items: readonly Expression[]): string {
  return items.map(printExpression).join(', ');
}

/** The parts of a setting's name are quoted: they may be any words. */
function printSetting(name: string): string {
  return name
    .split('.')
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join('.');
}

function withParentheses(call: string): string {
  return call.endsWith(')') ? call : `${call}()`;
}

function printOptions(options: readonly Option[]): string {
  if (options.length === 0) return '';
  const list = options.map(({ name, value }) => {
    const text = value === undefined ? '' : ` = ${printExpression(value)}`;
    return `"${name.replaceAll('"', '""')}"${text}`;
  });
  return ` (${list.join(', ')})`;
}

function printCopy(node: Copy): string {
  const source =
    node.query === undefined
      ? printName(node.table!) + printColumns(node.columns)
      : `(${printQuery(node.query)})`;
  const stream = node.direction === 'FROM' ? 'STDIN' : 'STDOUT';
  const target = node.path === undefined ? stream : printExpression(node.path);
  return `COPY ${source} ${node.direction} ${target}${printOptions(node.options)}`;
}

function printExplain(node: Explain): string {
  const statement = printStatement(node.statement);
  const options = printOptions(node.options);
  return `EXPLAIN${options}${node.analyze ? ' ANALYZE' : ''} ${statement}`;
}

function printSet(node: SetVariable): string {
  const scope = node.scope === undefined ? '' : `${node.scope} `;
  return `SET ${scope}${printSetting(node.name)} = ${printList(node.values)}`;
}
