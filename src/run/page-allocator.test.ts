import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../base/random.ts';
import { EngineMemory } from './memory.ts';
import { pageBytes } from './page-allocator.ts';

for (const shared of [true, false]) {
  test(`random allocations agree with a model (${shared ? 'shared' : 'unshared'} memory)`, () => {
    for (let seed = 1; seed <= 2; seed++) {
      const random = new Random(seed);
      const memory = EngineMemory.create({ shared, limitBytes: 512 << 20 });
      const { pages } = memory;
      const owners = [pages.openOwner(), pages.openOwner(), pages.openOwner()];
      const live = new Map<number, { bytes: number; owner: number }>();
      for (let step = 0; step < 1000; step++) {
        if (random.chance(0.55)) {
          const bytes = random.int(1, random.chance(0.1) ? 4 << 20 : 300000);
          const owner = random.pick(owners);
          const zeroed = random.chance(0.5);
          const address = zeroed
            ? pages.allocateZeroed(bytes, owner)
            : pages.allocate(bytes, owner);
          const block = memory.u8.subarray(address, address + bytes);
          if (zeroed)
            assert.equal(
              block.findIndex((byte) => byte !== 0),
              -1,
            );
          block.fill(0xff);
          live.set(address, { bytes, owner });
        } else if (live.size > 0 && random.chance(0.98)) {
          const address = random.pick([...live.keys()]);
          pages.release(address);
          live.delete(address);
        } else {
          const index = random.int(0, owners.length - 1);
          pages.closeOwner(owners[index]);
          for (const [address, run] of live) if (run.owner === owners[index]) live.delete(address);
          owners[index] = pages.openOwner();
        }
        if (step % 50 === 0) checkAgainst(memory, live, owners);
      }
      for (const owner of owners) pages.closeOwner(owner);
      assert.deepEqual(
        pages.check().map((run) => run.owner),
        [0],
        `seed ${seed}`,
      );
      assert.equal(
        memory.u8.subarray(0, 64).findIndex((byte) => byte !== 0),
        -1,
      );
    }
  });
}

function checkAgainst(
  memory: EngineMemory,
  live: Map<number, { bytes: number; owner: number }>,
  owners: readonly number[],
): void {
  const runs = memory.pages.check().filter((run) => run.owner !== 0);
  const expected = [...live]
    .sort(([a], [b]) => a - b)
    .map(([address, { bytes, owner }]) => {
      return { address, bytes: Math.ceil(bytes / pageBytes) * pageBytes, owner };
    });
  assert.deepEqual(runs, expected);
  for (const owner of owners) {
    const bytes = expected.reduce((sum, run) => sum + (run.owner === owner ? run.bytes : 0), 0);
    assert.equal(memory.pages.usage(owner).bytes, bytes);
    assert.ok(memory.pages.usage(owner).peakBytes >= bytes);
  }
}

test('beyond the limit there is an error that says what was asked for and what is used', () => {
  const memory = EngineMemory.create({ limitBytes: 10 << 20 });
  const owner = memory.pages.openOwner();
  memory.pages.allocate(6 << 20, owner);
  assert.throws(() => memory.pages.allocate(5 << 20, owner), {
    code: '53200',
    message: 'out of memory: 5.2 MB more were asked for while 6.8 MB of at most 10 MB were in use',
  });
  memory.pages.closeOwner(owner);
  assert.ok(memory.pages.allocate(6 << 20, memory.pages.openOwner()) > 0);
});
