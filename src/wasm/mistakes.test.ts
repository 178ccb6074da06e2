import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AssemblerError,
  type Effect,
  type FunctionBuilder,
  f64,
  i8x16,
  i32,
  i64,
  type Label,
  ModuleBuilder,
  v128,
} from './index.ts';

type Build = (f: FunctionBuilder, m: ModuleBuilder) => void;

const params = { x: 'i32', y: 'i64' } as const;

/** The message of the error that building the body of function `$f(x, y)` gives. */
function mistake(build: Build, results: readonly ('i32' | 'i64')[] = []): string {
  const m = new ModuleBuilder();
  try {
    m.func('f', { params, results }, (f) => build(f as unknown as FunctionBuilder, m));
  } catch (error) {
    assert.ok(error instanceof AssemblerError);
    return error.message;
  }
  return 'no error';
}

const cases: [what: string, build: Build, message: string][] = [
  [
    'an operand of the wrong type',
    (f) => f.set(f.param.x, i32.add(f.param.x, f.param.y)),
    'in function $f: operand 2 of i32.add must be i32, is i64\n' +
      '  (i32.add (local.get $x) (local.get $y))',
  ],
  [
    'the only operand',
    (f) => f.set(f.param.x, i32.eqz(f.param.y)),
    'in function $f: the operand of i32.eqz must be i32, is i64\n  (i32.eqz (local.get $y))',
  ],
  [
    'an address that is no i32',
    (f) => f.set(f.param.x, i32.load(f.param.y, 8)),
    'in function $f: the operand of i32.load must be i32, is i64\n  (i32.load (local.get $y))',
  ],
  [
    'a number that is no integer',
    (f) => f.set(f.param.x, i32.add(f.param.x, 0.5)),
    'in function $f: i32.const takes an integer in [-2^31, 2^32), not 0.5',
  ],
  [
    'a number out of range',
    (f) => f.set(f.param.y, i64.const(2n ** 64n)),
    'in function $f: i64.const takes a bigint or safe integer in [-2^63, 2^64), ' +
      'not 18446744073709551616n',
  ],
  [
    'a bigint where i32 is expected',
    (f) => f.set(f.param.x, 1n),
    'in function $f: i32.const takes an integer in [-2^31, 2^32), not 1n',
  ],
  [
    'an assignment of the wrong type',
    (f) => f.set(f.param.x, f64.const(1)),
    'in function $f: the value of $x must be i32, is f64\n  (f64.const 1)',
  ],
  [
    'a condition of the wrong type',
    (f) => f.if(f.param.y, () => {}),
    'in function $f: a condition must be i32, is i64\n  (local.get $y)',
  ],
  [
    'branches of two types',
    (f) => f.drop(i32.if(1, f.param.x, f.param.y)),
    'in function $f: the alternative of i32.if must be i32, is i64\n  (local.get $y)',
  ],
  [
    'a missing operand',
    (f) => f.drop((i32.add as (a: number) => never)(1)),
    'in function $f: i32.add takes 2 operands, not 1',
  ],
  [
    'something that is no expression',
    (f) => f.drop(i32.add(f.param.x, undefined as never)),
    'in function $f: operand 2 of i32.add must be i32, is nothing\n' +
      '  (i32.add (local.get $x) nothing)',
  ],
  [
    'an alignment above the natural one',
    (f) => f.drop(i32.load(f.param.x, 0, 8)),
    'in function $f: the alignment of i32.load must be a power of two up to 4, is 8',
  ],
  [
    'a negative offset',
    (f) => f.drop(i32.load(f.param.x, -4)),
    'in function $f: the offset of i32.load must be an integer in [0, 2^32), is -4',
  ],
  [
    'a lane that is not there',
    (f) => f.drop(i8x16.extractLaneU(v128.load(f.param.x), 16)),
    'in function $f: the lane of i8x16.extract_lane_u must be an integer in [0, 16), is 16',
  ],
  [
    'a branch out of scope',
    (f) => {
      let outside: Label | undefined;
      f.block((label) => {
        outside = label;
      });
      f.br(outside!);
    },
    'in function $f: a branch leaves for label 0, which is out of scope',
  ],
  [
    'a branch without the value its block needs',
    (f) => {
      f.drop(
        f.value('i32', (label) => {
          f.br(label);
          return undefined;
        }),
      );
    },
    'in function $f: a branch carries 0 values where 1 are expected',
  ],
  [
    'a value block without a value',
    (f) => f.drop(f.value('i32', () => undefined)),
    'in function $f: the body of f.value neither returns a value nor branches away',
  ],
  [
    'an effect dropped instead of done, and the other way round',
    (f) => f.do(f.param.x as unknown as Effect),
    'in function $f: f.do takes an effect, not a value: set or drop it\n  (local.get $x)',
  ],
  [
    'a call with the wrong number of arguments',
    (f, m) => f.call(m.importFunc('env', 'log', ['i32'], [])),
    'in function $f: $env.log takes 1 arguments (i32), not 0',
  ],
  [
    'an argument of the wrong type',
    (f, m) => f.call(m.importFunc('env', 'log', ['i32'], []), f.param.y),
    'in function $f: argument 1 of $env.log must be i32, is i64\n  (local.get $y)',
  ],
  [
    'a call whose result nobody takes',
    (f, m) => f.call(m.importFunc('env', 'now', [], ['f64'])),
    'in function $f: a call leaves (f64): set or drop it\n  (call $env.now)',
  ],
  [
    'results for too few locals',
    (f, m) => f.setMulti([f.param.x], m.importFunc('env', 'two', [], ['i32', 'i32']).callMulti()),
    'in function $f: a call leaves (i32, i32) for locals of (i32)\n  (call $env.two)',
  ],
  [
    'an assignment to a constant global',
    (f, m) => f.set(m.global('limit', 'i32', false, 10), 11),
    'in function $f: global $limit is not mutable',
  ],
  ['a return of too much', (f) => f.return(1), 'in function $f: returns 1 values, not ()'],
  [
    'a local of another function',
    (f, m) => {
      m.func('g', { params: { z: 'i32' } }, (g) => f.drop(i32.add(f.param.x, g.param.z)));
    },
    'in function $g: an expression uses locals of two functions, $f and $g',
  ],
  [
    'a statement with a local of another function',
    (f, m) => {
      m.func('g', { params: { z: 'i32' } }, (g) => f.drop(g.param.z));
    },
    'in function $f: a statement uses locals of another function, $g\n  (drop (local.get $z))',
  ],
];

