/** Options of the public face. */
import type { Progress } from '../run/calling-thread.ts';
import type { ValueForm } from './js-values.ts';

export interface OpenOptions {
  /** Threads a statement uses at most; all cores by default. */
  readonly threads?: number;
  /** Most bytes of linear memory in use at once, up to 4 GiB. */
  readonly memoryLimit?: number;
  /** Where rows go that do not fit in memory: the system's directory for temporary files. */
  readonly tempDirectory?: string;
  /** Most bytes of a statement's rows there at once: nine tenths of what the disk has left. */
  readonly tempLimit?: number;
  /** For tests: every statement works as if hardly any memory were there. */
  readonly alwaysSpill?: boolean;
  /**
   * Whether a statement that has loaded very much ends with a rehearsal of a few statements over
   * small tables of its own, so that the first queries after it take less time; true unless given.
   */
  readonly rehearse?: boolean;
  /** Statements that change something are refused. */
  readonly readOnly?: boolean;
}

export interface QueryOptions {
  /** How values look in JavaScript; `plain` unless given. */
  readonly values?: ValueForm;
  /** Ends the statement with error 57014, within 100 ms. */
  readonly signal?: AbortSignal;
  /**
   * Milliseconds after which the statement ends with error 57014; as SET statement_timeout says if
   * it is not given, 0 for none.
   */
  readonly timeout?: number;
  readonly onProgress?: (progress: Progress) => void;
}

/** Values of `$1`, `$2`, … in order, or of `$name` by name. */
export type Parameters = readonly unknown[] | Readonly<Record<string, unknown>>;
