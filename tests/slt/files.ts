import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatScript, parseScript, type Script } from './parse.ts';

const folder = 'tests/sql';

/** The names of the script files below tests/sql whose name contains one of the words, or all. */
export function scriptFiles(words: readonly string[]): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.slt'))
    .filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
    .map((name) => name.replaceAll('\\', '/'))
    .sort();
}

export function readScript(name: string): Script {
  try {
    return parseScript(readFileSync(join(folder, name), 'utf8'));
  } catch (error) {
    throw new Error(`${folder}/${name}: ${(error as Error).message}`, { cause: error });
  }
}

export function writeScript(name: string, script: Script): void {
  writeFileSync(join(folder, name), formatScript(script));
}
