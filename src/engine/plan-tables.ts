/** The table functions that a plan calls, also in its subqueries. */
import type { TableEntry } from '../catalog/catalog.ts';
import { children, type Expression } from '../plan/expression.ts';
import { inputs, type Plan, type TableFunction, type Values } from '../plan/plan.ts';
import { eachExpression, mapChildren, mapExpressions, mapInputs } from '../plan/rewrite.ts';

export function tableFunctionsOf(plan: Plan): Set<TableFunction> {
  const found = new Set<TableFunction>();
  eachPlan(plan, (node) => {
    if (node.kind === 'tableFunction') found.add(node);
  });
  return found;
}

/** So many rows of VALUES are data rather than code. */
const longValuesMin = 32;

/** VALUES of many constant rows. */
export function longValuesOf(plan: Plan): Set<Values> {
  const found = new Set<Values>();
  eachPlan(plan, (node) => {
    if (node.kind !== 'values' || node.rows.length < longValuesMin) return;
    if (node.columns.some(({ type }) => type.kind === 'null')) return;
    if (node.rows.every((row) => row.every(isConstant))) found.add(node);
  });
  return found;
}

function isConstant(expression: Expression): boolean {
  if (expression.kind === 'constant') return true;
  if (expression.kind === 'cast') return isConstant(expression.input);
  return (
    expression.kind === 'call' && expression.name === 'negate' && isConstant(expression.args[0])
  );
}

/** The columns that are read of each table. */
export function scannedOrdinals(plan: Plan): Map<TableEntry, Set<number>> {
  const found = new Map<TableEntry, Set<number>>();
  eachPlan(plan, (node) => {
    if (node.kind !== 'scan') return;
    const ordinals = found.get(node.table) ?? new Set();
    for (const ordinal of node.ordinals) ordinals.add(ordinal);
    found.set(node.table, ordinals);
  });
  return found;
}

/** The plan with each call replaced by a scan of the table its rows were put into. */
export function withTables(plan: Plan, tables: ReadonlyMap<Plan, TableEntry>): Plan {
  const inPlan = (node: Plan): Plan => {
    const table = tables.get(node);
    if (table === undefined) return mapExpressions(mapInputs(node, inPlan), inExpression);
    const ordinals = node.columns.map((_, ordinal) => ordinal);
    return { kind: 'scan', table, ordinals, filters: [], columns: node.columns };
  };
  const inExpression = (expression: Expression): Expression =>
    mapChildren(expression, inExpression, inPlan);
  return inPlan(plan);
}

function eachPlan(plan: Plan, visit: (plan: Plan) => void): void {
  visit(plan);
  const inExpression = (expression: Expression): void => {
    if (expression.kind === 'subquery') eachPlan(expression.plan, visit);
    for (const child of children(expression)) inExpression(child);
  };
  eachExpression(plan, inExpression);
  for (const input of inputs(plan)) eachPlan(input, visit);
}
