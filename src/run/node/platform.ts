import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { HelperThread, Platform } from '../platform.ts';
import { spillFiles } from './spill-file.ts';

/** Helpers are worker threads; they never keep the process alive. */
export const platform: Platform = {
  threads: availableParallelism(),
  mayBlock: true,
  startHelper,
  yieldToEvents: () => new Promise((resolve) => setImmediate(resolve)),
  spillStores: () => spillFiles,
};

function startHelper(): HelperThread {
  const worker = new Worker(new URL('./helper.js', import.meta.url), { name: 'quern helper' });
  let ending = false;
  worker.unref();
  return {
    post: (message) => worker.postMessage(message),
    onMessage: (receive) => {
      worker.on('message', receive);
      // Listening for messages makes a worker count again.
      worker.unref();
    },
    onDeath: (notice) => {
      worker.on('error', notice);
      worker.on('exit', (code) => {
        if (!ending) notice(new Error(`a helper thread ended with exit code ${code}`));
      });
    },
    terminate: async () => {
      ending = true;
      await worker.terminate();
    },
  };
}
