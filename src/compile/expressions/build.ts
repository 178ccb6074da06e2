import { QuernError, sqlState } from '../../base/error.ts';
import type { CallExpression } from '../../plan/expression.ts';
import type { Scope } from '../query.ts';
import type { Value } from '../value.ts';

/**
 * The code of a function: the value of a call, given those of its arguments. They are in locals,
 * so that they can be used any number of times, and may be NULL.
 */
export type Build = (args: readonly Value[], expression: CallExpression, scope: Scope) => Value;

/** For what is right SQL but not compiled yet. */
export function notSupported(what: string): never {
  throw new QuernError(sqlState.featureNotSupported, `${what} is not supported yet`);
}
