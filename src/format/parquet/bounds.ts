/** The bounds of a column's integers: by its type, and as the statistics of a file give them. */
import { dateMax, dateMin } from '../../value/date.ts';
import { powerOfTen } from '../../value/decimal.ts';
import { integerRange } from '../../value/number.ts';
import { microsPerDay, timestampMax, timestampMin } from '../../value/time.ts';
import type { SqlType } from '../../value/type.ts';
import type { ParquetChunk, ParquetColumn } from './footer.ts';

export interface IntegerBounds {
  readonly min: bigint;
  readonly max: bigint;
}

/** Least and greatest value of a type whose values are integers, scaled ones included. */
export function typeBounds(type: SqlType): IntegerBounds | undefined {
  switch (type.kind) {
    case 'boolean':
      return { min: 0n, max: 1n };
    case 'tinyint':
    case 'smallint':
    case 'integer':
    case 'bigint':
      return { min: integerRange[type.kind][0], max: integerRange[type.kind][1] };
    case 'decimal': {
      const max = powerOfTen(type.precision) - 1n;
      return { min: -max, max };
    }
    case 'date':
      return { min: BigInt(dateMin), max: BigInt(dateMax) };
    case 'time':
      return { min: 0n, max: microsPerDay };
    case 'timestamp':
    case 'timestamptz':
      return { min: timestampMin, max: timestampMax };
    default:
      return undefined;
  }
}

/**
 * Bounds of all values of a column, narrower than its type's where all its chunks have statistics.
 * Files may lie: whoever relies on these must look at every value.
 */
export function columnBounds(
  column: ParquetColumn,
  chunks: readonly ParquetChunk[],
): IntegerBounds | undefined {
  const widest = typeBounds(column.read.type);
  if (widest === undefined || chunks.length === 0) return widest;
  let bounds: IntegerBounds | undefined;
  for (const chunk of chunks) {
    if (chunk.nullCount === chunk.valueCount) continue;
    const some = chunkBounds(column, chunk);
    if (some === undefined) return widest;
    const { min, max } = bounds ?? some;
    bounds = { min: some.min < min ? some.min : min, max: some.max > max ? some.max : max };
  }
  return bounds ?? widest;
}

/** What a chunk's statistics say; undefined when that is nothing, or makes no sense. */
export function chunkBounds(column: ParquetColumn, chunk: ParquetChunk): IntegerBounds | undefined {
  const widest = typeBounds(column.read.type);
  if (widest === undefined || chunk.min === undefined || chunk.max === undefined) return undefined;
  const min = integerOf(column, chunk.min);
  const max = integerOf(column, chunk.max);
  if (min === undefined || max === undefined) return undefined;
  return min <= max && min >= widest.min && max <= widest.max ? { min, max } : undefined;
}

/** A value in the plain encoding. */
function integerOf({ physical, read }: ParquetColumn, bytes: Uint8Array): bigint | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (read.unit !== undefined && read.unit !== 'micros') return undefined;
  switch (physical.physical) {
    case 'BOOLEAN':
      return bytes.length === 1 ? BigInt(bytes[0]) : undefined;
    case 'INT32':
      if (bytes.length !== 4) return undefined;
      return BigInt(read.unsigned === true ? view.getUint32(0, true) : view.getInt32(0, true));
    case 'INT64':
      if (bytes.length !== 8) return undefined;
      return read.unsigned === true ? view.getBigUint64(0, true) : view.getBigInt64(0, true);
    case 'BYTE_ARRAY':
    case 'FIXED_LEN_BYTE_ARRAY': {
      if (bytes.length === 0 || bytes.length > 16) return undefined;
      let value = BigInt(view.getInt8(0));
      for (const byte of bytes.subarray(1)) value = (value << 8n) | BigInt(byte);
      return value;
    }
    default:
      return undefined;
  }
}
