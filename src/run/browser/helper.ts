import { helperLoop } from '../helper-loop.ts';
import { memoryStores } from '../spill/memory-store.ts';

/** The part of a dedicated worker's global scope that is used here. */
interface WorkerScope {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
}

const scope = globalThis as unknown as WorkerScope;
helperLoop({
  post: (message) => scope.postMessage(message),
  onMessage: (receive) => scope.addEventListener('message', (event) => receive(event.data)),
  attachSpillStore: memoryStores(true).attach,
});
