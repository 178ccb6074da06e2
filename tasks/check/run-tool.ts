import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Finding } from './finding.ts';

/**
 * Runs the command line of an installed package and gives its output as a finding when it fails.
 * The output says which files it means.
 */
export async function runTool(name: string, args: string[]): Promise<Finding[]> {
  const require = createRequire(import.meta.url);
  const manifestPath = manifestOf(require, name);
  const { bin } = require(manifestPath) as { bin: string | Record<string, string> };
  const script = typeof bin === 'string' ? bin : Object.values(bin)[0];
  const tool = spawn(process.execPath, [join(dirname(manifestPath), script), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, CI: '1' },
  });
  let output = '';
  for (const stream of [tool.stdout, tool.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const code = await new Promise<number | null>((done, fail) => {
    tool.on('error', fail).on('close', done);
  });
  if (code === 0) return [];
  return [{ file: [name, ...args].join(' '), message: `\n${output.trim()}` }];
}

/** The path of a package's manifest, also when its `exports` do not name it. */
function manifestOf(require: NodeJS.Require, name: string): string {
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      return require.resolve(join(folder, name, 'package.json'));
    } catch {
      // Not in this node_modules folder; perhaps in the next one up.
    }
  }
  throw new Error(`package ${name} is not installed: run npm ci`);
}
