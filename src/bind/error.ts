import { QuernError, sqlState } from '../base/error.ts';
import { nearestName } from '../base/nearest.ts';
import type { Span } from '../sql/ast/node.ts';
import { type Diagnostic, diagnosticError } from '../sql/diagnostic.ts';

/** An error of a statement's meaning, before the text to show with it is known. */
export class BindError extends Error {
  readonly diagnostic: Diagnostic;

  constructor(code: string, message: string, span: Span, hint?: string) {
    super(message);
    this.diagnostic = { code, message, span, hint };
  }
}

export function notSupported(what: string, span: Span, hint?: string): never {
  throw new BindError(sqlState.featureNotSupported, `${what} is not supported yet`, span, hint);
}

/** The hint for an unknown name: the nearest known one. */
export function didYouMean(name: string, known: Iterable<string>): string | undefined {
  const near = nearestName(name, known);
  return near === undefined ? undefined : `did you mean "${near}"?`;
}

/** Runs `action`; what is wrong becomes an error that shows the place in `sql`. */
export function withText<T>(sql: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof BindError) throw diagnosticError(sql, error.diagnostic);
    throw error;
  }
}

/**
 * Runs `action`; an error about a value in it, such as a date out of range, gets the place `span`.
 */
export function locate<T>(span: Span, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof QuernError) || error.position !== undefined) throw error;
    throw new BindError(error.code, error.message, span, error.hint);
  }
}
