import { unreachable } from '../../base/assert.ts';
import type {
  Call,
  Expression,
  FrameBound,
  IntervalLiteral,
  Quantified,
  Star,
  WindowSpecification,
} from '../ast/expression.ts';
import type { OrderDirection, OrderItem } from '../ast/query.ts';
import { bareFunctions } from '../keywords.ts';
import { binaryOperators, precedence } from '../operators.ts';
import { printIdentifier, printName, printNames, printString, printType } from './name.ts';
import { printQuery } from './query.ts';

/** SQL text that parses to the same tree. Puts parentheses only where they are needed. */
export function printExpression(node: Expression): string {
  switch (node.kind) {
    case 'unary': {
      const operand = printAt(node.operand, unaryLevel(node.operator));
      // A space keeps two signs from becoming a comment and an operator from growing.
      return `${node.operator} ${operand}`;
    }
    case 'binary': {
      const level = binaryOperators.get(node.operator)!.precedence;
      const comparison = level === precedence.comparison;
      const left = printAt(node.left, comparison ? level + 1 : level);
      return `${left} ${node.operator} ${printAt(node.right, level + 1)}`;
    }
    case 'logical': {
      const level = node.operator === 'AND' ? precedence.and : precedence.or;
      return node.operands.map((operand) => printAt(operand, level + 1)).join(` ${node.operator} `);
    }
    case 'not':
      return `NOT ${printAt(node.operand, precedence.not)}`;
    case 'isNull':
      return `${printAt(node.operand, precedence.is)} IS ${not(node.negated)}NULL`;
    case 'isBoolean': {
      const value = node.value === undefined ? 'UNKNOWN' : String(node.value).toUpperCase();
      return `${printAt(node.operand, precedence.is)} IS ${not(node.negated)}${value}`;
    }
    case 'isDistinct': {
      const right = printAt(node.right, precedence.is + 1);
      return `${printAt(node.left, precedence.is)} IS ${not(node.negated)}DISTINCT FROM ${right}`;
    }
    case 'between':
    case 'inList':
    case 'inSubquery':
    case 'like':
      return printContainment(node);
    case 'quantified':
      return printQuantified(node);
    case 'collate':
      return `${printAt(node.operand, precedence.collate)} COLLATE ${printName(node.collation)}`;
    case 'atTimeZone': {
      const zone = printAt(node.zone, precedence.atTimeZone + 1);
      return `${printAt(node.operand, precedence.atTimeZone)} AT TIME ZONE ${zone}`;
    }
    case 'subscript':
      return `${printAt(node.operand, precedence.subscript)}[${printExpression(node.index)}]`;
    case 'slice': {
      const [from, to] = [node.from, node.to].map((bound) => (bound ? printExpression(bound) : ''));
      return `${printAt(node.operand, precedence.subscript)}[${from} : ${to}]`;
    }
    case 'fieldAccess':
      return `(${printExpression(node.operand)}).${printIdentifier(node.field)}`;
    case 'lambda':
      return `LAMBDA ${printNames(node.parameters)}: ${printExpression(node.body)}`;
    default:
      return printAtom(node);
  }
}

type Containment = Extract<Expression, { kind: 'between' | 'inList' | 'inSubquery' | 'like' }>;

function printContainment(node: Containment): string {
  const operand = `${printAt(node.operand, precedence.containment)} ${not(node.negated)}`;
  const inner = (part: Expression): string => printAt(part, precedence.containment + 1);
  switch (node.kind) {
    case 'between': {
      const symmetric = node.symmetric ? 'SYMMETRIC ' : '';
      return `${operand}BETWEEN ${symmetric}${inner(node.low)} AND ${inner(node.high)}`;
    }
    case 'inList':
      return `${operand}IN (${printList(node.items)})`;
    case 'inSubquery':
      return `${operand}IN (${printQuery(node.query)})`;
    case 'like': {
      const ending = node.escape === undefined ? '' : ` ESCAPE ${inner(node.escape)}`;
      return `${operand}${node.operator} ${inner(node.pattern)}${ending}`;
    }
    default:
      return unreachable(node);
  }
}

