import { isBuiltin } from 'node:module';
import type { Finding } from './finding.ts';
import { environmentOf, isTest, layerOf, layerTable } from './layer-table.ts';

/** One import or re-export, static or dynamic, of values or of types. */
export interface Import {
  from: string;
  line: number;
  /** As written. */
  specifier: string;
  /** The file of this repository it means; undefined for packages and what does not exist. */
  to: string | undefined;
  dynamic: boolean;
}

/**
 * Holds the layer table over the imports of the repository:
 * 1. a file of `src/` imports only its own folder and those its row of the table names, and nothing
 *    outside `src/`;
 * 2. a core file imports no Node module, and node/ and browser/ files only by `import()`;
 * 3. node/ files do not import browser/ files, nor the reverse.
 * Tests are free: they use whatever makes their input.
 */
export function checkLayers(imports: readonly Import[]): Finding[] {
  const findings: Finding[] = [];
  for (const edge of imports) {
    for (const message of [layerFault(edge), environmentFault(edge)]) {
      if (message !== undefined) findings.push({ file: edge.from, line: edge.line, message });
    }
  }
  return findings;
}

function layerFault({ from, to, specifier }: Import): string | undefined {
  const layer = layerOf(from);
  if (layer === undefined || to === undefined) return undefined;
  if (isTest(from)) return undefined;
  const allowed = layerTable[layer];
  if (allowed === undefined) return `folder src/${layer} is not in the layer table`;
  const target = layerOf(to);
  if (target === undefined) return `'${specifier}' leaves src/`;
  if (target === layer || allowed.includes(target)) return undefined;
  return `${layer} must not import ${target} ('${specifier}')`;
}

function environmentFault({ from, to, specifier, dynamic }: Import): string | undefined {
  if (isTest(from) || layerOf(from) === undefined) return undefined;
  const environment = environmentOf(from);
  if (to === undefined) {
    if (environment === 'node' || !isBuiltin(specifier)) return undefined;
    return `'${specifier}' is a module of Node: only files in a node/ folder may import it`;
  }
  if (layerOf(to) === undefined) return undefined;
  const target = isTest(to) ? 'test' : environmentOf(to);
  if (target === 'core' || target === environment) return undefined;
  if (target === 'test') return `'${specifier}' is a test`;
  if (environment === 'core' && dynamic) return undefined;
  if (environment === 'core') {
    return `'${specifier}' is for one platform: load it with import(), or pass it in`;
  }
  return `a file for ${environment} must not import one for ${target} ('${specifier}')`;
}
