/** Running a program to its result. */
import { QuernError, sqlState } from '../base/error.ts';
import type { Program } from '../compile/program.ts';
import { rowsPerGroup } from '../table/layout.ts';
import type { ColumnBatch, Schema } from '../value/batch.ts';
import { type ExecuteOptions, Execution } from './execution.ts';
import type { Profile } from './profile.ts';
import { decodeRows } from './row-decoder.ts';
import type { Runtime } from './runtime.ts';

/** All rows of a statement, out of linear memory. */
export interface ExecutionResult {
  readonly schema: Schema;
  readonly batches: readonly ColumnBatch[];
  readonly rowCount: number;
  readonly profile: Profile;
}

/**
 * Runs a program. Rejects with a QuernError: what the compiled code found wrong, 53200 when memory
 * is short, 57014 when `signal` fires. Whatever happens, all it allocated is freed at the end.
 */
export async function execute(
  runtime: Runtime,
  program: Program,
  options: ExecuteOptions = {},
): Promise<ExecutionResult> {
  const execution = await run(runtime, program, options);
  try {
    const batches = [...resultBatches(execution)];
    const rowCount = batches.reduce((sum, batch) => sum + batch.rowCount, 0);
    return { schema: schemaOf(program), batches, rowCount, profile: execution.profile() };
  } finally {
    execution.end();
  }
}

/** Runs a program and gives its rows a batch at a time; memory is freed when the loop ends. */
export async function* executeStream(
  runtime: Runtime,
  program: Program,
  options: ExecuteOptions = {},
): AsyncGenerator<ColumnBatch> {
  const execution = await run(runtime, program, options);
  try {
    yield* resultBatches(execution);
  } finally {
    execution.end();
  }
}

/**
 * Runs all steps. Threads in the middle of a step cannot move table segments out of the memory, so
 * where that could have helped, a statement that ran out of memory runs again: with half the memory
 * free, if that is not enough with all idle segments outside.
 */
async function run(
  runtime: Runtime,
  program: Program,
  options: ExecuteOptions,
): Promise<Execution> {
  const half = runtime.memory.pages.total().limitBytes / 2;
  for (const wanted of [half, Number.POSITIVE_INFINITY]) {
    try {
      return await runOnce(runtime, program, options);
    } catch (error) {
      const short = error instanceof QuernError && error.code === sqlState.outOfMemory;
      if (!short || runtime.pager === undefined) throw error;
      const missing = wanted - runtime.memory.bytesFree;
      if (missing > 0 && runtime.pager.makeRoom(missing) === 0) throw error;
    }
  }
  return runOnce(runtime, program, options);
}

async function runOnce(
  runtime: Runtime,
  program: Program,
  options: ExecuteOptions,
): Promise<Execution> {
  const execution = new Execution(runtime, program, options);
  try {
    await execution.run();
    return execution;
  } catch (error) {
    execution.end();
    throw error;
  }
}

export function schemaOf(program: Program): Schema {
  return program.result.columns.map(({ name, type, field }) => ({
    name,
    type,
    nullable: field.nullAt !== undefined,
  }));
}

/** The rows of the result in batches of at most a row group. */
function* resultBatches(execution: Execution): Generator<ColumnBatch> {
  const { memory } = execution.runtime;
  const { columns, limit, offset } = execution.program.result;
  const { count, addresses } = rowAddresses(execution);
  const end = Math.min(count, limit === undefined ? count : offset + limit);
  for (let from = offset; from < end; from += rowsPerGroup) {
    const rows = addresses(from, Math.min(end, from + rowsPerGroup));
    yield decodeRows(memory, columns, rows);
  }
}

interface RowAddresses {
  readonly count: number;
  /** Addresses of the rows `from` to `to`; called for ascending, adjacent ranges. */
  readonly addresses: (from: number, to: number) => Uint32Array;
}

function rowAddresses(execution: Execution): RowAddresses {
  const { source, rowBytes } = execution.program.result;
  const { memory } = execution.runtime;
  if (source.kind === 'none') return { count: 0, addresses: () => new Uint32Array() };
  if (source.kind === 'pointers') {
    const first = execution.frameWord(source.slot) >>> 2;
    const count = execution.frameWord(source.slot + 4);
    return { count, addresses: (from, to) => memory.u32.slice(first + from, first + to) };
  }
  const runs = execution.buffers.runs(source.buffer);
  let run = 0;
  let before = 0;
  const addresses = (from: number, to: number) => {
    const list = new Uint32Array(to - from);
    for (let row = from; row < to; ) {
      while (row >= before + runs[run + 1]) {
        before += runs[run + 1];
        run += 2;
      }
      const stop = Math.min(to, before + runs[run + 1]);
      let address = runs[run] + (row - before) * rowBytes;
      for (; row < stop; row++, address += rowBytes) list[row - from] = address;
    }
    return list;
  };
  return { count: execution.buffers.rowCount(source.buffer), addresses };
}
