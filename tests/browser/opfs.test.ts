/**
 * The store's device on the origin-private file system passes the tests of devices, and carries a
 * store, in headless Chromium.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { deviceCases } from '../conform/block-device.ts';
import { skipWithoutBrowser, visit } from './chromium.ts';
import type { WorkerReport } from './opfs-worker.ts';

const page = `<!doctype html><script type="module">
  const worker = new Worker('/dist/tests/browser/opfs-worker.js', { type: 'module' });
  const send = (report) => fetch('/report', { method: 'POST', body: JSON.stringify(report) });
  worker.onmessage = ({ data }) => send(data);
  worker.onerror = ({ message }) => send({ passed: [], failed: [message ?? 'the worker ended'] });
</script>`;

const options = { skip: skipWithoutBrowser, timeout: 120_000 };
test('the origin-private file system is a device for the store in Chromium', options, async () => {
  const folders = { '/dist/': fileURLToPath(new URL('../../', import.meta.url)) };
  const report = (await visit({ page, folders, isolated: false })) as WorkerReport;
  assert.deepEqual(report.failed, []);
  assert.equal(report.passed.length, deviceCases.length + 2);
});
