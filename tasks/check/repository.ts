import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** The files of the repository that git knows or would add, with forward slashes, in order. */
export function repositoryFiles(): string[] {
  const git = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (git.status !== 0) throw new Error(`git ls-files: ${git.stderr || git.error?.message}`);
  return git.stdout
    .split('\0')
    .filter((file) => file !== '' && existsSync(file))
    .sort();
}

/** Whether a file holds text that people write: code, pages, settings, tests. */
export function isText(file: string): boolean {
  if (file === 'package-lock.json' || file === 'LICENSE') return false;
  return /\.(?:ts|js|md|json|slt|yaml|yml)$|^\.ci\//.test(file);
}

export function readText(file: string): string {
  return readFileSync(file, 'utf8');
}

/** All file names below a folder, or none when it does not exist. */
export function filesBelow(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
}
