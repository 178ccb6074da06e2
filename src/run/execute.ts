/** Running a program to its result. */
import type { Program } from '../compile/program.ts';
import { rowsPerGroup } from '../table/layout.ts';
import type { ColumnBatch, Schema } from '../value/batch.ts';
import type { ExecuteOptions } from './execute-options.ts';
import { Execution } from './execution.ts';
import type { RowRuns } from './morsels.ts';
import type { Profile } from './profile.ts';
import { decodeRows } from './row-decoder.ts';
import type { Runtime } from './runtime.ts';
import { type Way, Ways } from './spill/ways.ts';

interface RunOptions extends ExecuteOptions {
  /** Whether the last step is left to {@link Execution.stream}. */
  readonly streaming?: boolean;
}

/** All rows of a statement, out of linear memory. */
export interface ExecutionResult {
  readonly schema: Schema;
  readonly batches: readonly ColumnBatch[];
  readonly rowCount: number;
  readonly profile: Profile;
}

/**
 * Runs a statement. Rejects with a QuernError: what the compiled code found wrong, 53200 when
 * memory is short even so, 57014 when `signal` fires. Whatever happens, all it allocated is freed
 * at the end.
 */
export async function execute(
  runtime: Runtime,
  program: Program,
  options: ExecuteOptions = {},
): Promise<ExecutionResult> {
  const execution = await run(runtime, program, options);
  try {
    const batches: ColumnBatch[] = [];
    for (const batch of resultBatches(execution)) {
      batches.push(batch);
      await execution.turnIfDue();
    }
    const rowCount = batches.reduce((sum, batch) => sum + batch.rowCount, 0);
    return { schema: schemaOf(execution.program), batches, rowCount, profile: execution.profile() };
  } finally {
    execution.end();
  }
}

/** Runs a statement and gives its rows a batch at a time; memory is freed when the loop ends. */
export async function* executeStream(
  runtime: Runtime,
  program: Program,
  options: ExecuteOptions = {},
): AsyncGenerator<ColumnBatch> {
  const ways = new Ways(runtime, program, options.threads);
  for (let isGiven = false; ; ) {
    try {
      for await (const batch of streamOnce(runtime, ways.way, options)) {
        isGiven = true;
        yield batch;
      }
      return;
    } catch (error) {
      if (isGiven || !ways.goOn(error)) throw error;
    }
  }
}

async function* streamOnce(
  runtime: Runtime,
  way: Way,
  options: ExecuteOptions,
): AsyncGenerator<ColumnBatch> {
  const execution = await runOnce(runtime, way, { ...options, streaming: true });
  try {
    if (execution.program.result.source.kind !== 'rows') {
      yield* resultBatches(execution);
      return;
    }
    const { result } = execution.program;
    const cut = { skip: result.offset, left: result.limit ?? Number.POSITIVE_INFINITY };
    for await (const runs of execution.stream()) {
      yield* cutBatches(execution, addressesOf(runs, result.rowBytes), cut);
      if (cut.left === 0) return;
    }
  } finally {
    execution.end();
  }
}

/** Runs all steps; again in a way that needs less memory if it runs out of it. */
async function run(runtime: Runtime, program: Program, options: RunOptions): Promise<Execution> {
  const ways = new Ways(runtime, program, options.threads);
  for (;;) {
    try {
      return await runOnce(runtime, ways.way, options);
    } catch (error) {
      if (!ways.goOn(error)) throw error;
    }
  }
}

async function runOnce(
  runtime: Runtime,
  { program, budget }: Way,
  options: RunOptions,
): Promise<Execution> {
  const execution = new Execution(runtime, program, { ...options, budget });
  try {
    await execution.run(options.streaming);
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
  const { limit, offset } = execution.program.result;
  const cut = { skip: offset, left: limit ?? Number.POSITIVE_INFINITY };
  for (const rows of rowAddresses(execution)) yield* cutBatches(execution, rows, cut);
}

/** Rows to leave out, and those that are still wanted. */
interface Cut {
  skip: number;
  left: number;
}

function* cutBatches(
  { runtime, program }: Execution,
  { count, addresses }: RowAddresses,
  cut: Cut,
): Generator<ColumnBatch> {
  const from = Math.min(cut.skip, count);
  const end = Math.min(count, from + cut.left);
  cut.skip -= from;
  cut.left -= end - from;
  for (let at = from; at < end; at += rowsPerGroup) {
    const rows = addresses(at, Math.min(end, at + rowsPerGroup));
    yield decodeRows(runtime.memory, program.result.columns, rows);
  }
}

interface RowAddresses {
  readonly count: number;
  /** Addresses of the rows `from` to `to`; called for ascending, adjacent ranges. */
  readonly addresses: (from: number, to: number) => Uint32Array;
}

/** The rows of the result, as many at a time as are in memory. */
function* rowAddresses(execution: Execution): Generator<RowAddresses> {
  const { source, rowBytes } = execution.program.result;
  const { memory } = execution.runtime;
  if (source.kind === 'none') return;
  if (source.kind === 'pointers') {
    const first = execution.frameWord(source.slot) >>> 2;
    const count = execution.frameWord(source.slot + 4);
    yield { count, addresses: (from, to) => memory.u32.slice(first + from, first + to) };
    return;
  }
  for (const runs of execution.resultRuns(source.buffer)) yield addressesOf(runs, rowBytes);
}

function addressesOf(runs: RowRuns, rowBytes: number): RowAddresses {
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
  let count = 0;
  for (let i = 1; i < runs.length; i += 2) count += runs[i];
  return { count, addresses };
}
