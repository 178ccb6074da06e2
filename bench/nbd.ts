import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SuiteContext } from '../src/bench/suite.ts';

export const name = 'nbd';
export const description = 'volumes over NBD by fio on unix sockets, beside qemu-nbd and nbdkit';
export const options = {
  dir: { type: 'string', description: 'Folder for the volumes (default: a temporary one)' },
  seconds: { type: 'string', default: '2', description: 'Length of one run of fio' },
  memory: {
    type: 'boolean',
    description: 'Beside them, our server and nbdkit with a volume in memory: the cost of NBD',
  },
  size: { type: 'string', default: '1', description: 'Size of the volumes in GiB' },
} as const;

interface Workload {
  readonly name: string;
  /** fio's `rw`, `bs`, `iodepth`, and whatever else. */
  readonly fio: readonly string[];
  /** What the times are reported for. */
  readonly amount: { readonly value: number; readonly unit: string };
  /** Bytes of one request. */
  readonly bytes: number;
}

const workloads: readonly Workload[] = [
  random('read', 'randread', 16),
  random('write', 'randwrite', 16),
  random('read', 'randread', 1),
  random('write', 'randwrite', 1),
  random('write, flush every 32', 'randwrite', 16, '--fsync=32'),
  sequential('read', 8),
  sequential('write', 8),
];

function random(what: string, rw: string, depth: number, ...more: string[]): Workload {
  return {
    name: `random 4 KiB ${what}, depth ${depth}`,
    fio: [`--rw=${rw}`, '--bs=4k', `--iodepth=${depth}`, ...more],
    amount: { value: 100_000, unit: 'requests' },
    bytes: 4096,
  };
}

function sequential(rw: string, depth: number): Workload {
  return {
    name: `1 MiB ${rw}, depth ${depth}`,
    fio: [`--rw=${rw}`, '--bs=1m', `--iodepth=${depth}`],
    amount: { value: 1 << 30, unit: 'bytes' },
    bytes: 1 << 20,
  };
}

/** A server that runs, with one volume `disk`. */
interface Peer {
  readonly name: string;
  readonly socket: string;
  readonly child: ChildProcess;
}

