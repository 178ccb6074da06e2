/**
 * The long runs of the store's simulations.
 *
 *     node dist/tests/sim/main.js crash|model|full|damage|stream|kill [--minutes N] [--seed S] [--steps N]
 *     node dist/tests/sim/main.js mutants [--only TEXT]
 *
 * Goes on with seed after seed until the time is over; a failure prints the seed that replays it.
 * `mutants` puts mistakes into the store, one at a time, and runs the short tests on each.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { FileDevice } from '../../src/store/device/node/file-device.ts';
import { formatVersion } from '../../src/store/layout.ts';
import { makeStore } from '../conform/store-versions.ts';
import { crashHistory } from './crash.ts';
import { damageRun } from './damage.ts';
import { killRun } from './kill.ts';
import { fullDiskRun, modelRun } from './model-run.ts';
import { runMutants } from './mutants.ts';
import { streamRun } from './stream-run.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    steps: { type: 'string', default: '40' },
    count: { type: 'string', default: 'Infinity' },
    only: { type: 'string', default: '' },
  },
});

const until = Date.now() + Number(values.minutes) * 60000;
const [what = 'crash'] = positionals;
const totals: Record<string, number> = {};
let seed = Number(values.seed);
const last = seed + Number(values.count);

async function run(runSeed: number, steps: number): Promise<object> {
  if (what === 'damage') return await damageRun(runSeed, steps);
  if (what === 'kill') return await killRun(runSeed, 10);
  if (what === 'model') return await modelRun(runSeed, steps);
  if (what === 'stream') return await streamRun(runSeed, steps);
  if (what === 'full') return await fullDiskRun(runSeed, steps);
  if (what === 'crash') return await crashHistory(runSeed, steps);
  throw new Error(`there is no simulation '${what}'`);
}

/** Writes the file that later versions of the store must be able to open. */
async function writeVersion(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'quern-version-'));
  const path = join(folder, 'store');
  await makeStore(new FileDevice(path));
  const file = `tests/conform/stores/v${formatVersion}.quern.gz`;
  writeFileSync(file, gzipSync(readFileSync(path), { level: 9 }));
  rmSync(folder, { recursive: true });
}

if (what === 'mutants') process.exit((await runMutants(values.only)) === 0 ? 0 : 1);
if (what === 'version') {
  await writeVersion();
  process.exit(0);
}

for (; Date.now() < until && seed < last; seed++) {
  try {
    const report = await run(seed, Number(values.steps));
    totals.histories = (totals.histories ?? 0) + 1;
    for (const [name, value] of Object.entries(report)) totals[name] = (totals[name] ?? 0) + value;
  } catch (error) {
    console.error(error);
    console.error(`replay: main.js ${what} --seed ${seed} --count 1 --steps ${values.steps}`);
    process.exit(1);
  }
}
console.log(JSON.stringify({ simulation: what, next: seed, ...totals }));
