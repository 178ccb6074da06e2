import { assert } from '../base/assert.ts';
import { QuernError, sqlState } from '../base/error.ts';
import type { SqlType } from '../value/type.ts';
import { castValue } from './cast.ts';
import { compareValues } from './compare.ts';
import type { ConstantValue, Expression } from './expression.ts';
import { strictFunctions } from './functions/index.ts';

/**
 * The meaning of bound scalar expressions, a value at a time, written for clarity. It folds
 * constants, evaluates predicates once for each entry of a dictionary, and is the oracle that
 * compiled code must agree with.
 */
export interface Environment {
  column(id: number): ConstantValue;
  parameter(index: number): ConstantValue;
}

/** For expressions that are free of columns and parameters. */
export const emptyEnvironment: Environment = {
  column: (id) => assertNever(`column ${id}`),
  parameter: (index) => assertNever(`parameter ${index}`),
};

function assertNever(what: string): never {
  assert(false, `${what} has no value in this environment`);
}

/**
 * The value of `expression`.
 *
 * @throws QuernError where SQL has an error: overflow, division by zero, a cast that fails.
 */
export function evaluate(expression: Expression, environment: Environment): ConstantValue {
  switch (expression.kind) {
    case 'constant':
      return expression.value;
    case 'column':
      return environment.column(expression.column.id);
    case 'parameter':
      return environment.parameter(expression.index);
    case 'cast': {
      const input = evaluate(expression.input, environment);
      if (!expression.try) return castValue(input, expression.input.type, expression.type);
      try {
        return castValue(input, expression.input.type, expression.type);
      } catch (error) {
        if (error instanceof QuernError) return null;
        throw error;
      }
    }
    case 'case': {
      for (const branch of expression.branches) {
        if (evaluate(branch.when, environment) === true) return evaluate(branch.then, environment);
      }
      return evaluate(expression.otherwise, environment);
    }
    case 'inList': {
      const value = evaluate(expression.input, environment);
      if (value === null) return null;
      let unknown = false;
      for (const item of expression.list) {
        const other = evaluate(item, environment);
        if (other === null) unknown = true;
        else if (compareValues(value, other) === 0) return true;
      }
      return unknown ? null : false;
    }
    case 'call':
      return evaluateCall(expression.name, expression.args, expression.type, environment);
    case 'subquery':
      assert(false, 'a subquery cannot be evaluated as a scalar expression');
  }
}

function evaluateCall(
  name: string,
  args: readonly Expression[],
  type: SqlType,
  environment: Environment,
): ConstantValue {
  const value = (index: number) => evaluate(args[index], environment);
  switch (name) {
    case 'and': {
      let unknown = false;
      for (const arg of args) {
        const item = evaluate(arg, environment);
        if (item === false) return false;
        if (item === null) unknown = true;
      }
      return unknown ? null : true;
    }
    case 'or': {
      let unknown = false;
      for (const arg of args) {
        const item = evaluate(arg, environment);
        if (item === true) return true;
        if (item === null) unknown = true;
      }
      return unknown ? null : false;
    }
    case 'is_null':
      return value(0) === null;
    case 'is_not_null':
      return value(0) !== null;
    case 'is_distinct_from':
    case 'is_not_distinct_from': {
      const a = value(0);
      const b = value(1);
      const same = a === null || b === null ? a === b : compareValues(a, b) === 0;
      return same === (name === 'is_not_distinct_from');
    }
    case 'coalesce':
      for (const arg of args) {
        const item = evaluate(arg, environment);
        if (item !== null) return item;
      }
      return null;
    case 'greatest':
    case 'least': {
      let best: ConstantValue = null;
      for (const arg of args) {
        const item = evaluate(arg, environment);
        if (item === null) continue;
        const order = best === null ? 0 : compareValues(item, best);
        if (best === null || (name === 'greatest' ? order > 0 : order < 0)) best = item;
      }
      return best;
    }
    case 'concat_ws': {
      const separator = value(0);
      if (separator === null) return null;
      const items = args.slice(1).map((arg) => evaluate(arg, environment));
      return items.filter((item) => item !== null).join(separator as string);
    }
  }
  const values: Exclude<ConstantValue, null>[] = [];
  for (let i = 0; i < args.length; i++) {
    const item = value(i);
    if (item === null) return null;
    values.push(item);
  }
  const implementation = strictFunctions.get(name);
  if (implementation === undefined) {
    throw new QuernError(sqlState.featureNotSupported, `function ${name} is not supported yet`);
  }
  return implementation(
    values,
    type,
    args.map((arg) => arg.type),
  );
}
