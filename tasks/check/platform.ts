import type { Finding } from './finding.ts';
import { environmentOf } from './layer-table.ts';
import { Program } from './program.ts';

/**
 * Compiles the core files without the types of Node and of the DOM, with no more than what both
 * platforms have (`platform.d.ts`): `document`, `process` or `Buffer` in such a file is an error.
 * Files for one platform are in the program where a core file loads them, but are not judged here.
 */
export function checkPlatform(config: string): Finding[] {
  const program = new Program(config);
  try {
    const core = program.files().filter((file) => environmentOf(file) === 'core');
    return [...program.diagnostics(), ...core.flatMap((file) => program.diagnostics(file))];
  } finally {
    program.close();
  }
}
