import { spawnSync } from 'node:child_process';

/** The oldest Node that must work, and every major line that is supported since. */
const nodeVersions = ['20.19', '22', '24', '26'];

/**
 * `matrix [version…] [test word…]`: runs the tests on each Node, fetched by npm's package `node`.
 * Words that look like versions choose among them; the others go to the test task.
 */
export function matrix(args: string[]): number {
  const versions = args.filter((arg) => /^\d+(?:\.\d+)*$/.test(arg));
  const words = args.filter((arg) => !versions.includes(arg));
  const failed: string[] = [];
  for (const version of versions.length === 0 ? nodeVersions : versions) {
    console.log(`\nnode ${version}`);
    const command = ['-y', `node@${version}`, 'dist/tasks/main.js', 'test', ...words];
    const run = spawnSync('npx', command, { encoding: 'utf8', maxBuffer: 1 << 28 });
    const passed = run.status === 0;
    const counts = (run.stdout ?? '').match(/^ℹ (?:tests|pass|fail|skipped) \d+$/gm) ?? [];
    console.log(passed ? counts.join(' ') : `${run.stdout}${run.stderr}`);
    if (!passed) failed.push(version);
  }
  console.log(failed.length === 0 ? '\nall passed' : `\nfailed on node ${failed.join(', ')}`);
  return failed.length === 0 ? 0 : 1;
}
