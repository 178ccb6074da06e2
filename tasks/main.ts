import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The test files below `folder` of the build, in a stable order. */
function testFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.js'))
    .map((name) => join(folder, name))
    .sort();
}

const [verb, ...args] = process.argv.slice(2);
if (verb === 'test') {
  const wanted = args.filter((arg) => !arg.startsWith('-'));
  const files = ['dist/src', 'dist/tests', 'dist/tasks']
    .flatMap((folder) => {
      try {
        return testFiles(folder);
      } catch {
        return [];
      }
    })
    .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)));
  const run = spawnSync(process.execPath, ['--enable-source-maps', '--test', ...files], {
    stdio: 'inherit',
  });
  process.exit(run.status ?? 1);
}
console.error(`unknown task '${verb}'`);
process.exit(2);
