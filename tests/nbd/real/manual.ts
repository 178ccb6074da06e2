import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { missing, shell } from './shell.ts';

const root = new URL('../../../../', import.meta.url).pathname;

/** The example of the manual, as it stands there but for the port. */
export function manualTests(): void {
  const skip = missing(['nbdcopy', 'nbdinfo']) ?? false;
  test('docs/volumes.md: the five minutes', { skip }, async () => {
    const text = readFileSync(join(root, 'docs/volumes.md'), 'utf8');
    const script = /```sh\n(quern serve[\s\S]*?)```/.exec(text)?.[1];
    assert.ok(script !== undefined, 'the manual has its example');
    const folder = mkdtempSync(join(tmpdir(), 'quern-manual-'));
    const port = 20_000 + (process.pid % 20_000);
    try {
      const program = `#!/bin/sh\nexec '${process.execPath}' '${root}bin/quern.js' "$@"\n`;
      writeFileSync(join(folder, 'quern'), program, { mode: 0o755 });
      const output = await shell(`cd ${folder}
        PATH=$PWD:$PATH
        set +o pipefail # head leaves before nbdcopy is done
        trap 'kill $(jobs -p) 2> /dev/null || true' EXIT
        ${script.replaceAll('8480', `${port}`)}`);
      assert.match(output, /^data +2147483648/m);
      assert.match(output, /, 0 problems/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}
