import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Peer } from './peer.ts';

/** What fio asks of a server. */
export interface Workload {
  readonly name: string;
  /** fio's `rw`, `bs`, `iodepth`, and whatever else. */
  readonly fio: readonly string[];
  /** Bytes of one request. */
  readonly bytes: number;
  /** What times are reported for. */
  readonly amount: { readonly value: number; readonly unit: string };
}

export const workloads: readonly Workload[] = [
  small('random 4 KiB read, depth 16', '--rw=randread', 16),
  small('random 4 KiB write, depth 16', '--rw=randwrite', 16),
  small('random 4 KiB read, depth 1', '--rw=randread', 1),
  small('random 4 KiB write, depth 1', '--rw=randwrite', 1),
  small('random 4 KiB write, depth 16, flush every 32', '--rw=randwrite', 16, '--fsync=32'),
  large('64 KiB half read, half written, random, depth 16', 64, '--rw=randrw', 16),
  large('1 MiB read in order, depth 8', 1024, '--rw=read', 8),
  large('1 MiB write in order, depth 8', 1024, '--rw=write', 8),
  large('1 MiB write in order, depth 8, flush every 64', 1024, '--rw=write', 8, '--fsync=64'),
  large('1 MiB read, random, depth 8', 1024, '--rw=randread', 8),
  large('1 MiB write, random, depth 8', 1024, '--rw=randwrite', 8),
];

function small(name: string, rw: string, depth: number, ...more: string[]): Workload {
  const fio = [rw, '--bs=4k', `--iodepth=${depth}`, ...more];
  return { name, fio, bytes: 4096, amount: { value: 100_000, unit: 'requests' } };
}

function large(name: string, kib: number, rw: string, depth: number, ...more: string[]): Workload {
  const fio = [rw, `--bs=${kib}k`, `--iodepth=${depth}`, ...more];
  return { name, fio, bytes: kib * 1024, amount: { value: 1 << 30, unit: 'bytes' } };
}

interface FioReport {
  jobs: { error: number; read: FioSide; write: FioSide }[];
}

interface FioSide {
  total_ios: number;
  iops: number;
}

/** Runs fio on a peer's volume of `bytes`. */
export function runFio(
  folder: string,
  peer: Peer,
  args: readonly string[],
  bytes: number,
): { requests: number; perSecond: number } {
  const output = join(folder, 'fio.json');
  const uri = `nbd+unix:///disk?socket=${peer.socket}`;
  const job = ['--name=bench', '--ioengine=nbd', `--uri=${uri}`, `--size=${bytes}`];
  const format = ['--output-format=json', `--output=${output}`];
  // In its folder: fio leaves a file of its state behind.
  execFileSync('fio', [...job, ...args, ...format], { stdio: 'ignore', cwd: folder });
  const [{ error, read, write }] = (JSON.parse(readFileSync(output, 'utf8')) as FioReport).jobs;
  if (error !== 0) throw new Error(`fio failed with ${error}`);
  return {
    requests: read.total_ios + write.total_ios,
    perSecond: read.iops + write.iops,
  };
}
