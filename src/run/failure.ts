import { assert } from '../base/assert.ts';
import { QuernError } from '../base/error.ts';
import { castFailure, failure, failures, typeOfCode } from '../compile/program.ts';
import { castValue } from '../plan/cast.ts';
import type { ConstantValue } from '../plan/expression.ts';
import { isFloat, type SqlType } from '../value/type.ts';
import type { EngineMemory } from './memory.ts';

/**
 * The error that compiled code reports. What its message is to tell is in memory until the
 * execution ends.
 */
export function failureError(memory: EngineMemory, code: number, detail: number): QuernError {
  const known = failures[code];
  assert(known !== undefined, `compiled code failed with unknown code ${code}`);
  const castError = code === failure.cast ? castFailureError(memory, detail) : undefined;
  return castError ?? new QuernError(known.code, known.message);
}

/** The plain evaluation of the cast fails with a message that tells the value. */
function castFailureError(memory: EngineMemory, detail: number): QuernError | undefined {
  const view = new DataView(memory.buffer, detail, castFailure.bytes);
  const from = typeOfCode(view.getUint32(castFailure.from, true));
  const to = typeOfCode(view.getUint32(castFailure.to, true));
  try {
    castValue(valueAt(memory, view, from), from, to);
    return undefined;
  } catch (error) {
    if (error instanceof QuernError) return error;
    throw error;
  }
}

function valueAt(memory: EngineMemory, view: DataView, type: SqlType): ConstantValue {
  const low = view.getBigUint64(castFailure.low, true);
  const high = view.getBigInt64(castFailure.high, true);
  if (type.kind === 'varchar') return memory.text(Number(low), Number(high));
  if (isFloat(type)) return view.getFloat64(castFailure.low, true);
  return type.kind === 'boolean' ? low !== 0n : (high << 64n) | low;
}
