import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { completeLock, platformOf } from './lock.ts';

test('a platform package says in its name where it runs', () => {
  assert.deepEqual(platformOf('@biomejs/cli-linux-x64-musl'), {
    os: ['linux'],
    cpu: ['x64'],
    libc: ['musl'],
  });
  assert.deepEqual(platformOf('@typescript/typescript-win32-arm64'), {
    os: ['win32'],
    cpu: ['arm64'],
  });
  assert.deepEqual(platformOf('@oxc-parser/binding-linux-ppc64-gnu'), {
    os: ['linux'],
    cpu: ['ppc64'],
    libc: ['glibc'],
  });
  assert.equal(platformOf('left-pad'), undefined);
});

test('missing platform packages are added, locked ones are kept', () => {
  const lock = {
    packages: {
      'node_modules/tool': {
        version: '1.2.3',
        dev: true,
        optionalDependencies: { 'tool-linux-x64': '1.2.3', 'tool-darwin-arm64': '1.2.3' },
      },
      'node_modules/tool-linux-x64': { version: '1.2.3', os: ['linux'], cpu: ['x64'] },
    },
  };
  assert.deepEqual(completeLock(lock), ['tool-darwin-arm64']);
  assert.deepEqual(Object.keys(lock.packages), [
    'node_modules/tool',
    'node_modules/tool-darwin-arm64',
    'node_modules/tool-linux-x64',
  ]);
  assert.deepEqual(completeLock(lock), []);
});

test('the lockfile of this repository is complete and names no registry', () => {
  const text = readFileSync('package-lock.json', 'utf8');
  assert.deepEqual(completeLock(JSON.parse(text)), []);
  assert.doesNotMatch(text, /"resolved"/);
});
