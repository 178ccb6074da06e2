import type { Finding } from './finding.ts';

interface LockedPackage {
  dev?: boolean;
  devOptional?: boolean;
  hasInstallScript?: boolean;
  os?: string[];
  cpu?: string[];
  dependencies?: Record<string, string>;
}

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
 * one platform, or brings a native add-on. `listFiles` gives the file names inside an installed
 * package, so that an add-on is seen that declares nothing.
 */
export function checkDependencies(
  packages: Record<string, LockedPackage>,
  listFiles: (path: string) => string[],
): Finding[] {
  const findings: Finding[] = [];
  for (const [path, locked] of Object.entries(packages)) {
    if (path === '' || locked.dev === true || locked.devOptional === true) continue;
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
