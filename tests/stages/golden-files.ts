import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { goldens, goldenText } from './stages.ts';

/** In the sources, whatever folder the built file is in. */
const folder = new URL('../../../tests/stages/golden/', import.meta.url);

/** The golden file of that name, or undefined if there is none yet. */
export function readGolden(name: string): string | undefined {
  try {
    return readFileSync(new URL(`${name}.txt`, folder), 'utf8');
  } catch {
    return undefined;
  }
}

/** The names of all golden files. */
export function goldenNames(): string[] {
  return readdirSync(folder).map((file) => file.replace(/\.txt$/, ''));
}

/** Writes what the stages give now; returns the names of the files that changed. */
export function acceptGoldens(): string[] {
  mkdirSync(folder, { recursive: true });
  const changed: string[] = [];
  for (const golden of goldens) {
    const text = goldenText(golden);
    if (readGolden(golden.name) === text) continue;
    writeFileSync(new URL(`${golden.name}.txt`, folder), text);
    changed.push(golden.name);
  }
  const known = new Set(goldens.map(({ name }) => name));
  for (const name of goldenNames().filter((each) => !known.has(each))) {
    rmSync(new URL(`${name}.txt`, folder));
    changed.push(name);
  }
  return changed;
}
