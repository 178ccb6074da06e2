/**
 * `pack`: puts the modules of the command together into a few files. Loading hundreds of modules
 * one by one is most of what a short command takes.
 */
import { rmSync } from 'node:fs';
import { build } from 'esbuild';

/**
 * As deep as the modules of `dist/src/cli`, so that the way to package.json is the same. The files
 * that threads start with lie beside the code that names them.
 */
const packedDirectory = 'dist/packed/node';

export async function pack(): Promise<number> {
  rmSync(packedDirectory, { recursive: true, force: true });
  await build({
    entryPoints: {
      cli: 'dist/src/cli/main.js',
      helper: 'dist/src/run/node/helper.js',
      'csv-worker': 'dist/src/format/node/csv-worker.js',
      'tpch-worker': 'dist/src/main/node/tpch-worker.js',
      'job-worker': 'dist/src/tpc/node/job-worker.js',
    },
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'node20',
    platform: 'node',
    packages: 'external',
    outdir: packedDirectory,
    logLevel: 'error',
  });
  return 0;
}
