/** Reading the arguments of table functions and procedures, with errors that name them. */
import { QuernError, sqlState } from '../base/error.ts';
import type { ConstantExpression } from '../plan/expression.ts';
import { decimalToDouble } from '../value/decimal.ts';
import type { SourceCall } from './sources.ts';

/** A number argument, by position or by name; undefined when it is not given. */
export function numberArgument(
  call: SourceCall,
  position: number,
  name: string,
): number | undefined {
  const argument = call.args[position] ?? call.named.get(name);
  if (argument === undefined) return undefined;
  const value = numberOf(argument);
  if (value === undefined) throw invalid(name, 'a number');
  return value;
}

function numberOf({ value, type }: ConstantExpression): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'bigint') return undefined;
  return type.kind === 'decimal' ? decimalToDouble(value, type.scale) : Number(value);
}

export function textArgument(call: SourceCall, position: number, name: string): string | undefined {
  const argument = call.args[position] ?? call.named.get(name);
  if (argument === undefined) return undefined;
  if (typeof argument.value !== 'string') throw invalid(name, 'text');
  return argument.value;
}

export function booleanArgument(call: SourceCall, name: string): boolean | undefined {
  const argument = call.named.get(name);
  if (argument === undefined) return undefined;
  if (typeof argument.value !== 'boolean') throw invalid(name, 'true or false');
  return argument.value;
}

/** Refuses named arguments that nobody reads, and more arguments than there are names. */
export function checkArguments(call: SourceCall, names: readonly string[], what: string): void {
  if (call.args.length > names.length) {
    throw new QuernError(
      sqlState.invalidParameterValue,
      `${what} takes at most ${names.length} arguments`,
    );
  }
  for (const name of call.named.keys()) {
    if (names.includes(name)) continue;
    throw new QuernError(sqlState.invalidParameterValue, `${what} has no argument "${name}"`, {
      hint: `It has ${names.join(', ')}.`,
    });
  }
}

function invalid(name: string, wanted: string): QuernError {
  return new QuernError(sqlState.invalidParameterValue, `the argument "${name}" must be ${wanted}`);
}
