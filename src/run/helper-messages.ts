import type { QuernError } from '../base/error.ts';
import type { ProgramShape } from './program-shape.ts';
import type { ExecutionAddresses } from './thread.ts';

/** From the main thread to a helper. */
export type ToHelper =
  | { readonly kind: 'memory'; readonly memory: WebAssembly.Memory }
  /** Comes once before the first execution of a program. */
  | {
      readonly kind: 'program';
      readonly id: number;
      readonly module: WebAssembly.Module;
      readonly shape: ProgramShape;
    }
  | { readonly kind: 'forget'; readonly id: number }
  | {
      readonly kind: 'join';
      readonly execution: number;
      readonly program: number;
      readonly control: number;
      readonly worker: number;
      readonly addresses: ExecutionAddresses;
      /** Of the execution's spill store, if it has one. */
      readonly spill: unknown;
    };

/** From a helper: what stopped it. Sent before it leaves the step. */
export interface FromHelper {
  readonly kind: 'failed';
  readonly execution: number;
  /** An error, or what compiled code reports: `failureError` knows what that means. */
  readonly error: ErrorMessage | { readonly failure: number; readonly detail: number };
}

/** A {@link QuernError} as plain data. */
export type ErrorMessage = Pick<QuernError, 'code' | 'message' | 'position' | 'hint'>;
