import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Handover, unwanted } from './handover.ts';

test('the producer waits for the consumer, who gets everything in order and the end', async () => {
  const handover = new Handover<number>();
  const log: string[] = [];
  const produce = async () => {
    for (let i = 0; i < 3; i++) {
      log.push(`push ${i}`);
      await handover.push(i);
    }
    handover.end();
  };
  const producing = produce();
  for await (const item of handover.items()) log.push(`take ${item}`);
  await producing;
  assert.deepEqual(log, ['push 0', 'take 0', 'push 1', 'take 1', 'push 2', 'take 2']);
});

test('an error arrives behind the items before it', async () => {
  const handover = new Handover<number>();
  void handover.push(1).then(() => handover.end({ error: new Error('broken') }));
  const taken: number[] = [];
  const consume = async () => {
    for await (const item of handover.items()) taken.push(item);
  };
  await assert.rejects(consume(), /broken/);
  assert.deepEqual(taken, [1]);
});

test('leaving the loop stops the producer', async () => {
  const handover = new Handover<number>();
  const pushed = handover.push(1);
  for await (const item of handover.items()) {
    assert.equal(item, 1);
    break;
  }
  await assert.rejects(pushed, (error) => error === unwanted);
  await assert.rejects(handover.push(2), (error) => error === unwanted);
});
