import { canShareMemory } from '../memory.ts';
import type { HelperThread, Platform } from '../platform.ts';
import { memoryStores } from '../spill/memory-store.ts';

/** Helpers are dedicated workers, on pages that are cross-origin isolated. */
export const platform: Platform = {
  threads: globalThis.navigator?.hardwareConcurrency ?? 1,
  mayBlock: typeof document === 'undefined',
  startHelper,
  yieldToEvents,
  spillStores: memoryStores,
};

function startHelper(): HelperThread | undefined {
  if (!canShareMemory() || typeof Worker === 'undefined') return undefined;
  const worker = new Worker(new URL('./helper.js', import.meta.url), {
    type: 'module',
    name: 'quern helper',
  });
  return {
    post: (message) => worker.postMessage(message),
    onMessage: (receive) => worker.addEventListener('message', (event) => receive(event.data)),
    onDeath: (notice) => {
      worker.addEventListener('error', (event) => notice(new Error(event.message)));
    },
    terminate: async () => worker.terminate(),
  };
}

/** A message to oneself; timers would be slowed down to 4 ms. */
function yieldToEvents(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
