import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { LockHolder } from '../../src/store/device/node/file-lock.ts';
import type { Store } from '../../src/store/index.ts';
import { openStoreFile } from '../../src/store/node/store-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'quern-processes-'));
const others = new Set<Other>();
after(async () => {
  await Promise.all([...others].map((other) => other.kill()));
  rmSync(folder, { recursive: true });
});

/** Another process that has a store open, or tries to. */
class Other {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<unknown>;

  constructor(path: string) {
    const program = fileURLToPath(new URL('store-process.js', import.meta.url));
    this.#child = spawn(process.execPath, [program, path], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#ended = new Promise((resolve) => this.#child.on('close', resolve));
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
    others.add(this);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  async says(): Promise<string> {
    return (await this.#lines.next()).value as string;
  }

  async does(command: string): Promise<void> {
    this.#child.stdin!.write(`${command}\n`);
    assert.equal(await this.says(), command.split(' ')[0]);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
    others.delete(this);
  }
}

const key = new TextEncoder().encode('key');
const textIn = (store: Store): string => new TextDecoder().decode(store.map('m').get(key));

test('a second writer is told who the first is, a reader sees the last commit', async () => {
  const path = join(folder, 'shared.quern');
  const other = new Other(path);
  assert.equal(await other.says(), 'open');
  await other.does('commit first');
  await assert.rejects(openStoreFile(path), (error: Error & { code: string }) => {
    assert.equal(error.code, '55006');
    assert.match(
      error.message,
      new RegExp(`process ${other.pid} on ${hostname()} .*store-process`),
    );
    return true;
  });
  const early = await openStoreFile(path, { readOnly: true });
  assert.equal(textIn(early), 'first');
  await other.does('commit second');
  const late = await openStoreFile(path, { readOnly: true });
  assert.equal(textIn(late), 'second');
  assert.equal(textIn(early), 'first', 'a reader stays at the state it opened');
  await other.does('compact');
  try {
    assert.equal(textIn(early), 'first');
  } catch (error) {
    assert.equal((error as { code?: string }).code, '55000', 'or is told to open again');
  }
  await other.does('close');
  const writer = await openStoreFile(path);
  assert.equal(textIn(writer), 'second');
  await writer.close();
  await other.kill();
});

test('the lock of a killed process is no obstacle, and nothing it acknowledged is missing', async () => {
  const path = join(folder, 'killed.quern');
  for (let round = 0; round < 3; round++) {
    const other = new Other(path);
    assert.equal(await other.says(), 'open');
    await other.does(`commit ${round}`);
    await other.kill();
    assert.ok(existsSync(`${path}.lock`), 'it left its lock behind');
    const writer = await openStoreFile(path);
    assert.equal(textIn(writer), `${round}`);
    assert.deepEqual(writer.verify().problems, []);
    await writer.close();
    assert.ok(!existsSync(`${path}.lock`));
  }
});

test('of many who find the lock of a killed process, one gets it', async () => {
  const path = join(folder, 'raced.quern');
  const first = new Other(path);
  assert.equal(await first.says(), 'open');
  await first.kill();
  const racers = Array.from({ length: 4 }, () => new Other(path));
  const answers = await Promise.all(racers.map((racer) => racer.says()));
  assert.equal(answers.filter((answer) => answer === 'open').length, 1, answers.join('\n'));
  const losers = answers.filter((answer) => answer !== 'open');
  for (const answer of losers) assert.match(answer, /is being written by/);
  await Promise.all(racers.map((racer) => racer.kill()));
});

test('a number used again for another process is not taken for the holder', async () => {
  const path = join(folder, 'reused.quern');
  const other = new Other(path);
  assert.equal(await other.says(), 'open');
  const holder = JSON.parse(readFileSync(`${path}.lock`, 'utf8')) as LockHolder;
  await other.kill();
  const lock = (change: Partial<LockHolder>): void => {
    writeFileSync(`${path}.lock`, JSON.stringify({ ...holder, ...change }));
  };
  // This process is alive, but began at another time than the holder did.
  lock({ pid: process.pid });
  const skip = holder.started === '' ? 'this system does not tell when a process began' : false;
  if (skip === false) await (await openStoreFile(path)).close();
  lock({ pid: process.pid, started: '' });
  await assert.rejects(openStoreFile(path), /is being written by process/);
  lock({ host: 'elsewhere' });
  await assert.rejects(
    openStoreFile(path),
    /on elsewhere/,
    'whether it lives cannot be known here',
  );
  writeFileSync(`${path}.lock`, 'no JSON');
  await assert.rejects(openStoreFile(path), /is being written by someone else/);
});
