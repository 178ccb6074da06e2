import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A server that runs, with one volume `disk`. */
export interface Peer {
  /** With its version. */
  readonly name: string;
  readonly socket: string;
  readonly child: ChildProcess;
}

/** `quern serve` on a new store: checksums on, everything that is acknowledged durable. */
export async function startQuern(folder: string, bytes: number): Promise<Peer> {
  const socket = join(folder, 'quern.sock');
  const program = new URL('../../../bin/quern.js', import.meta.url).pathname;
  const file = join(folder, 'volumes.quern');
  const serve = ['serve', file, '--nbd', `unix:${socket}`, '--http', 'localhost:0'];
  const child = spawn(process.execPath, [program, ...serve], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const server = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stderr.on('data', (piece) => {
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

/** qemu-nbd on a raw file: in place, without checksums; a flush is an fdatasync. */
export async function startQemu(folder: string, bytes: number): Promise<Peer> {
  const socket = join(folder, 'qemu.sock');
  const image = rawImage(folder, 'qemu.img', bytes);
  const disk = ['-f', 'raw', '--cache=writeback', '--aio=threads', '--discard=unmap'];
  const child = spawn('qemu-nbd', [...disk, '-t', '-e', '16', '-k', socket, '-x', 'disk', image]);
  await appears(socket);
  return { name: `qemu-nbd ${versionOf('qemu-nbd')}`, socket, child };
}

/** nbdkit with its file plugin on a raw file, as qemu-nbd. */
export function startNbdkitFile(folder: string, bytes: number): Promise<Peer> {
  return startNbdkit(folder, 'file', ['file', rawImage(folder, 'nbdkit.img', bytes)]);
}

/** nbdkit with a volume in memory. */
export function startNbdkitMemory(folder: string, bytes: number): Promise<Peer> {
  return startNbdkit(folder, 'memory', ['memory', `${bytes}`]);
}

async function startNbdkit(folder: string, kind: string, plugin: string[]): Promise<Peer> {
  const socket = join(folder, `nbdkit-${kind}.sock`);
  const child = spawn('nbdkit', ['-f', '-U', socket, '-e', 'disk', ...plugin]);
  await appears(socket);
  return { name: `nbdkit ${kind} ${versionOf('nbdkit')}`, socket, child };
}

/** Our protocol without the store: what remains is what the protocol costs. */
export async function startMemory(folder: string, bytes: number): Promise<Peer> {
  const socket = join(folder, 'memory.sock');
  const index = new URL('../../src/server/index.js', import.meta.url).href;
  const program = `
    import { MemoryExport, NbdServer, StaticCatalog } from '${index}';
    const catalog = new StaticCatalog([['disk', new MemoryExport(${bytes})]]);
    await new NbdServer({ catalog }).listen({ kind: 'unix', path: '${socket}' });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
  await appears(socket);
  return { name: 'quern, in memory', socket, child };
}

export function stop({ child }: Peer): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) resolve();
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}

/** Milliseconds of processor time that a peer has used, all its threads, user and system. */
export function cpuTime({ child }: Peer): number {
  // Behind the name, which may contain anything, utime and stime are the 12th and 13th field.
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
  const ticksPerSecond = 100;
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}

export function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function versionOf(program: string): string {
  const [line] = execFileSync(program, ['--version'], { encoding: 'utf8' }).split('\n');
  return /[\d.]+/.exec(line)?.[0] ?? '';
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
