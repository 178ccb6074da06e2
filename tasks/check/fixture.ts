import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Writes a small TypeScript project to a scratch folder and gives the path of its tsconfig. */
export function withFixture(
  files: Record<string, string>,
  options: object,
  use: (config: string) => void,
): void {
  const root = mkdtempSync(join(tmpdir(), 'quern-fixture-'));
  try {
    const compilerOptions = {
      target: 'ES2023',
      module: 'NodeNext',
      strict: true,
      noEmit: true,
      allowImportingTsExtensions: true,
      ...options,
    };
    const texts = { ...files, 'tsconfig.json': JSON.stringify({ compilerOptions }) };
    for (const [file, text] of Object.entries(texts)) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), text);
    }
    use(join(root, 'tsconfig.json'));
  } finally {
    rmSync(root, { recursive: true });
  }
}