export async function run(context: SuiteContext): Promise<void> {
  const missing = ['fio', 'qemu-nbd', 'nbdkit'].filter((program) => !isInstalled(program));
  if (missing.includes('fio')) {
    context.note(`not measured: ${missing.join(', ')} missing (Debian: fio, qemu-utils, nbdkit)`);
    return;
  }
  if (missing.length > 0) context.note(`without ${missing.join(' and ')}, not installed here`);
  const base = context.options['dir'];
  const folder = mkdtempSync(join(typeof base === 'string' ? base : tmpdir(), 'quern-bench-nbd-'));
  const peers: Peer[] = [];
  try {
    const bytes = Number(context.options['size']) * 2 ** 30;
    peers.push(await startQuern(folder, bytes));
    if (!missing.includes('qemu-nbd')) peers.push(await startQemu(folder, bytes));
    if (!missing.includes('nbdkit')) {
      peers.push(
        await startNbdkit(folder, 'file', ['file', rawImage(folder, 'nbdkit.img', bytes)]),
      );
    }
    if (context.options['memory'] === true) {
      peers.push(await startMemory(folder, bytes));
      if (!missing.includes('nbdkit')) {
        peers.push(await startNbdkit(folder, 'memory', ['memory', `${bytes}`]));
      }
    }
    for (const peer of peers) {
      context.log(`filling the volume of ${peer.name}`);
      fio(folder, peer, ['--rw=write', '--bs=1m', '--iodepth=8', `--io_size=${bytes}`], bytes);
    }
    for (const workload of workloads) await measure(context, folder, peers, workload, bytes);
  } finally {
    for (const { child } of peers) await stop(child);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(
  context: SuiteContext,
  folder: string,
  peers: readonly Peer[],
  workload: Workload,
  bytes: number,
): Promise<void> {
  const timed = [...workload.fio, '--time_based', `--runtime=${context.options['seconds']}`];
  await context.measure({
    name: workload.name,
    amount: workload.amount,
    programs: peers.map((peer) => ({
      name: peer.name,
      run: () => {
        const perSecond = fio(folder, peer, timed, bytes);
        const { value, unit } = workload.amount;
        const requests = unit === 'bytes' ? value / workload.bytes : value;
        return (1000 * requests) / perSecond;
      },
    })),
  });
}

interface FioReport {
  jobs: { error: number; read: FioSide; write: FioSide }[];
}

interface FioSide {
  total_ios: number;
  iops: number;
}

/** Runs fio; returns its requests per second. */
function fio(folder: string, peer: Peer, args: readonly string[], bytes: number): number {
  const output = join(folder, 'fio.json');
  const uri = `nbd+unix:///disk?socket=${peer.socket}`;
  const common = ['--name=bench', '--ioengine=nbd', `--uri=${uri}`, `--size=${bytes}`];
  const format = ['--output-format=json', `--output=${output}`];
  execFileSync('fio', [...common, ...args, ...format], { stdio: 'ignore' });
  const [{ error, read, write }] = (JSON.parse(readFileSync(output, 'utf8')) as FioReport).jobs;
  if (error !== 0) throw new Error(`fio failed with ${error}`);
  return (read.total_ios > 0 ? read : write).iops;
}

async function startQuern(folder: string, bytes: number): Promise<Peer> {
  const socket = join(folder, 'quern.sock');
  const program = new URL('../../bin/quern.js', import.meta.url).pathname;
  const file = join(folder, 'volumes.quern');
  const serve = ['serve', file, '--nbd', `unix:${socket}`, '--http', 'localhost:0'];
  const child = spawn(process.execPath, [program, ...serve], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const server = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stderr?.on('data', (piece) => {
      text += piece;
      const url = /serving (http:\S+?)\/v1/.exec(text);
      if (url !== null) resolve(url[1]);
    });
    child.once('exit', () => reject(new Error(text)));
  });
  const create = ['volume', 'create', 'disk', '--size', `${bytes}`, '--server', server];
  execFileSync(process.execPath, [program, ...create]);
  return { name: 'quern', socket, child };
}

async function startQemu(folder: string, bytes: number): Promise<Peer> {
  const socket = join(folder, 'qemu.sock');
  const image = rawImage(folder, 'qemu.img', bytes);
  const options = ['-f', 'raw', '-t', '-e', '16', '--cache=writeback', '--aio=threads'];
  const child = spawn('qemu-nbd', [
    ...options,
    '--discard=unmap',
    '-k',
    socket,
    '-x',
    'disk',
    image,
  ]);
  await appears(socket);
  const [version] = execFileSync('qemu-nbd', ['--version'], { encoding: 'utf8' }).split('\n');
  return { name: `qemu-nbd ${/[\d.]+/.exec(version)?.[0]}`, socket, child };
}

async function startNbdkit(folder: string, kind: string, plugin: string[]): Promise<Peer> {
  const socket = join(folder, `nbdkit-${kind}.sock`);
  const child = spawn('nbdkit', ['-f', '-U', socket, '-e', 'disk', ...plugin]);
  await appears(socket);
  const version = execFileSync('nbdkit', ['--version'], { encoding: 'utf8' });
  return { name: `nbdkit ${kind} ${/[\d.]+/.exec(version)?.[0]}`, socket, child };
}

/** Our protocol without the store: what remains is what the protocol costs. */
async function startMemory(folder: string, bytes: number): Promise<Peer> {
  const socket = join(folder, 'memory.sock');
  const index = new URL('../src/server/index.js', import.meta.url).href;
  const program = `
    import { MemoryExport, NbdServer, StaticCatalog } from '${index}';
    const catalog = new StaticCatalog([['disk', new MemoryExport(${bytes})]]);
    await new NbdServer({ catalog }).listen({ kind: 'unix', path: '${socket}' });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
  await appears(socket);
  return { name: 'quern, in memory', socket, child };
}

function rawImage(folder: string, file: string, bytes: number): string {
  const image = join(folder, file);
  execFileSync('truncate', ['-s', `${bytes}`, image]);
  return image;
}

async function appears(path: string): Promise<void> {
  for (let i = 0; !existsSync(path); i++) {
    if (i > 500) throw new Error(`'${path}' does not appear`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) resolve();
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}

function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
