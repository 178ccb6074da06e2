import type { Environment } from './environment.ts';
import type { Ratio } from './statistics.ts';

/**
 * A benchmark suite: a module `bench/<name>.ts` that exports `name`, `description`, `run` and, when
 * it has options, `options` in the form of Node's `parseArgs`.
 */
export interface Suite {
  name: string;
  /** One line. */
  description: string;
  options?: Record<string, SuiteOption>;
  run(context: SuiteContext): Promise<void>;
}

export interface SuiteOption {
  type: 'string' | 'boolean';
  default?: string | boolean;
  description: string;
}

/** What a suite is given: its options, and the means to measure and to report. */
export interface SuiteContext {
  options: Record<string, string | boolean | undefined>;
  /** Timed rounds of each case, from `--runs`. */
  runs: number;
  /** Measures one case: the first program is ours, the others are what it is compared with. */
  measure(spec: CaseSpec): Promise<CaseResult>;
  /** Adds a line to the report: what was not measured and why, peak memory, sizes of files. */
  note(text: string): void;
  /** Shows progress on stderr. */
  log(text: string): void;
}

export interface CaseSpec {
  name: string;
  programs: readonly Program[];
  /** What one run works through, for a rate: `{ value: 6e6, unit: 'rows' }`. */
  amount?: { value: number; unit: string };
  /** Untimed rounds before the timed ones, 1 by default. The first of all is reported as `cold`. */
  warmups?: number;
  /** Called after the first round; throws when what the programs gave does not agree. */
  check?(): void;
  /** Instead of the runs that the user asked for. */
  runs?: number;
}

export interface Program {
  /** With its version when it is not ours: `duckdb 1.5.6`. */
  name: string;
  /**
   * Does the work once. When not all of the call is the work, it returns (or resolves to) the
   * milliseconds that it measured itself, a number; else the call is timed, promise included.
   * Throws when the result of the work is wrong.
   */
  run(): unknown;
}

export interface CaseResult {
  name: string;
  amount?: { value: number; unit: string };
  /** Rows of the result, of a query. */
  rowCount?: number;
  programs: ProgramResult[];
}

export interface ProgramResult {
  name: string;
  /** Milliseconds of each timed run, in order. */
  samples: number[];
  /** Milliseconds of the very first run, or of first runs in processes of their own. */
  cold: number;
  /** This cold time by that of the first program; only where both come of fresh processes. */
  coldRatio?: number;
  median: number;
  /** Against the first program; absent for the first and for what failed. */
  ratio?: Ratio;
  /** Why the program could not do the work; it then has no samples. */
  error?: string;
}

/** All that one run of a suite found. */
export interface SuiteReport {
  suite: string;
  description: string;
  options: Record<string, string | boolean | undefined>;
  environment: Environment;
  cases: CaseResult[];
  notes: string[];
}
