import { readFileSync, writeFileSync } from 'node:fs';

interface LockedPackage {
  version?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}

interface Lockfile {
  packages: Record<string, LockedPackage>;
}

const systems = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
];
const systemsByName = new Map([
  ...systems.map((name) => [name, name] as const),
  ['sunos', 'sunos'],
  ['win32', 'win32'],
]);
const processors = [
  'arm',
  'arm64',
  'ia32',
  'loong64',
  'mips64el',
  'ppc64',
  'riscv64',
  's390x',
  'x64',
];

/**
 * The `os`, `cpu` and `libc` that the name of a platform package states, as in
 * `@scope/binding-linux-x64-musl`; undefined when the name states no platform.
 */
export function platformOf(name: string): Pick<LockedPackage, 'os' | 'cpu' | 'libc'> | undefined {
  const words = name.slice(name.lastIndexOf('/') + 1).split('-');
  const system = words.find((word) => systemsByName.has(word));
  if (system === undefined) return undefined;
  const processor = words.find((word) => processors.includes(word));
  const libc = words.includes('musl')
    ? 'musl'
    : words.includes('gnu') && system === 'linux'
      ? 'glibc'
      : undefined;
  return {
    os: [systemsByName.get(system) ?? system],
    ...(processor === undefined ? {} : { cpu: [processor] }),
    ...(libc === undefined ? {} : { libc: [libc] }),
  };
}

/**
 * Adds an entry for every optional platform package that npm left out because the registry it
 * asked does not carry it. Without them `npm ci` refuses the lockfile on every machine. Returns the
 * names added. Packages that are already locked stay as they are.
 */
export function completeLock(lock: Lockfile): string[] {
  const added: string[] = [];
  for (const parent of Object.values(lock.packages)) {
    for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
      const path = `node_modules/${name}`;
      if (lock.packages[path] !== undefined || !/^\d/.test(version)) continue;
      const platform = platformOf(name);
      if (platform === undefined) continue;
      lock.packages[path] = {
        version,
        ...(parent.dev === true ? { dev: true } : {}),
        optional: true,
        ...platform,
      };
      added.push(name);
    }
  }
  lock.packages = Object.fromEntries(
    Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  );
  return added;
}

/** `lock`: completes package-lock.json after a dependency was added or updated. */
export function lock(): number {
  const path = 'package-lock.json';
  const lockfile = JSON.parse(readFileSync(path, 'utf8'));
  const added = completeLock(lockfile);
  writeFileSync(path, `${JSON.stringify(lockfile, null, 2)}\n`);
  console.log(added.length === 0 ? 'package-lock.json is complete' : `added ${added.join(', ')}`);
  return 0;
}
