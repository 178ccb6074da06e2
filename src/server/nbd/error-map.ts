import { QuernError, sqlState } from '../../base/error.ts';
import { errorNumber } from './protocol.ts';

const readOnlyTransaction = '25006';

/**
 * The error number a client gets for what an export threw. Unknown failures are input/output
 * errors.
 */
export function errorNumberOf(error: unknown): number {
  if (!(error instanceof QuernError)) return errorNumber.io;
  switch (error.code) {
    case sqlState.diskFull:
      return errorNumber.noSpace;
    case sqlState.featureNotSupported:
      return errorNumber.notSupported;
    case sqlState.outOfMemory:
    case sqlState.insufficientResources:
      return errorNumber.noMemory;
    case sqlState.invalidParameterValue:
      return errorNumber.invalid;
    case sqlState.objectNotInPrerequisiteState:
    case readOnlyTransaction:
      return errorNumber.notPermitted;
    default:
      return errorNumber.io;
  }
}

/** The text that goes with it; internals of unexpected errors stay on the server. */
export function errorMessageOf(error: unknown): string {
  return error instanceof QuernError ? error.message : 'the server could not do this';
}
