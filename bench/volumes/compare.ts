import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SuiteContext } from '../../src/bench/suite.ts';
import {
  cpuTime,
  isInstalled,
  type Peer,
  startMemory,
  startNbdkitFile,
  startNbdkitMemory,
  startQemu,
  startQuern,
  stop,
} from './peer.ts';
import { runFio, type Workload, workloads } from './workload.ts';

export interface ComparisonOptions {
  /** Where the volumes are made. */
  dir: string | undefined;
  /** Bytes of each volume. */
  bytes: number;
  /** Length of one run of fio. */
  seconds: number;
  /** Servers with volumes in memory too. */
  memory: boolean;
  /** Only workloads whose name contains this. */
  only: string;
}

/** Our volumes over NBD beside those of qemu-nbd and nbdkit, on unix sockets, with fio. */
export async function compareServers(
  context: SuiteContext,
  options: ComparisonOptions,
): Promise<void> {
  const missing = ['fio', 'qemu-nbd', 'nbdkit'].filter((program) => !isInstalled(program));
  if (missing.includes('fio')) {
    const programs = missing.join(', ');
    context.note(`NBD not measured: ${programs} missing (Debian: fio, qemu-utils, nbdkit)`);
    return;
  }
  if (missing.length > 0) context.note(`without ${missing.join(' and ')}, not installed here`);
  const folder = mkdtempSync(join(options.dir ?? tmpdir(), 'quern-bench-nbd-'));
  const { bytes } = options;
  const peers: Peer[] = [];
  try {
    peers.push(await startQuern(folder, bytes));
    if (!missing.includes('qemu-nbd')) peers.push(await startQemu(folder, bytes));
    const nbdkit = !missing.includes('nbdkit');
    if (nbdkit) peers.push(await startNbdkitFile(folder, bytes));
    if (options.memory) peers.push(await startMemory(folder, bytes));
    if (options.memory && nbdkit) peers.push(await startNbdkitMemory(folder, bytes));
    for (const peer of peers) {
      context.log(`filling the volume of ${peer.name}`);
      runFio(folder, peer, ['--rw=write', '--bs=1m', '--iodepth=8', `--io_size=${bytes}`], bytes);
    }
    for (const workload of workloads) {
      if (!workload.name.includes(options.only)) continue;
      await measure(context, folder, peers, workload, options);
    }
  } finally {
    for (const peer of peers) await stop(peer);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One workload on all servers in turn; what each needs of the processor becomes a note. */
async function measure(
  context: SuiteContext,
  folder: string,
  peers: readonly Peer[],
  workload: Workload,
  { bytes, seconds }: ComparisonOptions,
): Promise<void> {
  const timed = [...workload.fio, '--time_based', `--runtime=${seconds}`];
  const used = peers.map(() => ({ cpu: 0, requests: 0 }));
  await context.measure({
    name: workload.name,
    amount: workload.amount,
    programs: peers.map((peer, index) => ({
      name: peer.name,
      run: () => {
        const before = cpuTime(peer);
        const { requests, perSecond } = runFio(folder, peer, timed, bytes);
        used[index].cpu += cpuTime(peer) - before;
        used[index].requests += requests;
        const { value, unit } = workload.amount;
        const wanted = unit === 'bytes' ? value / workload.bytes : value;
        return (1000 * wanted) / perSecond;
      },
    })),
  });
  const each = peers.map(({ name }, i) => {
    const microseconds = (1000 * used[i].cpu) / used[i].requests;
    return `${name} ${microseconds.toPrecision(3)}`;
  });
  context.note(`${workload.name}: processor time in µs per request: ${each.join(', ')}`);
}