for (const [what, build, message] of cases) {
  test(`the error for ${what}`, () => assert.equal(mistake(build), message));
}

test('a function with results must return on every path', () => {
  const missing = 'in function $f: the end is reached without a return of (i32)';
  assert.equal(
    mistake(() => {}, ['i32']),
    missing,
  );
  assert.equal(
    mistake((f) => f.if(f.param.x, () => f.return(1)), ['i32']),
    missing,
  );
  assert.equal(
    mistake(
      (f) => {
        f.block((label) => {
          f.brIf(label, f.param.x);
          f.return(1);
        });
      },
      ['i32'],
    ),
    missing,
  );
  const both: Build = (f) => {
    f.if(
      f.param.x,
      () => f.return(1),
      () => f.loop((label) => f.br(label)),
    );
  };
  assert.equal(mistake(both, ['i32']), 'no error');
});

test('a module reports what is missing when it is written', () => {
  const undefinedFunc = new ModuleBuilder();
  undefinedFunc.declare('later');
  assert.throws(
    () => undefinedFunc.toBytes(),
    /^AssemblerError: in function \$later: .*never defined/,
  );

  const noMemory = new ModuleBuilder();
  noMemory.func('read', {}, (f) => f.drop(i32.load(0)));
  const message = /^AssemblerError: in function \$read: i32.load needs a memory/;
  assert.throws(() => noMemory.toBytes(), message);

  const escaped = new ModuleBuilder();
  escaped.func('escape', {}, (f) => {
    // The expression is built inside the block, and used behind it.
    let value = i32.const(0);
    f.block((label) => {
      value = f.value('i32', () => {
        f.br(label);
        return undefined;
      });
    });
    f.drop(value);
  });
  assert.throws(() => escaped.toBytes(), /in function \$escape: a branch leaves for a block/);
});

test('a module takes one memory, one export of a name, and sane limits', () => {
  const m = new ModuleBuilder();
  assert.throws(() => m.data(0, Uint8Array.of(1)), /data needs a memory/);
  assert.throws(() => m.defineMemory({ min: 1, shared: true }), /a shared memory needs a maximum/);
  assert.throws(() => m.defineMemory({ min: 3, max: 2 }), /limits \[3, 2\]/);
  m.defineMemory({ min: 1 });
  assert.throws(() => m.importMemory('env', 'memory', { min: 1 }), /has a memory already/);
  const func = m.func('f', { export: true }, () => {});
  assert.throws(() => m.export('f', func), /'f' is exported twice/);
  const declared = m.declare('g').define(() => {});
  assert.throws(() => declared.define(() => {}), /\$g: is defined twice/);
});
