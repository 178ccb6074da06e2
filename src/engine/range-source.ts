/** `range(stop)`, `range(start, stop[, step])` and `generate_series`, which includes its end. */
import { QuernError, sqlState } from '../base/error.ts';
import type { ColumnBatch, Schema } from '../value/batch.ts';
import { bigintType } from '../value/type.ts';
import type { SourceCall, TableFunction } from './sources.ts';

const batchRows = 65536;

export const rangeSource = series('range', false);
export const generateSeriesSource = series('generate_series', true);

function series(name: string, inclusive: boolean): TableFunction {
  const schema: Schema = [{ name, type: bigintType, nullable: false }];
  return {
    name,
    schema: () => schema,
    read: (call) => ({ schema, batches: batches(bounds(call, name), inclusive) }),
  };
}

interface Bounds {
  readonly start: bigint;
  readonly stop: bigint;
  readonly step: bigint;
}

function bounds({ args, named }: SourceCall, name: string): Bounds {
  const values = args.map(({ value }) => value);
  const integers = values.filter((value) => typeof value === 'bigint');
  if (named.size > 0 || values.length < 1 || values.length > 3 || integers.length < values.length) {
    throw new QuernError(
      sqlState.invalidParameterValue,
      `${name} takes one to three whole numbers: stop, or start, stop and step`,
    );
  }
  const [first, stop = first, step = 1n] = integers;
  if (step === 0n) {
    throw new QuernError(sqlState.invalidParameterValue, `the step of ${name} must not be 0`);
  }
  return { start: integers.length === 1 ? 0n : first, stop, step };
}

async function* batches(
  { start, stop, step }: Bounds,
  inclusive: boolean,
): AsyncGenerator<ColumnBatch> {
  const distance = step > 0n ? stop - start : start - stop;
  const stride = step > 0n ? step : -step;
  const end = inclusive ? distance + 1n : distance;
  const count = end <= 0n ? 0n : (end + stride - 1n) / stride;
  for (let done = 0n; done < count; ) {
    const left = count - done;
    const rowCount = left < batchRows ? Number(left) : batchRows;
    const data = new BigInt64Array(rowCount);
    let value = start + done * step;
    for (let i = 0; i < rowCount; i++, value += step) data[i] = value;
    yield { rowCount, columns: [{ form: 'fixed', data }] };
    done += BigInt(rowCount);
  }
}