function printQuantified(node: Quantified): string {
  const level = binaryOperators.get(node.operator)!.precedence;
  const left = printAt(node.left, level === precedence.comparison ? level + 1 : level);
  const inner = node.query === undefined ? printExpression(node.array!) : printQuery(node.query);
  return `${left} ${node.operator} ${node.quantifier} (${inner})`;
}

/** Expressions that stand alone: they never need parentheses around them. */
function printAtom(node: Atom): string {
  switch (node.kind) {
    case 'nullLiteral':
      return 'NULL';
    case 'booleanLiteral':
      return node.value ? 'TRUE' : 'FALSE';
    case 'numberLiteral':
      return node.text;
    case 'stringLiteral':
      return printString(node.value);
    case 'blobLiteral':
      return `X'${node.digits}'`;
    case 'typedLiteral':
      return `${printType(node.type)} ${printString(node.value)}`;
    case 'intervalLiteral':
      return printInterval(node);
    case 'columnReference':
      return node.parts.map(printIdentifier).join('.');
    case 'star':
      return printStar(node);
    case 'parameter':
      return `$${node.index ?? node.name}`;
    case 'case': {
      const branches = node.branches.map(
        ({ when, result }) => ` WHEN ${printExpression(when)} THEN ${printExpression(result)}`,
      );
      const operand = node.operand ? ` ${printExpression(node.operand)}` : '';
      const otherwise = node.otherwise ? ` ELSE ${printExpression(node.otherwise)}` : '';
      return `CASE${operand}${branches.join('')}${otherwise} END`;
    }
    case 'cast': {
      const word = node.try ? 'TRY_CAST' : 'CAST';
      return `${word}(${printExpression(node.operand)} AS ${printType(node.type)})`;
    }
    case 'extract':
      return `EXTRACT(${printString(node.field)} FROM ${printExpression(node.operand)})`;
    case 'call':
      return printCall(node);
    case 'scalarSubquery':
      return `(${printQuery(node.query)})`;
    case 'exists':
      return `EXISTS (${printQuery(node.query)})`;
    case 'row':
      return `ROW(${printList(node.items)})`;
    case 'arrayLiteral':
      return `[${printList(node.items)}]`;
    case 'arraySubquery':
      return `ARRAY (${printQuery(node.query)})`;
    case 'structLiteral': {
      const entries = node.entries.map(
        ({ name, value }) => `${printString(name)}: ${printExpression(value)}`,
      );
      return `{${entries.join(', ')}}`;
    }
    case 'mapLiteral': {
      const entries = node.entries.map(
        ({ key, value }) => `${printExpression(key)}: ${printExpression(value)}`,
      );
      return `MAP {${entries.join(', ')}}`;
    }
    case 'defaultValue':
      return 'DEFAULT';
    default:
      return unreachable(node);
  }
}

type Compound =
  | 'unary'
  | 'binary'
  | 'logical'
  | 'not'
  | 'isNull'
  | 'isBoolean'
  | 'isDistinct'
  | 'between'
  | 'inList'
  | 'inSubquery'
  | 'like'
  | 'quantified'
  | 'collate'
  | 'atTimeZone'
  | 'subscript'
  | 'slice'
  | 'fieldAccess'
  | 'lambda';

type Atom = Exclude<Expression, { kind: Compound }>;

/** With parentheses around it unless it binds at least as tightly as `level`. */
export function printAt(node: Expression, level: number): string {
  const text = printExpression(node);
  return precedenceOf(node) >= level ? text : `(${text})`;
}

function unaryLevel(operator: string): number {
  return operator === '-' || operator === '+' ? precedence.sign : precedence.other;
}

function precedenceOf(node: Expression): number {
  switch (node.kind) {
    case 'unary':
      return unaryLevel(node.operator);
    case 'binary':
    case 'quantified':
      return binaryOperators.get(node.operator)!.precedence;
    case 'logical':
      return node.operator === 'AND' ? precedence.and : precedence.or;
    case 'not':
      return precedence.not;
    case 'isNull':
    case 'isBoolean':
    case 'isDistinct':
      return precedence.is;
    case 'between':
    case 'inList':
    case 'inSubquery':
    case 'like':
      return precedence.containment;
    case 'collate':
      return precedence.collate;
    case 'atTimeZone':
      return precedence.atTimeZone;
    case 'subscript':
    case 'slice':
      return precedence.subscript;
    case 'lambda':
      return precedence.lowest;
    default:
      return precedence.highest;
  }
}

