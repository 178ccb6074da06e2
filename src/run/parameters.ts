/** Writing the parameters of a statement into its frame. */
import { assert } from '../base/assert.ts';
import { QuernError, sqlState } from '../base/error.ts';
import type { ParameterSlot, RowField } from '../compile/program.ts';
import type { EngineMemory } from './memory.ts';

/**
 * A value in the form of its field: bigint (or a whole number, or a boolean) for integers, decimals
 * (scaled), dates and times; a number for floats; text or bytes for strings; null for NULL.
 */
export type ParameterValue = bigint | number | boolean | string | Uint8Array | null;

const encoder = new TextEncoder();

export function writeParameters(
  memory: EngineMemory,
  frame: number,
  owner: number,
  slots: readonly ParameterSlot[],
  values: readonly ParameterValue[],
): void {
  for (const { index, field } of slots) {
    const value = values[index];
    if (value === undefined) {
      throw new QuernError(
        sqlState.undefinedParameter,
        `there is no value for parameter $${index + 1}`,
      );
    }
    if (field.nullAt !== undefined) memory.u8[frame + field.nullAt] = value === null ? 1 : 0;
    if (value === null) {
      assert(field.nullAt !== undefined, 'a parameter may be NULL');
      continue;
    }
    writeValue(memory, frame + field.offset, owner, field, value);
  }
}

function writeValue(
  memory: EngineMemory,
  address: number,
  owner: number,
  field: RowField,
  value: Exclude<ParameterValue, null>,
): void {
  switch (field.form) {
    case 'int':
    case 'wide':
      assert(
        typeof value !== 'string' && (typeof value === 'object') === false,
        'an integer parameter has an integer value',
      );
      writeInteger(
        memory.u8,
        address,
        field.form === 'wide' ? 16 : field.width,
        BigInt(value) - field.base,
      );
      break;
    case 'float': {
      const view = new DataView(memory.buffer, address, 8);
      if (field.width === 4) view.setFloat32(0, Number(value), true);
      else view.setFloat64(0, Number(value), true);
      break;
    }
    case 'string':
    case 'code': {
      assert(field.form === 'string', 'a parameter is not in a dictionary');
      assert(typeof value === 'string' || value instanceof Uint8Array, 'text or bytes');
      const bytes = typeof value === 'string' ? encoder.encode(value) : value;
      // Kernels read 16 bytes at a time.
      const copy = memory.pages.allocate(bytes.length + 16, owner);
      memory.u8.set(bytes, copy);
      memory.u32[address >>> 2] = copy;
      memory.u32[(address >>> 2) + 1] = bytes.length;
      break;
    }
  }
}

function writeInteger(bytes: Uint8Array, address: number, width: number, value: bigint): void {
  for (let i = 0; i < width; i++) bytes[address + i] = Number((value >> BigInt(8 * i)) & 0xffn);
}
