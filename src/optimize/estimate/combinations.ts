import { distinctOfSample } from '../../table/distinct.ts';
import type { SampledColumn, TableSample } from '../../table/sample.ts';

/** Rows of a sample that are looked at. */
const rowsMax = 4096;

const known = new WeakMap<TableSample, Map<string, number>>();

/**
 * How many combinations of values some columns of a table have, from its sample: columns that go
 * together have far fewer than the product of what each has. Undefined if one was not sampled.
 */
export function combinationsIn(
  sample: TableSample,
  ordinals: readonly number[],
): number | undefined {
  const key = ordinals.join(' ');
  let ofSample = known.get(sample);
  if (ofSample === undefined) {
    ofSample = new Map();
    known.set(sample, ofSample);
  }
  let count = ofSample.get(key);
  if (count === undefined) {
    const columns = ordinals.map((ordinal) => sample.columns[ordinal]);
    if (!columns.every((column) => column !== undefined)) return undefined;
    count = estimate(sample, columns);
    ofSample.set(key, count);
  }
  return count;
}

function estimate(sample: TableSample, columns: readonly SampledColumn[]): number {
  const rows = Math.min(sample.rowCount, rowsMax);
  const hashes = new Uint32Array(rows);
  for (const column of columns) addHashes(hashes, column);
  return distinctOfSample(hashes, rows / Math.max(1, sample.tableRows));
}

function addHashes(hashes: Uint32Array, column: SampledColumn): void {
  const { nulls } = column;
  for (let row = 0; row < hashes.length; row++) {
    const value = nulls?.[row] === 1 ? -1 : hashOf(column, row);
    const mixed = Math.imul(hashes[row] ^ value, 0x9e3779b1);
    hashes[row] = mixed ^ (mixed >>> 15);
  }
}

function hashOf(column: SampledColumn, row: number): number {
  if (column.kind !== 'texts') {
    const value = column.data[row];
    // Both halves of large integers, and what is behind the point.
    return (value | 0) ^ Math.imul(value / 2 ** 32, 0x85ebca6b) ^ ((value % 1) * 2 ** 31);
  }
  let hash = column.lengths[row];
  const start = column.starts[row];
  for (let i = 0; i < column.lengths[row]; i++) {
    hash = Math.imul(hash ^ column.bytes[start + i], 0x01000193);
  }
  return hash;
}
