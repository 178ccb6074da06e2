/**
 * The other process of `store-processes.test.ts`: opens the store in the file it is given for
 * writing, says so, and does what the lines on its standard input say.
 */
import { createInterface } from 'node:readline';
import { openStoreFile } from '../../src/store/node/store-file.ts';

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

try {
  const store = await openStoreFile(process.argv[2]);
  if (store.list().length === 0) await store.createMap('m');
  say('open');
  const key = new TextEncoder().encode('key');
  for await (const line of createInterface({ input: process.stdin })) {
    const [command, text = ''] = line.split(' ');
    if (command === 'commit') {
      await store.transact((t) => t.put('m', key, new TextEncoder().encode(text)));
    } else if (command === 'compact') await store.compact(0);
    else if (command === 'close') await store.close();
    say(command);
  }
} catch (error) {
  say((error as Error).message);
  process.exitCode = 1;
}
