/** Copying batches out of memory that will be written again. */
import type { ColumnBatch, ColumnVector, StringVector } from './batch.ts';

/** A batch of its own arrays, in memory that is not shared. */
export function copyBatch(batch: ColumnBatch): ColumnBatch {
  return { rowCount: batch.rowCount, columns: batch.columns.map(copyVector) };
}

function copyVector(vector: ColumnVector): ColumnVector {
  const validity = vector.validity === undefined ? {} : { validity: vector.validity.slice() };
  switch (vector.form) {
    case 'fixed':
      return { ...vector, data: vector.data.slice(), ...validity };
    case 'string':
      return { ...copyStrings(vector), ...validity };
    case 'dictionary':
      return {
        ...vector,
        codes: vector.codes.slice(),
        dictionary: copyStrings(vector.dictionary),
        ...validity,
      };
  }
}

function copyStrings(vector: StringVector): StringVector {
  return { form: 'string', offsets: vector.offsets.slice(), bytes: vector.bytes.slice() };
}
