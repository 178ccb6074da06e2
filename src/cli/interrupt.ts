import { constants } from 'node:os';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs work that a signal stops: it is told, cleans up, and the exit code is the one that a shell
 * gives to a program which that signal has ended. A second signal ends the program at once.
 */
export async function untilInterrupted(
  work: (signal: AbortSignal) => Promise<unknown>,
): Promise<number> {
  const controller = new AbortController();
  let received: (typeof signals)[number] | undefined;
  const stop = (name: NodeJS.Signals): void => {
    received = name as (typeof signals)[number];
    controller.abort();
  };
  for (const name of signals) process.once(name, stop);
  try {
    await work(controller.signal);
    return 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return 0;
    if (received === undefined || !controller.signal.aborted) throw error;
    return 128 + constants.signals[received];
  } finally {
    for (const name of signals) process.off(name, stop);
  }
}
