import { posix } from 'node:path';
import type { Finding } from './finding.ts';

/** Endings by which a bare word in a text is taken for the name of a file. */
const fileEndings = /\.(?:ts|js|mjs|json|md|slt|yaml|yml|html|css|svg)$/;

/** Folders that exist in a clone only after a build or an install. */
const builtFolders = new Set(['dist', 'node_modules', 'data']);

/**
 * Finds the paths that a markdown text names and that do not exist. A path is the target of a
 * relative link, or a word that starts with a top-level folder and a slash, or a word that ends as
 * files do. `*` stands for any characters, and what follows `<` or `…` is the reader's to fill in.
 *
 * `files` are all paths of the repository. Words without a slash may name a file in any folder.
 */
export function checkPaths(page: string, text: string, files: readonly string[]): Finding[] {
  const known = knownPaths(files);
  const findings: Finding[] = [];
  text.split('\n').forEach((line, index) => {
    const { links, words } = pathsIn(line, page, known.roots);
    const missing = [
      ...links.filter((path) => !known.all.has(path.replace(/\/$/, ''))),
      ...words.filter((path) => !exists(path, known)),
    ];
    for (const path of missing) {
      findings.push({ file: page, line: index + 1, message: `there is no ${path}` });
    }
  });
  return findings;
}

interface KnownPaths {
  /** Files and folders. */
  all: Set<string>;
  baseNames: Set<string>;
  /** Top-level folders. */
  roots: Set<string>;
}

function knownPaths(files: readonly string[]): KnownPaths {
  const all = new Set<string>();
  const roots = new Set<string>();
  for (const file of files) {
    for (let path = file; path !== '.'; path = posix.dirname(path)) all.add(path);
    if (file.includes('/')) roots.add(file.slice(0, file.indexOf('/')));
  }
  return { all, baseNames: new Set(files.map((file) => posix.basename(file))), roots };
}

function pathsIn(line: string, page: string, roots: Set<string>) {
  const links = [...line.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
    .map((match) => match[1])
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => posix.normalize(posix.join(posix.dirname(page), target)));
  const words = line
    .replaceAll(/\]\([^)]*\)/g, ' ')
    .replaceAll(/[a-z]+:\/\/\S+/g, ' ')
    .split(/[\s`'"()[\]{},;:=|]+/)
    .map((word) => word.replace(/[<…].*$/, '').replace(/[.!?]+$/, ''))
    .map((word) => word.replace(/^\.\//, ''))
    .filter((word) => looksLikePath(word, roots));
  return { links, words };
}

function looksLikePath(word: string, roots: Set<string>): boolean {
  if (!/^[\w.@*][\w.@*/-]*$/.test(word)) return false;
  const slash = word.indexOf('/');
  if (slash > 0) return roots.has(word.slice(0, slash)) && !builtFolders.has(word.slice(0, slash));
  return fileEndings.test(word) && !word.startsWith('.') && !/^[A-Z]\w+\.js$/.test(word);
}

function exists(path: string, known: KnownPaths): boolean {
  const bare = path.replace(/\/+$/, '');
  if (bare.includes('*')) {
    const pattern = new RegExp(
      `^${bare
        .split('*')
        .map((part) => part.replaceAll(/[.+]/g, '\\$&'))
        .join('.*')}$`,
    );
    return [...known.all, ...known.baseNames].some((name) => pattern.test(name));
  }
  return known.all.has(bare) || known.baseNames.has(bare);
}
