import { parentPort } from 'node:worker_threads';
import { assert } from '../../base/assert.ts';
import { helperLoop } from '../helper-loop.ts';
import { spillFiles } from './spill-file.ts';

const port = parentPort;
assert(port !== null, 'this file is the main module of a worker thread');
helperLoop({
  post: (message) => port.postMessage(message),
  onMessage: (receive) => {
    port.on('message', receive);
  },
  attachSpillStore: spillFiles.attach,
});
