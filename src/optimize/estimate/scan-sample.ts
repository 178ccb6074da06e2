/**
 * What share of a table's rows pass the predicates of a scan, seen in the table's sample.
 * Predicates that go together, or that no formula knows, come out right; what is too rare to be
 * seen is left to what statistics say.
 */
import { conjuncts, type Expression } from '../../plan/expression.ts';
import type { Scan } from '../../plan/plan.ts';
import type { TableSample } from '../../table/sample.ts';
import { filterRows, type SampledFields, type SampleTest, sampleTest } from './sample-test.ts';

export interface SampledScan {
  readonly sample: TableSample;
  /** Estimated share of the table's rows that pass. */
  readonly share: number;
  /** Rows of the sample that pass, of the first `looked`. */
  readonly hits: Uint32Array;
  readonly looked: number;
  /** Whether all rows of the table were looked at. */
  readonly isComplete: boolean;
}

/** Once so many rows have been looked at, and so many of them pass, the share is known well. */
const enoughRows = 2048;
const enoughHits = 128;
const blockRows = 512;
/** Comparisons of a number that a scan may take: some 0.1 ms. */
const costMax = 30_000;
/** The same where a small table can be looked at as a whole. */
const wholeCostMax = 100_000;
/** A predicate that fewer rows got to is tried on rows of its own. */
const fewRows = 64;
const ownCostMax = 12_000;

/** Share of rows that pass a predicate, as it is guessed without a sample. */
export type PriorShare = (predicate: Expression) => number;

/** What was seen before: a list of predicates belongs to one scan, in whatever copies of it. */
const seenBefore = new WeakMap<readonly Expression[], SampledScan>();

/** Looks at the sample of the scanned table, if it has one. */
export function sampleScan(scan: Scan, prior: PriorShare): SampledScan | undefined {
  const { sample } = scan.table.data;
  if (sample === undefined || sample.rowCount === 0) return undefined;
  let seen = seenBefore.get(scan.filters);
  if (seen === undefined) {
    seen = lookAtSample(scan, sample, prior);
    seenBefore.set(scan.filters, seen);
  }
  return seen;
}

function lookAtSample(scan: Scan, sample: TableSample, prior: PriorShare): SampledScan {
  const { rowCount } = scan.table.data;
  const parts = scan.filters.flatMap(conjuncts);
  const fields = fieldsOf(scan, sample);
  const steps: Step[] = [];
  let unseen = 1;
  for (const predicate of parts) {
    const test = sampleTest(predicate, fields, sample.rowCount);
    if (test === undefined) unseen *= prior(predicate);
    else steps.push({ ...test, predicate, tried: 0, passed: 0 });
  }
  steps.sort((a, b) => a.cost - b.cost);
  const isFull = sample.tableRows === rowCount && sample.rowCount === rowCount;
  const { hits, looked } = look(steps, sample.rowCount, isFull);
  const isComplete = isFull && looked === rowCount && unseen === 1;
  if (isComplete) {
    return { sample, share: Math.max(hits.length, 0.1) / looked, hits, looked, isComplete };
  }
  let share = unseen;
  for (const step of steps) share *= shareOf(step, sample, prior);
  if (sample.tableRows < rowCount) {
    // Of rows that came later the priors are all that is known.
    const priors = parts.reduce((product, predicate) => product * prior(predicate), 1);
    const seen = sample.tableRows / rowCount;
    share = share * seen + priors * (1 - seen);
  }
  return { sample, share, hits, looked, isComplete };
}

interface Step extends SampleTest {
  readonly predicate: Expression;
  /** Rows that came this far, and that came through. */
  tried: number;
  passed: number;
}

function fieldsOf(scan: Scan, sample: TableSample): SampledFields {
  return (id) => {
    const at = scan.columns.findIndex((column) => column.id === id);
    const ordinal = scan.ordinals[at];
    const data = at < 0 ? undefined : sample.columns[ordinal];
    return data === undefined ? undefined : { data, type: scan.columns[at].type };
  };
}

/** Takes rows of the sample through all tests, until enough is known or it has cost enough. */
function look(
  steps: readonly Step[],
  sampleRows: number,
  isFull: boolean,
): { hits: Uint32Array; looked: number } {
  const rows = steps.reduce((least, step) => Math.min(least, step.rows), sampleRows);
  const found = new Uint32Array(rows);
  let hits = 0;
  let cost = 0;
  let looked = 0;
  while (looked < rows) {
    if (cost > (isFull ? wholeCostMax : costMax)) break;
    if (looked >= enoughRows && hits >= enoughHits) break;
    // Each block is filtered where its hits will stay.
    const block = found.subarray(hits);
    let count = Math.min(blockRows, rows - looked);
    for (let i = 0; i < count; i++) block[i] = looked + i;
    looked += count;
    for (const step of steps) {
      cost += count * step.cost;
      step.tried += count;
      count = filterRows(step, block, count);
      step.passed += count;
    }
    hits += count;
  }
  return { hits: found.subarray(0, hits), looked };
}

/** The share of the rows that came to a test which pass it. */
function shareOf(step: Step, sample: TableSample, prior: PriorShare): number {
  let expected = prior(step.predicate);
  if (step.tried < fewRows) {
    const rows = Math.min(step.rows, sample.rowCount, Math.ceil(ownCostMax / (step.cost + 1)));
    const all = Uint32Array.from({ length: rows }, (_, row) => row);
    expected = updated(expected, filterRows(step, all, rows), rows);
  }
  return updated(expected, step.passed, step.tried);
}

/**
 * A share after `passed` of `tried` rows were seen to pass: the mean of the posterior for a prior
 * that is worth one row that passes. So a share of a millionth stays one when no row of some
 * thousands is met, and one of a half does not.
 */
function updated(prior: number, passed: number, tried: number): number {
  return Math.min(1, (passed + 1) / (tried + 1 / Math.max(prior, 1e-9)));
}
