import { sqlState } from '../../base/error.ts';
import { constant, type Expression } from '../../plan/expression.ts';
import type { Call } from '../../sql/ast/expression.ts';
import { nameText } from '../../sql/ast/node.ts';
import { dateType, timestamptzType } from '../../value/type.ts';
import { BindError, didYouMean, notSupported } from '../error.ts';
import { aggregateNames, isAggregate } from '../functions/aggregate.ts';
import { resolveOverload } from '../functions/overload.ts';
import { missingFunctions, scalarFunctions } from '../functions/scalar.ts';
import { bindAggregate } from './aggregate-call.ts';
import type { Place } from './binder.ts';
import { bindExpression } from './expression.ts';
import { bindWindowCall, isWindowFunction, windowFunctionNames } from './window-call.ts';

export function bindCall(place: Place, node: Call): Expression {
  const name = node.name.parts[node.name.parts.length - 1].name.toLowerCase();
  for (const argument of node.arguments) {
    if (argument.name !== undefined) notSupported('an argument by name', argument.name.span);
  }
  if (node.over !== undefined) {
    if (!isWindowFunction(name) && !isAggregate(name)) unknownFunction(node);
    return bindWindowCall(place, node, name);
  }
  if (isAggregate(name)) return bindAggregate(place, node, name);
  if (isWindowFunction(name)) {
    throw new BindError('42P20', `${name} needs OVER`, node.span);
  }
  if (node.distinct || node.star || node.orderBy.length > 0 || node.filter !== undefined) {
    const known = scalarFunctions.has(name) ? `${name} is not an aggregate` : undefined;
    if (known === undefined) unknownFunction(node);
    throw new BindError(sqlState.syntaxError, known, node.span);
  }
  return bindScalarCall(place, node, name);
}

function bindScalarCall(place: Place, node: Call, name: string): Expression {
  const moment = bindMoment(place, node, name);
  if (moment !== undefined) return moment;
  const overloads = scalarFunctions.get(name)?.overloads;
  if (overloads === undefined) unknownFunction(node);
  const args = node.arguments.map((argument) => bindExpression(place, argument.value));
  const argSpans = node.arguments.map((argument) => argument.value.span);
  const { span } = node;
  return resolveOverload(overloads, { context: place.context, name, args, span, argSpans });
}

/** The moment the statement started. */
function bindMoment(place: Place, node: Call, name: string): Expression | undefined {
  const isDate = name === 'current_date' || name === 'today';
  if (!isDate && name !== 'now' && name !== 'current_timestamp') return undefined;
  if (node.arguments.length > 0) return undefined;
  const { now } = place.context;
  if (now === undefined) notSupported(name, node.span);
  if (!isDate) return constant(now, timestamptzType);
  const day = 86_400_000_000n;
  return constant((now - (((now % day) + day) % day)) / day, dateType);
}

function unknownFunction(node: Call): never {
  const name = nameText(node.name);
  if (missingFunctions.has(name.toLowerCase()))
    notSupported(`the function ${name}`, node.name.span);
  const known = [...scalarFunctions.keys(), ...aggregateNames(), ...windowFunctionNames()];
  throw new BindError(
    sqlState.undefinedFunction,
    `there is no function "${name}"`,
    node.name.span,
    didYouMean(name, known),
  );
}
