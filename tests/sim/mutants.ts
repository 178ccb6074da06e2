/**
 * Would the tests notice? Each mutant is one mistake that someone could make in the store. It is
 * put into a copy of the build, and the short tests (those of `npm test`) run until one fails. A
 * mutant that survives all of them shows what they do not look at.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Mutant {
  name: string;
  /** Below `src/store`, as built. */
  file: string;
  /** Occurs once. */
  find: string;
  replace: string;
}

const dataFlush = `await file.flush();
    mustGoOn();
    const [a, b, c, d] = superblockPlaces;`;
const firstCopies = `for (const place of [a, b])
        file.write(bytes, place, 'metadataWritten');
    await file.flush();`;

export const mutants: readonly Mutant[] = [
  {
    name: 'no flush between trees and superblock',
    file: 'checkpoint.js',
    find: dataFlush,
    replace: 'const [a, b, c, d] = superblockPlaces;',
  },
  {
    name: 'superblock before the trees',
    file: 'checkpoint.js',
    find: dataFlush,
    replace: `for (const place of superblockPlaces) file.write(bytes, place, 'metadataWritten');
    ${dataFlush}`,
  },
  {
    name: 'no flush between the copies of the superblock',
    file: 'checkpoint.js',
    find: firstCopies,
    replace: firstCopies.replace('await file.flush();', ''),
  },
  {
    name: 'commits acknowledged before the flush',
    file: 'core.js',
    find: 'await this.blocks.file.flush();\n                if (this.failed)',
    replace: 'void this.blocks.file.flush();\n                if (this.failed)',
  },
  {
    name: 'records written although they wait for a checkpoint',
    file: 'core.js',
    find: 'this.#holdFrom = this.journal.sealed + 1;',
    replace: '',
  },
  {
    name: 'a sync does not wait for what is too large for the journal',
    file: 'core.js',
    find: 'if (sequence < this.#holdFrom && this.#holdFrom < Number.MAX_SAFE_INTEGER)',
    replace: 'if (sequence < 0)',
  },
  {
    name: 'what was acknowledged last is not confirmed',
    file: 'core.js',
    find: 'this.journal.confirm();',
    replace: '',
  },
  {
    name: 'runs of the journal not announced',
    file: 'journal/journal.js',
    find: 'if (!this.#announced && left > 0)',
    replace: 'if (this.#announced && left < 0)',
  },
  {
    name: 'records taken without their past',
    file: 'journal/record.js',
    find: 'if (previousLow !== start.previousLow || previousHigh !== start.previousHigh)',
    replace: 'if (previousLow === undefined || previousHigh === undefined)',
  },
  {
    name: 'records taken without their data',
    file: 'recovery.js',
    find: '!record.operations.every((op) => dataIntact(file, op))',
    replace: '!record.operations.every((op) => dataIntact(file, op) || true)',
  },
  {
    name: 'identities used again after a crash',
    file: 'recovery.js',
    find: 'pool.now = seen + transactionsPerCheckpoint;',
    replace: 'pool.now = superblock.transaction;',
  },
  {
    name: 'extents of lost transactions kept',
    file: 'recovery.js',
    find: 'dropUncommitted(core, adopted);\n    return',
    replace: 'return',
  },
  {
    name: 'checksums not compared',
    file: 'block/sealer.js',
    find: 'return checksumResult[0] === low && checksumResult[1] === high;',
    replace: 'return true;',
  },
  {
    name: 'pages that change while they are written are not sealed before',
    file: 'block/table.js',
    find: 'if (page.frozen)\n            this.#sealEarly(page);',
    replace: '',
  },
  {
    name: 'places reused before the checkpoint is durable',
    file: 'block/blocks.js',
    find: 'this.#buried = this.#dying;',
    replace:
      'this.#buried = [];\n        this.#releaseAll(this.#dying);\n        this.#dying = [];',
  },
  {
    name: 'places reused although a view needs them',
    file: 'block/blocks.js',
    find: 'if (id !== 0 && this.#views.needs(births[i], deaths[i]))',
    replace: 'if (id < 0)',
  },
  {
    name: 'copies of shared nodes do not count',
    file: 'tree/pool.js',
    find: 'copy.children((id) => this.blocks.addReference(id));',
    replace: '',
  },
  {
    name: 'nodes that a view sees changed in place',
    file: 'tree/pool.js',
    find: 'if (node.dirty && !shared && node.birth > this.#views.newest())',
    replace: 'if (node.dirty && !shared)',
  },
  {
    name: 'the first intact superblock instead of the newest',
    file: 'superblock.js',
    find: 'if (copy !== undefined && (best === undefined || copy.generation > best.generation))',
    replace: 'if (copy !== undefined && best === undefined)',
  },
  {
    name: 'stale superblocks not brought up to date',
    file: 'store.js',
    find: 'await repairCopies(core.blocks.file, choice);',
    replace: '',
  },
  {
    name: 'segments for metadata not filled',
    file: 'block/space.js',
    find: "this.#file.write(zeros, segment * segmentPlaces, 'metadataWritten');",
    replace: '',
  },
  {
    name: 'what a failed write has taken is lost',
    file: 'extents.js',
    find: 'for (const run of runs)\n                discardRun(core, run);\n            pool.now++;',
    replace: 'pool.now++;',
  },
];

const build = fileURLToPath(new URL('../../', import.meta.url));
/** Quick ones first. */
const tests = [
  'src/store/volume.test.js',
  'src/store/store.test.js',
  'src/store/journal/journal.test.js',
  'tests/sim/damage.test.js',
  'tests/sim/model.test.js',
  'tests/sim/crash.test.js',
  'src/store/node/store-file.test.js',
];

/** The exit code of one test file; a test that hangs is ended. */
function runTest(path: string): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [path], { stdio: 'ignore', timeout: 180_000 });
    child.on('close', (code) => resolve(code ?? 1));
  });
}

async function caughtBy(folder: string): Promise<string | undefined> {
  for (const test of tests) if ((await runTest(join(folder, test))) !== 0) return test;
  return undefined;
}

/** Runs the tests on every mutant whose name has `filter` in it; returns how many survive. */
export async function runMutants(filter: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'quern-mutants-'));
  let survivors = 0;
  try {
    for (const part of ['src/base', 'src/wasm', 'src/store', 'tests/sim', 'tests/conform']) {
      cpSync(join(build, part), join(folder, part), { recursive: true });
    }
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    const failing = await caughtBy(folder);
    if (failing !== undefined) throw new Error(`${failing} fails without any mutant`);
    for (const mutant of mutants.filter(({ name }) => name.includes(filter))) {
      const path = join(folder, 'src/store', mutant.file);
      const source = readFileSync(path, 'utf8');
      if (source.split(mutant.find).length !== 2) {
        throw new Error(`'${mutant.name}' does not fit ${mutant.file} any more`);
      }
      writeFileSync(
        path,
        source.replace(mutant.find, () => mutant.replace),
      );
      const test = await caughtBy(folder);
      writeFileSync(path, source);
      if (test === undefined) survivors++;
      console.log(
        `${test === undefined ? 'SURVIVED' : 'caught  '} ${mutant.name} (${test ?? '-'})`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return survivors;
}
