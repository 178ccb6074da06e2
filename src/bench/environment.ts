import { spawnSync } from 'node:child_process';
import os from 'node:os';

/** Where and with what a benchmark ran. */
export interface Environment {
  date: string;
  cpu: string;
  cores: number;
  memoryBytes: number;
  os: string;
  node: string;
  v8: string;
  /** Undefined outside a git clone; `+` at the end: with changes that are not committed. */
  commit: string | undefined;
}

export function environment(): Environment {
  const cpus = os.cpus();
  return {
    date: new Date().toISOString(),
    cpu: cpus[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    os: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.versions.node,
    v8: process.versions.v8,
    commit: commit(),
  };
}

function commit(): string | undefined {
  const head = spawnSync('git', ['rev-parse', '--short=12', 'HEAD'], { encoding: 'utf8' });
  if (head.status !== 0) return undefined;
  const changes = spawnSync('git', ['status', '--porcelain'], { encoding: 'utf8' });
  return head.stdout.trim() + (changes.stdout === '' ? '' : '+');
}
