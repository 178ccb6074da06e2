import { unreachable } from '../../base/assert.ts';
import type {
  AlterAction,
  ColumnConstraint,
  ColumnDefinition,
  CreateIndex,
  OnExisting,
  ReferenceConstraint,
  TableConstraint,
} from '../ast/definition.ts';
import type { Identifier, QualifiedName } from '../ast/node.ts';
import type { DataDefinition } from '../ast/statement.ts';
import { precedence } from '../operators.ts';
import { printAt, printExpression, printOrderBy } from './expression.ts';
import { printColumns, printIdentifier, printName, printNames, printType } from './name.ts';
import { printQuery } from './query.ts';

export function printDefinition(node: DataDefinition): string {
  switch (node.kind) {
    case 'createTable': {
      const items = [
        ...node.columns.map(printColumn),
        ...node.constraints.map(printTableConstraint),
      ];
      return `${printHead('TABLE', node)} (${items.join(', ')})`;
    }
    case 'createTableAs': {
      const data = node.withData ? '' : ' WITH NO DATA';
      const columns = printColumns(node.columns);
      return `${printHead('TABLE', node)}${columns} AS ${printQuery(node.query)}${data}`;
    }
    case 'createView':
      return `${printHead('VIEW', node)}${printColumns(node.columns)} AS ${printQuery(node.query)}`;
    case 'createSchema':
      return printHead('SCHEMA', node);
    case 'createIndex':
      return printCreateIndex(node);
    case 'drop': {
      const condition = node.ifExists ? 'IF EXISTS ' : '';
      const names = node.names.map(printName).join(', ');
      return `DROP ${node.object} ${condition}${names}${node.cascade ? ' CASCADE' : ''}`;
    }
    case 'alterTable': {
      const condition = node.ifExists ? 'IF EXISTS ' : '';
      const actions = node.actions.map(printAction).join(', ');
      return `ALTER ${node.object} ${condition}${printName(node.name)} ${actions}`;
    }
    default:
      return unreachable(node);
  }
}

interface Head {
  readonly name: QualifiedName;
  readonly onExisting: OnExisting;
  readonly temporary?: boolean;
}

function printHead(object: string, head: Head): string {
  const replace = head.onExisting === 'replace' ? 'OR REPLACE ' : '';
  const ignore = head.onExisting === 'ignore' ? 'IF NOT EXISTS ' : '';
  const temporary = head.temporary ? 'TEMPORARY ' : '';
  return `CREATE ${replace}${temporary}${object} ${ignore}${printName(head.name)}`;
}

function printColumn(column: ColumnDefinition): string {
  const parts = [printIdentifier(column.name)];
  if (column.type !== undefined) parts.push(printType(column.type));
  parts.push(...column.constraints.map(printColumnConstraint));
  return parts.join(' ');
}

function printColumnConstraint(constraint: ColumnConstraint): string {
  switch (constraint.kind) {
    case 'nullConstraint':
      return constraint.nullable ? 'NULL' : 'NOT NULL';
    case 'defaultConstraint':
      return `DEFAULT ${printAt(constraint.value, precedence.containment + 1)}`;
    case 'collateConstraint':
      return `COLLATE ${printName(constraint.collation)}`;
    case 'generatedConstraint': {
      const stored = constraint.stored ? ' STORED' : '';
      return `GENERATED ALWAYS AS (${printExpression(constraint.value)})${stored}`;
    }
    default:
      return printTableConstraint(constraint);
  }
}

function printConstraintName(name: Identifier | undefined): string {
  return name === undefined ? '' : `CONSTRAINT ${printIdentifier(name)} `;
}

function printTableConstraint(constraint: TableConstraint): string {
  const name = printConstraintName(constraint.name);
  switch (constraint.kind) {
    case 'checkConstraint':
      return `${name}CHECK (${printExpression(constraint.condition)})`;
    case 'keyConstraint': {
      const key = constraint.primary ? 'PRIMARY KEY' : 'UNIQUE';
      return name + key + printColumns(constraint.columns);
    }
    case 'referenceConstraint':
      return name + printReference(constraint);
    default:
      return unreachable(constraint);
  }
}

function printReference(constraint: ReferenceConstraint): string {
  const { columns, table, tableColumns, onDelete, onUpdate } = constraint;
  const key = columns.length === 0 ? '' : `FOREIGN KEY (${printNames(columns)}) `;
  const actions =
    (onDelete === undefined ? '' : ` ON DELETE ${onDelete}`) +
    (onUpdate === undefined ? '' : ` ON UPDATE ${onUpdate}`);
  return `${key}REFERENCES ${printName(table)}${printColumns(tableColumns)}${actions}`;
}

function printCreateIndex(node: CreateIndex): string {
  const unique = node.unique ? 'UNIQUE ' : '';
  const condition = node.onExisting === 'ignore' ? 'IF NOT EXISTS ' : '';
  const name = node.name === undefined ? '' : `${printName(node.name)} `;
  const method = node.method === undefined ? '' : ` USING ${printIdentifier(node.method)}`;
  const items = printOrderBy(node.items).slice('ORDER BY '.length);
  return `CREATE ${unique}INDEX ${condition}${name}ON ${printName(node.table)}${method} (${items})`;
}

function printAction(action: AlterAction): string {
  switch (action.kind) {
    case 'addColumn': {
      const condition = action.ifNotExists ? 'IF NOT EXISTS ' : '';
      return `ADD COLUMN ${condition}${printColumn(action.column)}`;
    }
    case 'dropColumn': {
      const condition = action.ifExists ? 'IF EXISTS ' : '';
      const ending = action.cascade ? ' CASCADE' : '';
      return `DROP COLUMN ${condition}${printIdentifier(action.column)}${ending}`;
    }
    case 'renameColumn':
      return `RENAME COLUMN ${printIdentifier(action.column)} TO ${printIdentifier(action.name)}`;
    case 'renameTable':
      return `RENAME TO ${printIdentifier(action.name)}`;
    case 'alterColumnType': {
      const using = action.using === undefined ? '' : ` USING ${printExpression(action.using)}`;
      return `ALTER COLUMN ${printIdentifier(action.column)} TYPE ${printType(action.type)}${using}`;
    }
    case 'alterColumnDefault': {
      const change =
        action.value === undefined
          ? 'DROP DEFAULT'
          : `SET DEFAULT ${printExpression(action.value)}`;
      return `ALTER COLUMN ${printIdentifier(action.column)} ${change}`;
    }
    case 'alterColumnNull': {
      const change = action.nullable ? 'DROP' : 'SET';
      return `ALTER COLUMN ${printIdentifier(action.column)} ${change} NOT NULL`;
    }
    case 'addConstraint':
      return `ADD ${printTableConstraint(action.constraint)}`;
    default:
      return unreachable(action);
  }
}
