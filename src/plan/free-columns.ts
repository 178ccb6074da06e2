import { type Column, children, type Expression } from './expression.ts';
import { inputs, type Plan } from './plan.ts';
import { eachExpression } from './rewrite.ts';

/** Columns by their id. */
export type ColumnMap = ReadonlyMap<number, Column>;

const empty: ColumnMap = new Map();
const freeOfPlan = new WeakMap<Plan, ColumnMap>();
const usedByExpression = new WeakMap<Expression, ColumnMap>();

/** The columns an expression needs: those it names, and the free ones of its subqueries. */
export function usedColumns(expression: Expression): ColumnMap {
  if (expression.kind === 'constant' || expression.kind === 'parameter') return empty;
  const known = usedByExpression.get(expression);
  if (known !== undefined) return known;
  const used = new Map<number, Column>();
  if (expression.kind === 'column') used.set(expression.column.id, expression.column);
  if (expression.kind === 'subquery') {
    for (const [id, column] of freeColumns(expression.plan)) used.set(id, column);
  }
  for (const child of children(expression)) {
    for (const [id, column] of usedColumns(child)) used.set(id, column);
  }
  usedByExpression.set(expression, used);
  return used;
}

/**
 * The columns a plan needs from outside: what its expressions use and none of its nodes produce. A
 * plan with free columns is correlated.
 */
export function freeColumns(plan: Plan): ColumnMap {
  const known = freeOfPlan.get(plan);
  if (known !== undefined) return known;
  const free = new Map<number, Column>();
  const produced = new Set<number>();
  for (const input of inputs(plan)) {
    for (const [id, column] of freeColumns(input)) free.set(id, column);
    for (const column of input.columns) produced.add(column.id);
  }
  if (plan.kind === 'scan') for (const column of plan.columns) produced.add(column.id);
  eachExpression(plan, (expression) => {
    for (const [id, column] of usedColumns(expression)) free.set(id, column);
  });
  if (free.size > 0) {
    for (const id of produced) free.delete(id);
  }
  const result = free.size === 0 ? empty : free;
  freeOfPlan.set(plan, result);
  return result;
}

const noTables: ReadonlySet<number> = new Set();
const tablesOfPlan = new WeakMap<Plan, ReadonlySet<number>>();

/** The common tables that a plan reads, and does not define itself, by their id. */
export function freeTables(plan: Plan): ReadonlySet<number> {
  const known = tablesOfPlan.get(plan);
  if (known !== undefined) return known;
  const free = new Set<number>();
  const add = (inner: Plan): void => {
    for (const id of freeTables(inner)) free.add(id);
  };
  if (plan.kind === 'withReference') free.add(plan.id);
  inputs(plan).forEach(add);
  eachExpression(plan, (expression) => eachSubquery(expression, add));
  if (plan.kind === 'with' || plan.kind === 'recursive') free.delete(plan.id);
  const result = free.size === 0 ? noTables : free;
  tablesOfPlan.set(plan, result);
  return result;
}

function eachSubquery(expression: Expression, visit: (plan: Plan) => void): void {
  if (expression.kind === 'subquery') visit(expression.plan);
  for (const child of children(expression)) eachSubquery(child, visit);
}

/** Whether all columns of the expression are among `ids`. */
export function isCovered(expression: Expression, ids: { has(id: number): boolean }): boolean {
  for (const id of usedColumns(expression).keys()) if (!ids.has(id)) return false;
  return true;
}

export function columnIds(plan: Plan): Set<number> {
  return new Set(plan.columns.map((column) => column.id));
}

/** Whether a subquery stands anywhere in the expression. */
export function hasSubquery(expression: Expression): boolean {
  return expression.kind === 'subquery' || children(expression).some(hasSubquery);
}
