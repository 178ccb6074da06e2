import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Program, SuiteContext, SuiteOption } from '../src/bench/suite.ts';

export const name = 'tpch-generate';
export const description = 'quern tpch generate, as a process, beside tpchgen-cli (Rust)';
export const options: Record<string, SuiteOption> = {
  scale: { type: 'string', default: '1', description: 'scale factor' },
  tpchgen: { type: 'string', default: 'tpchgen-cli', description: 'the program to compare with' },
  memory: { type: 'boolean', description: 'also measure the peak memory at scale 1 and 10' },
};

/** Bytes of all .tbl files of scale factor 1. */
const textBytes = 1_102_213_900;
/** MD5 of dbgen's lineitem.tbl at scale factor 0.01. */
const lineitemDigest = '4c6d44350a1f7974f56f5d3d7091c2be';

const quern = [process.execPath, 'bin/quern.js', 'tpch', 'generate'];

function start(command: readonly string[], output: 'null' | 'pipe') {
  const sink = openSync('/dev/null', 'w');
  try {
    const [program, ...args] = command;
    const result = spawnSync(program!, args, {
      stdio: ['ignore', output === 'null' ? sink : 'pipe', 'pipe'],
      maxBuffer: 2 ** 30,
    });
    if (result.error !== undefined) throw result.error;
    if (result.status !== 0) throw new Error(`${command.join(' ')}: ${result.stderr}`);
    return result;
  } finally {
    closeSync(sink);
  }
}

/** The version of the other program, or undefined if it cannot be run. */
function versionOf(program: string): string | undefined {
  const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

function checkOutput(command: readonly string[]): void {
  const digest = createHash('md5').update(start(command, 'pipe').stdout).digest('hex');
  if (digest !== lineitemDigest) throw new Error(`${command[0]} writes something else than dbgen`);
}

export async function run({ options, measure, note, log }: SuiteContext): Promise<void> {
  const scale = String(options['scale']);
  const other = String(options['tpchgen']);
  const version = versionOf(other);
  if (version === undefined)
    note(`${other} is not installed (pip install tpchgen-cli): no comparison`);
  log('checking what is written');
  checkOutput([...quern, '--scale', '0.01', '--tables', 'lineitem', '--stdout']);
  if (version !== undefined) checkOutput([other, '-s', '0.01', '-T', 'lineitem', '--stdout']);

  const programs = (ours: readonly string[], theirs: readonly string[]): Program[] => {
    const own = { name: 'quern', run: () => void start([...quern, ...ours], 'null') };
    if (version === undefined) return [own];
    return [own, { name: version, run: () => void start([other, ...theirs], 'null') }];
  };
  const text = { value: Number(scale) * textBytes, unit: 'bytes' };
  for (const threads of new Set([1, availableParallelism()])) {
    const plural = threads === 1 ? '' : 's';
    await measure({
      name: `scale ${scale}, tbl to /dev/null, ${threads} thread${plural}`,
      programs: programs(
        ['--scale', scale, '--stdout', '--threads', String(threads)],
        ['-s', scale, '--stdout', '-n', String(threads)],
      ),
      amount: text,
    });
  }
  await measure({
    name: 'scale 0.01, tbl to /dev/null, all cores',
    programs: programs(['--scale', '0.01', '--stdout'], ['-s', '0.01', '--stdout']),
    amount: { value: 0.01 * textBytes, unit: 'bytes' },
  });
  const folder = mkdtempSync(join(tmpdir(), 'quern-bench-'));
  try {
    const out = join(folder, 'parquet');
    await measure({
      name: `scale ${scale}, parquet (zstd), all cores`,
      programs: programs(
        ['--scale', scale, '--format', 'parquet', '--out', out, '--overwrite'],
        ['parquet', '-s', scale, '-o', out, '--overwrite', '-c', 'ZSTD(1)'],
      ),
      amount: text,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (options['memory'] === true) {
    for (const factor of ['1', '10']) {
      note(`peak memory at scale ${factor}, all cores: ${peakMemory(factor)} MB`);
    }
  }
}

/** Megabytes of resident memory, at most, of a run. */
function peakMemory(scale: string): number {
  const report = 'process.on("exit",()=>console.error(process.resourceUsage().maxRSS))';
  const hook = `data:text/javascript,${encodeURIComponent(report)}`;
  const [node, ...rest] = quern;
  const { stderr } = start(
    [node!, '--import', hook, ...rest, '--scale', scale, '--stdout'],
    'null',
  );
  const values = String(stderr).trim().split('\n').map(Number);
  return Math.round(Math.max(...values) / 1024);
}
