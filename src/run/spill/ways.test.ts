import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QuernError, sqlState } from '../../base/error.ts';
import type { Program, SpillOptions } from '../../compile/program.ts';
import { platform } from '../node/platform.ts';
import { Runtime } from '../runtime.ts';
import { Ways } from './ways.ts';

const short = new QuernError(sqlState.outOfMemory, 'out of memory');

/** As much of a program as it takes to choose how to run it; with the options it was asked for. */
function makeProgram(keptBytes: number): { program: Program; asked: SpillOptions[] } {
  const asked: SpillOptions[] = [];
  const spilling = (options: SpillOptions) => {
    asked.push(options);
    return { keptBytes: 0, spills: true } as Program;
  };
  return { program: { keptBytes, spilling } as unknown as Program, asked };
}

test('a statement that runs out of memory goes on with less, as long as there is less', () => {
  const runtime = new Runtime({ platform, threads: 1, memoryLimit: 64e6 });
  const { program, asked } = makeProgram(0);
  const ways = new Ways(runtime, program, 1);
  assert.equal(ways.way.program, program);
  assert.ok(!ways.goOn(new Error('something else')));
  for (const certain of [false, true]) {
    assert.ok(ways.goOn(short));
    assert.equal(ways.way.program.spills, true);
    assert.ok(ways.way.budget !== undefined);
    assert.equal(asked.at(-1)?.certain, certain);
  }
  assert.ok(!ways.goOn(short));
});

test('what spilled once begins so the next time, compiled as it is, unless memory is freed', () => {
  const runtime = new Runtime({ platform, threads: 1, memoryLimit: 64e6 });
  const { program, asked } = makeProgram(0);
  const first = new Ways(runtime, program, 1);
  first.goOn(short);
  const spilling = first.way.program;
  assert.equal(new Ways(runtime, program, 1).way.program, spilling);
  assert.equal(asked.length, 1);
  runtime.limitMemory(128e6);
  assert.equal(new Ways(runtime, program, 1).way.program, program);
});

test('what is estimated not to fit is not tried in memory', () => {
  const runtime = new Runtime({ platform, threads: 1, memoryLimit: 64e6 });
  const [large, small] = [makeProgram(100e6), makeProgram(10e6)];
  assert.notEqual(new Ways(runtime, large.program, 1).way.program, large.program);
  assert.equal(large.asked[0].certain, false);
  assert.equal(new Ways(runtime, small.program, 1).way.program, small.program);
});
