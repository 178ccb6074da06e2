import { assert } from '../base/assert.ts';
import { QuernError } from '../base/error.ts';
import { castFailure, failure, failures, typeOfCode } from '../compile/program.ts';
import { castValue } from '../plan/cast.ts';
import type { ConstantValue } from '../plan/expression.ts';
import { isFloat, type SqlType } from '../value/type.ts';
import type { EngineMemory } from './memory.ts';

const decoder = new TextDecoder();

/** A text in memory; browsers do not decode what is shared. */
export function readText(memory: EngineMemory, address: number, length: number): string {
  return decoder.decode(memory.u8.slice(address, address + length));
}

/** Throws the error that compiled code met. */
export function fail(memory: EngineMemory, code: number, detail: number): never {
  if (code === failure.cast) failCast(memory, detail);
  const known = failures[code];
  assert(known !== undefined, `compiled code failed with unknown code ${code}`);
  throw new QuernError(known.code, known.message);
}

/** The plain evaluation of the cast fails with a message that tells the value. */
function failCast(memory: EngineMemory, detail: number): never {
  const view = new DataView(memory.buffer, detail, castFailure.bytes);
  const from = typeOfCode(view.getUint32(castFailure.from, true));
  const to = typeOfCode(view.getUint32(castFailure.to, true));
  castValue(valueAt(memory, view, from), from, to);
  const { code, message } = failures[failure.cast];
  throw new QuernError(code, message);
}

function valueAt(memory: EngineMemory, view: DataView, type: SqlType): ConstantValue {
  const low = view.getBigUint64(castFailure.low, true);
  const high = view.getBigInt64(castFailure.high, true);
  if (type.kind === 'varchar') return readText(memory, Number(low), Number(high));
  if (isFloat(type)) return view.getFloat64(castFailure.low, true);
  return type.kind === 'boolean' ? low !== 0n : (high << 64n) | low;
}
