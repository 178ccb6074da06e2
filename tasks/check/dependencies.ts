import type { Finding } from './finding.ts';

export interface LockedPackage {
  hasInstallScript?: boolean;
  os?: string[];
  cpu?: string[];
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
}

type Packages = Record<string, LockedPackage>;

/** Packages by which native add-ons are built or found. */
const addonHelpers = [
  'node-gyp',
  'node-gyp-build',
  'node-addon-api',
  'prebuild-install',
  'bindings',
  'nan',
];

/**
 * Runtime dependencies run wherever Node or a browser does: none has an install script, is made for
 * one platform, or brings a native add-on. `packages` are those of the lockfile by their path;
 * `listFiles` gives the file names inside an installed package, so that an add-on is seen that
 * declares nothing.
 */
export function checkDependencies(
  packages: Packages,
  listFiles: (path: string) => string[],
): Finding[] {
  const findings: Finding[] = [];
  for (const path of runtimePackages(packages)) {
    const locked = packages[path];
    const object = (message: string) => findings.push({ file: path, message });
    if (locked.hasInstallScript === true) object('a runtime dependency with an install script');
    if (locked.os !== undefined || locked.cpu !== undefined) {
      object('a runtime dependency for one platform only');
    }
    for (const helper of addonHelpers) {
      if (locked.dependencies?.[helper] !== undefined) object(`a native add-on (needs ${helper})`);
    }
    const addon = listFiles(path).find((file) => file.endsWith('.node') || file === 'binding.gyp');
    if (addon !== undefined) object(`a native add-on (${addon})`);
  }
  return findings;
}

/** The paths of all packages that installing ours brings along, development tools left out. */
function runtimePackages(packages: Packages): Set<string> {
  const found = new Set<string>();
  const visit = (parent: string): void => {
    for (const name of neededBy(packages[parent])) {
      const path = locate(packages, parent, name);
      if (path === undefined || found.has(path)) continue;
      found.add(path);
      visit(path);
    }
  };
  visit('');
  return found;
}

function neededBy(locked: LockedPackage): string[] {
  const peers = Object.keys(locked.peerDependencies ?? {});
  return [
    ...Object.keys(locked.dependencies ?? {}),
    ...Object.keys(locked.optionalDependencies ?? {}),
    ...peers.filter((name) => locked.peerDependenciesMeta?.[name]?.optional !== true),
  ];
}

/** Where Node finds a package from another: in its own node_modules folder or in one further up. */
function locate(packages: Packages, parent: string, name: string): string | undefined {
  let folder = parent;
  while (true) {
    const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
    if (packages[path] !== undefined) return path;
    if (folder === '') return undefined;
    const cut = folder.lastIndexOf('/node_modules/');
    folder = cut < 0 ? '' : folder.slice(0, cut);
  }
}
