import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../base/random.ts';
import {
  AssemblerError,
  type FunctionBuilder,
  i32,
  i64,
  type Label,
  type Local,
  ModuleBuilder,
  suspensionState,
} from './index.ts';

type Build = (m: ModuleBuilder) => void;

/** The module in one of its two forms. */
function compile(build: Build, resumable: boolean): WebAssembly.Module {
  const m = new ModuleBuilder();
  prepare(m, resumable);
  build(m);
  return new WebAssembly.Module(m.toBytes());
}

function prepare(m: ModuleBuilder, resumable: boolean): void {
  m.importMemory('env', 'memory', { min: 1 });
  const poll = m.importFunc('env', 'poll', [], ['i32']);
  const save = m.importFunc('env', 'save', ['i32'], ['i32']);
  const restore = m.importFunc('env', 'restore', [], ['i32']);
  const state = m.global('state', 'i32', true, 0);
  m.export('state', state);
  const portions = m.global('portions', 'i32', true, 0);
  m.export('portions', portions);
  const stopAt = m.global('stop_at', 'i32', true, 0);
  m.suspension = { portions, stopAt, poll, save, restore, state, resumable, portionWork: 1024 };
}

/**
 * Calls `run` of a module until it is done, with `poll` deciding how far it gets each time. Gives
 * its result, and how often it was suspended.
 */
function runToEnd(
  build: Build,
  argument: number,
  portions: number,
  poll: () => number,
): [unknown, number] {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const saved: number[] = [];
  // The first word is what stops functions at once when it is not 0.
  let top = 16;
  const env = {
    memory,
    poll,
    save: (bytes: number) => {
      saved.push(top);
      top += bytes;
      return saved.at(-1);
    },
    restore: () => {
      top = saved.pop() as number;
      return top;
    },
  };
  type Exports = Record<'state' | 'portions', WebAssembly.Global> & { run(x: number): unknown };
  const instance = (resumable: boolean) =>
    new WebAssembly.Instance(compile(build, resumable), { env }).exports as unknown as Exports;
  const start = instance(false);
  const again = instance(true);
  let suspensions = 0;
  start.portions.value = portions;
  let result = start.run(argument);
  let suspended = start.state.value === suspensionState.unwinding;
  while (suspended) {
    suspensions++;
    // What the locals were saved to must not be counted on to stay after they are restored.
    again.state.value = suspensionState.rewinding;
    result = again.run(0);
    suspended = again.state.value === suspensionState.unwinding;
  }
  assert.equal(saved.length, 0, 'every saved state was restored');
  return [result, suspensions];
}

/** Emits random statements over three locals, with loops that end and branches out of blocks. */
class RandomBody {
  readonly #random: Random;
  readonly #f: FunctionBuilder;
  readonly #variables: readonly Local[];
  readonly #helper: ((f: FunctionBuilder, variable: Local) => void) | undefined;

  constructor(
    random: Random,
    f: FunctionBuilder,
    helper?: (f: FunctionBuilder, variable: Local) => void,
  ) {
    this.#random = random;
    this.#f = f;
    this.#variables = [f.params[0], f.local('i32', 'b'), f.local('i32', 'c')];
    this.#helper = helper;
  }

  get #variable(): Local {
    return this.#random.pick(this.#variables);
  }

  statements(depth: number, exits: readonly Label[] = []): void {
    const count = this.#random.int(1, 4);
    for (let i = 0; i < count; i++) this.#statement(depth, exits);
  }

  #statement(depth: number, exits: readonly Label[]): void {
    const f = this.#f;
    const choice = this.#random.int(0, depth > 0 ? 8 : 3);
    if (choice <= 1) {
      const value = i32.add(i32.mul(this.#variable, 31), i32.xor(this.#variable, choice + 7));
      f.set(this.#variable, value);
    } else if (choice === 2) {
      f.checkpoint(this.#random.int(1, 500));
    } else if (choice === 3) {
      if (exits.length > 0) {
        f.brIf(this.#random.pick(exits), i32.eqz(i32.and(this.#variable, 3)));
      } else {
        this.#helper?.(f, this.#variable);
      }
    } else if (choice <= 5) {
      const otherwise = this.#random.chance(0.5)
        ? undefined
        : () => this.statements(depth - 1, exits);
      f.if(i32.and(this.#variable, 1), () => this.statements(depth - 1, exits), otherwise);
    } else if (choice === 6) {
      f.block((end) => this.statements(depth - 1, [...exits, end]));
    } else {
      const i = f.local('i32', 'i');
      f.for(i, 0, this.#random.int(2, 5), (labels) => {
        this.statements(depth - 1, [...exits, labels.break, labels.continue]);
        f.checkpoint(200);
      });
    }
  }

  finish(): void {
    const [a, b, c] = this.#variables;
    this.#f.return(i32.add(a, i32.xor(i32.mul(b, 17), c)));
  }
}

function randomModule(seed: number): Build {
  return (m) => {
    const random = new Random(seed);
    const options = { params: { x: 'i32' }, results: ['i32'], suspendable: true } as const;
    const helper = m.func('helper', options, (f) => {
      const body = new RandomBody(random, f);
      body.statements(3);
      body.finish();
    });
    m.func('run', { ...options, export: true }, (f) => {
      const body = new RandomBody(random, f, (g, variable) => {
        g.setMulti([variable], helper.callMulti(variable));
      });
      body.statements(4);
      body.finish();
    });
  };
}

test('functions that are suspended anywhere give what they give undisturbed', () => {
  let suspensions = 0;
  for (let seed = 1; seed <= 120; seed++) {
    const build = randomModule(seed);
    const [expected] = runToEnd(build, seed, 1e9, () => 0);
    const random = new Random(seed);
    const poll = () => (random.chance(0.3) ? 0 : 100);
    const [result, count] = runToEnd(build, seed, random.int(0, 2), poll);
    assert.equal(result, expected, `seed ${seed}`);
    suspensions += count;
  }
  assert.ok(suspensions > 300, `${suspensions} suspensions`);
});

test('only what still matters is saved', () => {
  const build: Build = (m) => {
    const options = { params: { x: 'i32' }, results: ['i64'], export: true } as const;
    m.func('run', { ...options, suspendable: true }, (f) => {
      const sum = f.local('i64', 'sum');
      const i = f.local('i32', 'i');
      const scratch = f.local('i64', 'scratch');
      f.for(i, 0, 10, () => {
        f.set(scratch, i64.extendI32U(i));
        f.set(sum, i64.add(sum, scratch));
        f.checkpoint(2000);
      });
      f.return(sum);
    });
  };
  const m = new ModuleBuilder();
  prepare(m, false);
  build(m);
  const printed = m.toText();
  assert.match(printed, /i32\.store offset=\d+ \(local\.get \$saved\) \(local\.get \$i\)/);
  assert.match(printed, /i64\.store offset=\d+ \(local\.get \$saved\) \(local\.get \$sum\)/);
  assert.doesNotMatch(printed, /\(local\.get \$saved\) \(local\.get \$scratch\)/);
  assert.equal(runToEnd(build, 0, 1, () => 0)[0], 45n);
});

test('a suspendable function is not called where it could not be suspended', () => {
  const m = new ModuleBuilder();
  prepare(m, false);
  const inner = m.func('inner', { results: ['i32'], suspendable: true }, (f) => f.return(1));
  assert.throws(() => inner.call(), AssemblerError);
  assert.throws(
    () => m.func('outer', {}, (f) => f.setMulti([f.local('i32')], inner.callMulti())),
    /its callers must be suspendable too/,
  );
});
