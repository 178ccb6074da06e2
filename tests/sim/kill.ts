import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from '../../src/base/random.ts';
import { openStoreFile } from '../../src/store/node/store-file.ts';

export interface KillReport {
  kills: number;
  rounds: number;
}

const child = fileURLToPath(new URL('kill-child.js', import.meta.url));

/** Runs the child on `path` and kills it after a while; the last round it said was durable. */
async function runAndKill(path: string, milliseconds: number): Promise<number> {
  const victim = spawn(process.execPath, [child, path], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  victim.stdout.on('data', (text: Buffer) => {
    output += text.toString();
  });
  victim.stderr.on('data', (text: Buffer) => {
    errors += text.toString();
  });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => {
    victim.on('close', (_code, signal) => resolve(signal));
  });
  // The clock starts with the first round, so that a slow start does not make an empty run.
  await Promise.race([new Promise((resolve) => victim.stdout.once('data', resolve)), ended]);
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  victim.kill('SIGKILL');
  const signal = await ended;
  if (signal !== 'SIGKILL') throw new Error(`the child ended by itself: ${errors}`);
  const lines = output.split('\n').slice(0, -1);
  return lines.length === 0 ? 0 : Number(lines.at(-1));
}

/** Kills a writing process again and again; each time nothing acknowledged may be missing. */
export async function killRun(seed: number, kills: number): Promise<KillReport> {
  const random = new Random(seed);
  const folder = mkdtempSync(join(tmpdir(), 'quern-kill-'));
  const path = join(folder, 'victim.quern');
  let last = 0;
  try {
    for (let kill = 0; kill < kills; kill++) {
      const acknowledged = await runAndKill(path, random.int(0, 250));
      // A reader needs no lock, and the lock of the dead is no obstacle for the next writer.
      const store = await openStoreFile(path, { readOnly: kill % 2 === 0 });
      const { problems } = store.verify();
      if (problems.length > 0) throw new Error(JSON.stringify(problems.slice(0, 3)));
      const value = store.map('log').get(new TextEncoder().encode('count'));
      const round =
        value === undefined ? 0 : new DataView(value.buffer, value.byteOffset).getUint32(0);
      if (round < acknowledged) throw new Error(`round ${acknowledged} is lost, ${round} is there`);
      checkBlocks(store.volume('disk').read(0, 512 * 4096), round);
      last = Math.max(last, round);
      await store.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return { kills, rounds: last };
}

/** Every block has the last round that was written to it. */
function checkBlocks(bytes: Uint8Array, round: number): void {
  for (let block = 0; block < 512; block++) {
    const found = new DataView(bytes.buffer, block * 4096).getUint32(0);
    // The next round's block may have been made durable together with this round.
    const expected = round < block ? 0 : round - ((round - block) % 512);
    const next = expected + 512;
    const right = found === expected || (found === next && next === round + 1);
    const first = found === block && block === round + 1;
    if (!right && !first && expected > 0) {
      throw new Error(`block ${block} has round ${found}, not ${expected}, after round ${round}`);
    }
    const filler = bytes.subarray(block * 4096 + 4, (block + 1) * 4096);
    if (found > 0 && !filler.every((byte) => byte === (found & 0xff))) {
      throw new Error(`block ${block} is torn`);
    }
  }
}
