import { unreachable } from '../../base/assert.ts';
import type {
  CommonTable,
  GroupElement,
  Join,
  Limit,
  Query,
  QueryBody,
  Sample,
  Select,
  SelectItem,
  SetOperation,
  TableAlias,
  TableExpression,
  With,
} from '../ast/query.ts';
import { printDataChange } from './change.ts';
import {
  printCall,
  printDirection,
  printExpression,
  printOrderBy,
  printWindow,
} from './expression.ts';
import { printColumns, printIdentifier, printName, printNames, printString } from './name.ts';

export function printQuery(query: Query): string {
  const parts: string[] = [];
  if (query.with !== undefined) parts.push(printWith(query.with));
  parts.push(printBody(query.body));
  if (query.orderByAll !== undefined) parts.push(`ORDER BY ALL${printDirection(query.orderByAll)}`);
  if (query.orderBy.length > 0) parts.push(printOrderBy(query.orderBy));
  if (query.limit !== undefined) parts.push(printLimit(query.limit));
  if (query.offset !== undefined) parts.push(`OFFSET ${printExpression(query.offset)}`);
  return parts.join(' ');
}

export function printWith(clause: With): string {
  const word = clause.recursive ? 'WITH RECURSIVE' : 'WITH';
  return `${word} ${clause.tables.map(printCommonTable).join(', ')}`;
}

function printCommonTable(table: CommonTable): string {
  const head = printIdentifier(table.name) + printColumns(table.columns);
  const { materialized, query } = table;
  const choice = materialized === undefined ? '' : `${materialized ? '' : 'NOT '}MATERIALIZED `;
  const inner = query.kind === 'query' ? printQuery(query) : printDataChange(query);
  return `${head} AS ${choice}(${inner})`;
}

function printLimit(limit: Limit): string {
  if (limit.count === undefined) return 'LIMIT ALL';
  // The parentheses keep a count that ends in an operator apart from PERCENT and ROWS.
  const count = printExpression(limit.count);
  const text = limit.count.kind === 'numberLiteral' ? count : `(${count})`;
  const percent = limit.percent ? ' PERCENT' : '';
  if (limit.withTies) return `FETCH FIRST ${text}${percent} ROWS WITH TIES`;
  return `LIMIT ${text}${percent}`;
}

function printBody(body: QueryBody): string {
  switch (body.kind) {
    case 'query':
      return `(${printQuery(body)})`;
    case 'values':
      return `VALUES ${body.rows.map((row) => `(${row.map(printExpression).join(', ')})`).join(', ')}`;
    case 'select':
      return printSelect(body);
    case 'setOperation':
      return printSetOperation(body);
    default:
      return unreachable(body);
  }
}

function printSetOperation(node: SetOperation): string {
  const level = setLevel(node);
  const left = setLevel(node.left) >= level ? printBody(node.left) : `(${printBody(node.left)})`;
  const right = setLevel(node.right) > level ? printBody(node.right) : `(${printBody(node.right)})`;
  const word = node.operator + (node.all ? ' ALL' : '') + (node.byName ? ' BY NAME' : '');
  return `${left} ${word} ${right}`;
}

function setLevel(body: QueryBody): number {
  if (body.kind !== 'setOperation') return 3;
  return body.operator === 'INTERSECT' ? 2 : 1;
}

export function printSelectItems(items: readonly SelectItem[]): string {
  return items
    .map(({ value, alias }) => {
      const text = printExpression(value);
      return alias === undefined ? text : `${text} AS ${printIdentifier(alias)}`;
    })
    .join(', ');
}

function printSelect(select: Select): string {
  const parts = ['SELECT'];
  if (select.distinct) parts.push('DISTINCT');
  if (select.distinctOn.length > 0) {
    parts.push(`ON (${select.distinctOn.map(printExpression).join(', ')})`);
  }
  parts.push(printSelectItems(select.items));
  if (select.from.length > 0) parts.push(`FROM ${printTables(select.from)}`);
  if (select.where !== undefined) parts.push(`WHERE ${printExpression(select.where)}`);
  if (select.groupBy !== undefined) {
    const { all, elements } = select.groupBy;
    parts.push(`GROUP BY ${all ? 'ALL' : elements.map(printGroupElement).join(', ')}`);
  }
  if (select.having !== undefined) parts.push(`HAVING ${printExpression(select.having)}`);
  if (select.windows.length > 0) {
    const windows = select.windows.map(
      ({ name, window }) => `${printIdentifier(name)} AS ${printWindow(window)}`,
    );
    parts.push(`WINDOW ${windows.join(', ')}`);
  }
  if (select.qualify !== undefined) parts.push(`QUALIFY ${printExpression(select.qualify)}`);
  if (select.sample !== undefined) parts.push(`USING SAMPLE ${printSample(select.sample)}`);
  return parts.join(' ');
}

function printGroupElement(element: GroupElement): string {
  if (element.kind === 'groupingSets') {
    return `${element.form} (${element.sets.map(printGroupElement).join(', ')})`;
  }
  if (element.kind === 'row' && element.items.length === 0) return '()';
  return printExpression(element);
}

export function printTables(tables: readonly TableExpression[]): string {
  return tables.map(printTable).join(', ');
}

function printTable(table: TableExpression): string {
  if (table.kind === 'join') {
    const text = printJoin(table);
    return table.alias === undefined ? text : `(${text})${printAlias(table.alias)}`;
  }
  const sample = table.sample === undefined ? '' : ` TABLESAMPLE ${printSample(table.sample)}`;
  const ending = printAlias(table.alias) + sample;
  const lateral = 'lateral' in table && table.lateral ? 'LATERAL ' : '';
  switch (table.kind) {
    case 'tableName':
      return printName(table.name) + ending;
    case 'tableFile':
      return printString(table.path) + ending;
    case 'tableFunction': {
      const ordinality = table.withOrdinality ? ' WITH ORDINALITY' : '';
      return lateral + printTableCall(table.call) + ordinality + ending;
    }
    case 'derivedTable':
      return `${lateral}(${printQuery(table.query)})${ending}`;
    default:
      return unreachable(table);
  }
}

/** A table function has parentheses even if it is one that needs none in an expression. */
function printTableCall(call: Parameters<typeof printCall>[0]): string {
  const text = printCall(call);
  return text.endsWith(')') ? text : `${text}()`;
}

function printAlias(alias: TableAlias | undefined): string {
  if (alias === undefined) return '';
  return ` AS ${printIdentifier(alias.name)}${printColumns(alias.columns)}`;
}

function printJoin(join: Join): string {
  const right = printTable(join.right);
  const nested = join.right.kind === 'join' && join.right.alias === undefined;
  const words: string[] = [];
  if (join.natural) words.push('NATURAL');
  if (join.asof) words.push('ASOF');
  if (join.type !== 'INNER') words.push(join.type);
  words.push('JOIN', nested ? `(${right})` : right);
  if (join.on !== undefined) words.push(`ON ${printExpression(join.on)}`);
  if (join.using.length > 0) words.push(`USING (${printNames(join.using)})`);
  return `${printTable(join.left)} ${words.join(' ')}`;
}

function printSample(sample: Sample): string {
  const seed = sample.seed === undefined ? '' : ` REPEATABLE (${sample.seed})`;
  const method = sample.method === undefined ? '' : `${sample.method} `;
  return `${method}(${sample.size} ${sample.unit})${seed}`;
}
