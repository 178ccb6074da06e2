import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Test files at a time. Two cores are what the smallest machine has. */
const concurrency = 2;

/** The longest a test file may take before it counts as hung, in milliseconds. */
const fileTimeoutMs = 180_000;

const roots = ['dist/src', 'dist/tests', 'dist/tasks'];

/** The test files of the build, in a stable order. */
function testFiles(): string[] {
  return roots
    .filter((root) => existsSync(root))
    .flatMap((root) =>
      readdirSync(root, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.test.js'))
        .map((name) => join(root, name))
        .sort(),
    );
}

/** The source a built file came from, `dist/src/a/b.js` → `src/a/b.ts`. */
function sourceOf(built: string): string {
  return built.replace(/^dist[\\/]/, '').replace(/\.js$/, '.ts');
}

/**
 * `test [word…] [--option…]`: runs the test files whose path contains one of the words; options are
 * passed on to Node's test runner, whose report and closing counts go to stdout.
 */
export function test(args: string[]): number {
  const options = args.filter((arg) => arg.startsWith('-'));
  const words = args.filter((arg) => !arg.startsWith('-'));
  const files = testFiles().filter(
    // A test whose source is gone is left over from an older build.
    (file) => existsSync(sourceOf(file)) && wanted(file, words),
  );
  if (files.length === 0) {
    console.error(`no test file matches ${words.map((word) => `'${word}'`).join(', ')}`);
    return 1;
  }
  const run = spawnSync(
    process.execPath,
    [
      '--enable-source-maps',
      '--test',
      `--test-concurrency=${concurrency}`,
      `--test-timeout=${fileTimeoutMs}`,
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      ...options,
      ...files,
    ],
    { stdio: 'inherit' },
  );
  return run.status ?? 1;
}

function wanted(file: string, words: string[]): boolean {
  return words.length === 0 || words.some((word) => sourceOf(file).includes(word));
}
