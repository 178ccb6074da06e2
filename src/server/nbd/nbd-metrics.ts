import { Histogram } from '../metrics/histogram.ts';
import { command } from './protocol.ts';

/** Commands by their number. */
export const commandNames: ReadonlyMap<number, string> = new Map([
  [command.read, 'read'],
  [command.write, 'write'],
  [command.flush, 'flush'],
  [command.trim, 'trim'],
  [command.cache, 'cache'],
  [command.writeZeroes, 'zero'],
  [command.blockStatus, 'status'],
]);

/** Numbers of commands are below this. */
export const commandLimit = 8;

/** What the clients of a server have asked for. Indexes are numbers of commands. */
export class NbdMetrics {
  /** From the arrival of a request to its answer's leaving, failed ones included. */
  readonly latency = Array.from({ length: commandLimit }, () => new Histogram());
  /** Of data, one way or the other. */
  readonly bytes = new Float64Array(commandLimit);
  /** Answers that are errors. */
  readonly errors = new Float64Array(commandLimit);
  /** Clients so far. */
  connections = 0;
}
