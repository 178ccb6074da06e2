/**
 * `bundle [--folders]`: builds the engine for browsers, minified, and says how large it is and
 * which folders it is made of; fails when it has grown beyond what it may have.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { build, type Metafile } from 'esbuild';

/** Where the bundle is left: `quern.js` is the entry, `helper.js` the code of its threads. */
export const bundleDirectory = 'dist/bundle';

/** Most bytes of what every page that runs queries loads, each file compressed with gzip. */
export const bundleBytesMax = 300_000;

export interface BundledFile {
  readonly name: string;
  readonly bytes: number;
  readonly gzipBytes: number;
}

export interface Bundle {
  /** The engine: what its entry and its threads need. */
  readonly files: readonly BundledFile[];
  /** Loaded when it is asked for: file formats, the generator of TPC-H data. */
  readonly extras: readonly BundledFile[];
  /** Minified bytes of each folder of the source. */
  readonly folders: ReadonlyMap<string, number>;
}

/** Builds from dist/src, so that what is bundled is what was compiled and tested. */
export async function buildBundle(directory = bundleDirectory): Promise<Bundle> {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const { metafile } = await build({
    entryPoints: { quern: 'dist/src/main/index.js', helper: 'dist/src/run/browser/helper.js' },
    bundle: true,
    splitting: true,
    format: 'esm',
    minify: true,
    target: 'es2022',
    platform: 'browser',
    outdir: directory,
    metafile: true,
    // Never imported in a browser.
    plugins: [
      {
        name: 'node-folders',
        setup: ({ onResolve }) => {
          onResolve({ filter: /\/node\/[^/]+\.js$/ }, ({ path }) => ({ path, external: true }));
        },
      },
    ],
    external: ['fs', 'path', 'node:*'],
    logLevel: 'error',
  });
  return describe(metafile);
}

function describe({ outputs }: Metafile): Bundle {
  const needed = new Set<string>();
  const visit = (path: string): void => {
    if (needed.has(path)) return;
    needed.add(path);
    for (const item of outputs[path]?.imports ?? []) {
      if (item.kind === 'import-statement') visit(item.path);
    }
  };
  // The platform is imported at run time, but always.
  const roots = /(main\/index|run\/browser\/(helper|platform))\.js$/;
  for (const [path, { entryPoint }] of Object.entries(outputs)) {
    if (entryPoint !== undefined && roots.test(entryPoint)) visit(path);
  }
  const files: BundledFile[] = [];
  const extras: BundledFile[] = [];
  const folders = new Map<string, number>();
  for (const [path, { bytes, inputs }] of Object.entries(outputs)) {
    const gzipBytes = gzipSync(readFileSync(path), { level: 9 }).length;
    const file = { name: path.split('/').at(-1) ?? path, bytes, gzipBytes };
    (needed.has(path) ? files : extras).push(file);
    for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
      const folder =
        /^(?:dist\/src|node_modules)\/((?:@[\w-]+\/)?[\w-]+)/.exec(input)?.[1] ?? input;
      folders.set(folder, (folders.get(folder) ?? 0) + bytesInOutput);
    }
  }
  return { files, extras, folders };
}

export function bundleGzipBytes(files: readonly BundledFile[]): number {
  return files.reduce((sum, { gzipBytes }) => sum + gzipBytes, 0);
}

export async function bundle(): Promise<number> {
  const { files, extras, folders } = await buildBundle();
  const kilobytes = (count: number) => `${(count / 1000).toFixed(1)} kB`.padStart(10);
  const show = (name: string, bytes: number, gzip = '') => {
    console.log(`${name.padEnd(36)}${kilobytes(bytes)}${gzip}`);
  };
  const showSum = (name: string, some: readonly BundledFile[]) => {
    const bytes = some.reduce((sum, file) => sum + file.bytes, 0);
    show(name, bytes, kilobytes(bundleGzipBytes(some)));
  };
  console.log(`${''.padEnd(36)}${'minified'.padStart(10)}${'gzip'.padStart(10)}`);
  const bySize = (some: readonly BundledFile[]) =>
    some
      .filter(({ gzipBytes }) => gzipBytes >= 1000)
      .sort((one, other) => other.gzipBytes - one.gzipBytes);
  for (const file of bySize(files)) showSum(file.name, [file]);
  for (const file of bySize(extras)) showSum(`${file.name} (when needed)`, [file]);
  console.log('');
  showSum('the engine', files);
  showSum('formats and TPC-H data, when needed', extras);
  console.log('\nby folder');
  for (const [folder, bytes] of [...folders].sort((a, b) => b[1] - a[1])) show(folder, bytes);
  const total = bundleGzipBytes(files);
  if (total <= bundleBytesMax) return 0;
  console.error(`\nthe engine has ${total} bytes, more than ${bundleBytesMax}`);
  return 1;
}
