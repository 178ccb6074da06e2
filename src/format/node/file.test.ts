import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openFile, openRandomFile, writeFile } from './file.ts';

test('a file is written whole or not at all', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'quern-file-'));
  const path = join(directory, 'a');
  try {
    const bytes = (text: string) => new TextEncoder().encode(text);
    const chunks = async function* (fails: boolean) {
      yield bytes('one ');
      yield bytes('two');
      if (fails) throw new Error('interrupted');
    };
    await assert.rejects(writeFile(path, chunks(true)), { code: '58030' });
    assert.deepEqual(await readdir(directory), []);
    assert.equal(await writeFile(path, chunks(false)), 7);
    assert.equal(await readFile(path, 'utf8'), 'one two');
    const random = await openRandomFile(path);
    const into = new Uint8Array(3);
    await random.readAt(4, into);
    assert.equal(new TextDecoder().decode(into), 'two');
    await assert.rejects(random.readAt(5, into), { code: 'XX001' });
    await random.close();
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('what cannot be opened is an error that says why', async () => {
  await assert.rejects(openFile('/no/such/file'), {
    code: '58P01',
    message: 'cannot open "/no/such/file": there is no such file',
  });
  await assert.rejects(openFile(tmpdir()), { code: '58030', message: /it is a directory/ });
});
