import type { GroupPlan, KernelPlan } from './kernel/plan.ts';
import type { TableName } from './scale.ts';

/** A run of units of one group of tables that goes to the same outputs, in order. */
export interface Span {
  /** Index of the group in the plan of the kernel. */
  readonly group: number;
  /** Units, from 0. */
  readonly start: number;
  readonly count: number;
  /** See `UnitRun` in kernel/runtime.ts. */
  readonly firstIndex: number;
  readonly sequence: number;
  readonly origin: number;
  /** For each table of the group, the index of the output that its text goes to. */
  readonly outputs: readonly number[];
  /** What stands before the rows if they go to a stream. */
  readonly head: string;
}

/** Spans cut into jobs. */
export interface JobList {
  readonly spans: readonly Span[];
  readonly unitsPerJob: readonly number[];
  /** The first job of each span, and behind them the number of all jobs. */
  readonly firstJobs: readonly number[];
}

/**
 * Cuts spans into jobs: for text as much as a kernel has room for, for columns such that a job
 * gives about as many rows as are wanted.
 */
export function planJobs(plan: KernelPlan, spans: readonly Span[], rowsPerJob?: number): JobList {
  const unitsPerJob = spans.map(({ group }) => {
    const units = plan.groups[group]!.tables.map(({ name, text }) => {
      if (rowsPerJob === undefined) return text.units;
      return Math.max(1, Math.floor(rowsPerJob / unitRowsTypical(name)));
    });
    return Math.min(...units);
  });
  const firstJobs = [0];
  spans.forEach(({ count }, index) => {
    firstJobs.push(firstJobs.at(-1)! + Math.ceil(count / unitsPerJob[index]!));
  });
  return { spans, unitsPerJob, firstJobs };
}

/** The units of a job, and which span they are of. */
export interface Job {
  readonly span: number;
  /** From 0 in its span. */
  readonly index: number;
  readonly start: number;
  readonly count: number;
}

export function jobAt(list: JobList, job: number): Job {
  let span = 0;
  let above = list.spans.length;
  while (above - span > 1) {
    const middle = (span + above) >> 1;
    if (list.firstJobs[middle]! <= job) span = middle;
    else above = middle;
  }
  const { start, count } = list.spans[span]!;
  const units = list.unitsPerJob[span]!;
  const index = job - list.firstJobs[span]!;
  return {
    span,
    index,
    start: start + index * units,
    count: Math.min(units, count - index * units),
  };
}

function unitRowsTypical(table: TableName): number {
  return table === 'lineitem' || table === 'partsupp' ? 4 : 1;
}

/** The work of a unit of some tables: the bytes of text that it usually takes. */
export function unitWork(group: GroupPlan): number {
  return group.tables.reduce((sum, { name }) => sum + unitBytesTypical[name], 0);
}

const unitBytesTypical: Readonly<Record<TableName, number>> = {
  customer: 162,
  lineitem: 506,
  nation: 88,
  orders: 114,
  part: 121,
  partsupp: 595,
  region: 77,
  supplier: 141,
};