function not(negated: boolean): string {
  return negated ? 'NOT ' : '';
}

function printList(items: readonly Expression[]): string {
  return items.map(printExpression).join(', ');
}

function printInterval(node: IntervalLiteral): string {
  const { value } = node;
  const simple =
    value.kind === 'stringLiteral' || value.kind === 'numberLiteral' || value.kind === 'parameter';
  const text = simple ? printExpression(value) : `(${printExpression(value)})`;
  const unit = node.unit === undefined ? '' : ` ${node.unit}`;
  const precisionText = node.precision === undefined ? '' : ` (${node.precision})`;
  return `INTERVAL ${text}${unit}${precisionText}${node.to === undefined ? '' : ` TO ${node.to}`}`;
}

function printStar(node: Star): string {
  const parts = [node.qualifier === undefined ? '*' : `${printName(node.qualifier)}.*`];
  if (node.exclude.length > 0) parts.push(`EXCLUDE (${printNames(node.exclude)})`);
  if (node.replace.length > 0) {
    const items = node.replace.map(
      ({ value, column }) => `${printExpression(value)} AS ${printIdentifier(column)}`,
    );
    parts.push(`REPLACE (${items.join(', ')})`);
  }
  if (node.rename.length > 0) {
    const items = node.rename.map(
      ({ column, name }) => `${printIdentifier(column)} AS ${printIdentifier(name)}`,
    );
    parts.push(`RENAME (${items.join(', ')})`);
  }
  return parts.join(' ');
}

export function printCall(node: Call): string {
  const name = printName(node.name);
  const list = node.arguments.map((argument) => {
    const label = argument.name === undefined ? '' : `${printIdentifier(argument.name)} => `;
    return label + printExpression(argument.value);
  });
  const bare = bareFunctions.has(name.toUpperCase()) && list.length === 0 && !node.star;
  if (bare && node.over === undefined && node.filter === undefined) return name;
  let inner = (node.distinct ? 'DISTINCT ' : '') + (node.star ? '*' : list.join(', '));
  if (node.orderBy.length > 0) inner += ` ${printOrderBy(node.orderBy)}`;
  const parts = [`${name}(${inner})`];
  if (node.withinGroup.length > 0) {
    parts.push(`WITHIN GROUP (${printOrderBy(node.withinGroup)})`);
  }
  if (node.filter !== undefined) parts.push(`FILTER (WHERE ${printExpression(node.filter)})`);
  if (node.nullTreatment !== undefined) parts.push(`${node.nullTreatment} NULLS`);
  if (node.over !== undefined) {
    const { over } = node;
    parts.push(`OVER ${over.kind === 'identifier' ? printIdentifier(over) : printWindow(over)}`);
  }
  return parts.join(' ');
}

/** With its parentheses. */
export function printWindow(window: WindowSpecification): string {
  const parts: string[] = [];
  if (window.base !== undefined) parts.push(printIdentifier(window.base));
  if (window.partitionBy.length > 0) parts.push(`PARTITION BY ${printList(window.partitionBy)}`);
  if (window.orderBy.length > 0) parts.push(printOrderBy(window.orderBy));
  if (window.frame !== undefined) {
    const { unit, from, to, exclude } = window.frame;
    const ending = exclude === undefined ? '' : ` EXCLUDE ${exclude}`;
    const range =
      to === undefined ? printBound(from) : `BETWEEN ${printBound(from)} AND ${printBound(to)}`;
    parts.push(`${unit} ${range}${ending}`);
  }
  return `(${parts.join(' ')})`;
}

function printBound(bound: FrameBound): string {
  if (bound.offset === undefined) return bound.bound;
  return `${printAt(bound.offset, precedence.containment + 1)} ${bound.bound}`;
}

export function printOrderBy(items: readonly OrderItem[]): string {
  const list = items.map((item) => printExpression(item.value) + printDirection(item));
  return `ORDER BY ${list.join(', ')}`;
}

export function printDirection(direction: OrderDirection): string {
  const { descending, nullsFirst } = direction;
  const nulls = nullsFirst === undefined ? '' : ` NULLS ${nullsFirst ? 'FIRST' : 'LAST'}`;
  return (descending ? ' DESC' : '') + nulls;
}
