import { emptyEnvironment, evaluate } from '../../plan/evaluate.ts';
import { type ConstantValue, columnRef, constant, type Expression } from '../../plan/expression.ts';
import type { Plan } from '../../plan/plan.ts';
import type { Expression as Syntax } from '../../sql/ast/expression.ts';
import type { Copy, Option } from '../../sql/ast/utility.ts';
import { varcharType } from '../../value/type.ts';
import type { BindContext } from '../context.ts';
import { locate, notSupported } from '../error.ts';
import { bindExpression } from '../expression/expression.ts';
import { bindQuery, constantPlace } from '../query/query.ts';
import { castTo } from '../types/cast.ts';
import type { BoundCopyFrom, BoundCopyTo, Options } from './bound.ts';
import { targetOrdinals, writableTable } from './insert.ts';

/** The value of an expression that needs nothing but itself. */
export function constantValue(
  context: BindContext,
  node: Syntax,
  clause: string,
): { readonly value: ConstantValue; readonly bound: Expression } {
  const bound = bindExpression(constantPlace(context, clause), node);
  if (bound.kind === 'parameter') notSupported(`a parameter in ${clause}`, node.span);
  return { value: locate(node.span, () => evaluate(bound, emptyEnvironment)), bound };
}

/** Options by lower-case name; one without a value is true. */
export function bindOptions(context: BindContext, options: readonly Option[]): Options {
  return new Map(
    options.map(({ name, value }) => [
      name,
      value === undefined ? true : optionValue(context, value),
    ]),
  );
}

function optionValue(context: BindContext, value: Syntax): ConstantValue {
  if (value.kind === 'arrayLiteral' || value.kind === 'row' || value.kind === 'structLiteral') {
    notSupported('a list as the value of an option', value.span);
  }
  return constantValue(context, value, 'an option').value;
}

export function bindCopy(context: BindContext, node: Copy): BoundCopyFrom | BoundCopyTo {
  if (node.stream || node.path === undefined) notSupported('COPY with STDIN or STDOUT', node.span);
  const options = bindOptions(context, node.options);
  const path = bindPath(context, node.path);
  if (node.direction === 'FROM') {
    const table = writableTable(context, node.table!);
    return {
      kind: 'copyFrom',
      table,
      ordinals: targetOrdinals(table, node.columns),
      path,
      options,
    };
  }
  return { kind: 'copyTo', plan: copySource(context, node), path, options };
}

function bindPath(context: BindContext, node: Syntax): Expression {
  if (node.kind === 'stringLiteral') return constant(node.value, varcharType);
  const bound = bindExpression(constantPlace(context, 'COPY'), node);
  return castTo(context, bound, varcharType, node.span);
}

function copySource(context: BindContext, node: Copy): Plan {
  if (node.query !== undefined) return bindQuery(context, node.query, undefined, undefined);
  const table = writableTable(context, node.table!);
  const ordinals = targetOrdinals(table, node.columns);
  const columns = table.columns.map((column) =>
    context.column(column.name, column.type, !column.notNull),
  );
  const all = table.columns.map((_, i) => i);
  const scan: Plan = { kind: 'scan', table, ordinals: all, filters: [], columns };
  const chosen = ordinals.map((ordinal) => columns[ordinal]);
  return { kind: 'project', input: scan, expressions: chosen.map(columnRef), columns: chosen };
}
