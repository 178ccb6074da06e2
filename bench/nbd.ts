import type { SuiteContext } from '../src/bench/suite.ts';
import { compareServers } from './volumes/compare.ts';

export const name = 'nbd';
export const description = 'volumes over NBD by fio on unix sockets, beside qemu-nbd and nbdkit';
export const options = {
  dir: { type: 'string', description: 'Folder for the volumes (default: a temporary one)' },
  seconds: { type: 'string', default: '2', description: 'Length of one run of fio' },
  size: { type: 'string', default: '1', description: 'Size of the volumes in GiB' },
  only: { type: 'string', description: 'Only workloads whose name contains this' },
  memory: {
    type: 'boolean',
    description: 'Beside them, our server and nbdkit with a volume in memory: the cost of NBD',
  },
} as const;

export async function run({ options: given, ...context }: SuiteContext): Promise<void> {
  await compareServers(
    { options: given, ...context },
    {
      dir: typeof given['dir'] === 'string' ? given['dir'] : undefined,
      bytes: Number(given['size']) * 2 ** 30,
      seconds: Number(given['seconds']),
      only: typeof given['only'] === 'string' ? given['only'] : '',
      memory: given['memory'] === true,
    },
  );
}
