import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Debian's package for each program a test may need. */
const packages: Readonly<Record<string, string>> = {
  certtool: 'gnutls-bin',
  e2fsck: 'e2fsprogs',
  fio: 'fio',
  fusermount3: 'fuse3',
  losetup: 'mount',
  'mkfs.ext4': 'e2fsprogs',
  mount: 'mount',
  'nbd-client': 'nbd-client',
  nbdcopy: 'libnbd-bin',
  nbdfuse: 'libnbd-bin',
  nbdinfo: 'libnbd-bin',
  nbdkit: 'nbdkit',
  nbdsh: 'python3-libnbd',
  psktool: 'gnutls-bin',
  'qemu-img': 'qemu-utils',
  'qemu-io': 'qemu-utils',
  'qemu-nbd': 'qemu-utils',
};

/** System folders first: some programs are wrappers of an interpreter that must be the system's. */
const path = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', process.env['PATH'] ?? ''].join(delimiter);

/** Why a test cannot run here; undefined if it can. */
export function missing(programs: readonly string[]): string | undefined {
  const absent = programs.filter((program) => !isInstalled(program));
  if (absent.length === 0) return undefined;
  const wanted = new Set(absent.map((program) => packages[program] ?? program));
  return `missing here: ${absent.join(', ')} (Debian: ${[...wanted].join(' ')})`;
}

function isInstalled(program: string): boolean {
  return path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script of the shell, which stops at its first failure; the outcome is the caller's. */
export function attempt(script: string, timeoutMs = 120_000): Promise<Outcome> {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', script], {
    env: { ...process.env, PATH: path, LC_ALL: 'C' },
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** The same, where failing fails the test; returns what the script printed. */
export async function shell(script: string, timeoutMs?: number): Promise<string> {
  const { code, stdout, stderr } = await attempt(script, timeoutMs);
  if (code !== 0) throw new Error(`exit ${code}: ${script}\n${stdout}${stderr}`);
  return stdout;
}
