import { QuernError, sqlState } from '../../base/error.ts';
import type { SqlType } from '../../value/type.ts';
import type { ConstantValue } from '../expression.ts';

export type Known = Exclude<ConstantValue, null>;

/**
 * What a function gives for arguments none of which is NULL; with a NULL among them it gives NULL.
 * It answers NULL itself only where the function's definition says so.
 *
 * @throws QuernError where SQL has an error.
 */
export type Strict = (
  values: readonly Known[],
  type: SqlType,
  argTypes: readonly SqlType[],
) => ConstantValue;

export function outOfDomain(message: string): QuernError {
  return new QuernError(sqlState.numericValueOutOfRange, message);
}

export function divisionByZero(): QuernError {
  return new QuernError(sqlState.divisionByZero, 'division by zero');
}
