import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  atomic,
  type Effect,
  type Expr,
  f32,
  f32x4,
  f64,
  f64x2,
  i8x16,
  i16x8,
  i32,
  i32x4,
  i64,
  i64x2,
  ModuleBuilder,
  memory,
  ref,
  v128,
} from '../../src/wasm/index.ts';
import * as ops from '../../src/wasm/opcodes.ts';
import type { ValueType } from '../../src/wasm/types.ts';
import * as vectorOps from '../../src/wasm/vector-opcodes.ts';
import { assembled, normalizedBytes, normalizedText } from './binaryen.ts';

type Constructor = (...args: unknown[]) => Expr | Effect;

const namespaces: Record<string, object> = {
  i32,
  i64,
  f32,
  f64,
  v128,
  i8x16,
  i16x8,
  i32x4,
  i64x2,
  f32x4,
  f64x2,
  memory,
  atomic,
  'i32.atomic': i32.atomic,
  'i64.atomic': i64.atomic,
  'memory.atomic': memory.atomic,
};

/** Every instruction of the tables, with the constructor that should make it. */
function everyInstruction() {
  const all = [...Object.values(ops), ...Object.values(vectorOps)];
  const tables = all.filter((table) => typeof table === 'object') as Record<string, ops.Op>[];
  return tables.flatMap((table) => {
    if (table === (ops.selectOps as object)) return [];
    return Object.entries(table).map(([name, op]) => {
      const space = op.mnemonic.slice(0, op.mnemonic.length - name.length - 1);
      const camel = name.replace(/[._](.)/g, (_, letter) => letter.toUpperCase());
      const build = (namespaces[space] as Record<string, Constructor>)[camel];
      assert.ok(build, `there is a constructor ${space}.${camel}`);
      return { op, build };
    });
  });
}

function isMemoryOp(op: ops.Op): op is ops.MemoryOp {
  return 'width' in op;
}

/** Adds a function that applies `op` to its parameters. */
function addFunction(m: ModuleBuilder, op: ops.Op, build: Constructor): void {
  const params = Object.fromEntries(op.params.map((type, i) => [`p${i}`, type]));
  const results: ValueType[] = op.result === undefined ? [] : [op.result];
  m.func(op.mnemonic, { params, results, export: true }, (f) => {
    const args: unknown[] = [...f.params];
    if (/lane/.test(op.mnemonic)) args.splice(op.mnemonic.includes('replace') ? 1 : 2, 0, 1);
    if (isMemoryOp(op)) args.push(300);
    const node = build(...args);
    if (op.result === undefined) f.do(node as Effect);
    else f.return(node as Expr);
  });
}

test('every instruction has the code that binaryen knows under its name', () => {
  const m = new ModuleBuilder({ name: 'all' });
  m.defineMemory({ min: 1, max: 1, shared: true });
  const instructions = everyInstruction();
  for (const { op, build } of instructions) addFunction(m, op, build);
  assert.ok(instructions.length > 430, `${instructions.length} instructions`);
  const bytes = m.toBytes();
  assert.ok(WebAssembly.validate(bytes), 'V8 finds the module valid');
  assert.equal(normalizedBytes(bytes), normalizedText(m.toText()));
});

test('constants have the value that was given, to the last bit', () => {
  const i32s = [0, 1, -1, 63, 64, -64, -65, 8191, 8192, 0x7fffffff, -0x80000000];
  const i64s = [0n, -1n, 64n, -65n, 2n ** 31n, -(2n ** 31n) - 1n, 2n ** 62n, 2n ** 63n - 1n];
  const floats = [0, -0, 1.5, 1e300, 5e-324, Number.NaN, Number.NEGATIVE_INFINITY, 2 ** 70];
  const cases: [ValueType, Expr, unknown][] = [
    ...i32s.map((v): [ValueType, Expr, unknown] => ['i32', i32.const(v), v]),
    ['i32', i32.const(0xffffffff), -1],
    ...i64s.map((v): [ValueType, Expr, unknown] => ['i64', i64.const(v), v]),
    ['i64', i64.const(2n ** 64n - 1n), -1n],
    ['i64', i64.const(-(2n ** 63n)), -(2n ** 63n)],
    ['i64', i64.const(2 ** 53 - 1), 2n ** 53n - 1n],
    ...floats.map((v): [ValueType, Expr, unknown] => ['f64', f64.const(v), v]),
    ...floats.map((v): [ValueType, Expr, unknown] => ['f32', f32.const(v), Math.fround(v)]),
  ];
  const m = new ModuleBuilder();
  cases.forEach(([type, expr], i) => {
    m.func(`f${i}`, { results: [type], export: true }, (f) => f.return(expr));
  });
  for (const bytes of [m.toBytes(), assembled(m.toText())]) {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    const exports = instance.exports as Record<string, () => unknown>;
    cases.forEach(([, expr, value], i) => {
      assert.ok(Object.is(exports[`f${i}`](), value), `${expr} is ${value}`);
    });
  }
});

test('vector constants and shuffles', () => {
  const m = new ModuleBuilder();
  m.defineMemory({ min: 1, export: 'memory' });
  const vectors: [number, Expr][] = [
    [16, i8x16.const(...Array.from({ length: 16 }, (_, i) => 255 - i))],
    [16, i8x16.const(-1)],
    [8, i16x8.const(1, -2, 3, 4, 5, 6, 7, 65535)],
    [4, i32x4.const(1, -2, 3, 0xffffffff)],
    [2, i64x2.const(-1n, 2n ** 64n - 2n)],
    [4, f32x4.const(1.5, -0, 1e10, 3)],
    [2, f64x2.const(0.1)],
    [
      16,
      i8x16.shuffle(
        [31, 0, 30, 1, 29, 2, 28, 3, 27, 4, 26, 5, 25, 6, 24, 7],
        i8x16.const(7),
        i8x16.const(...Array.from({ length: 16 }, (_, i) => i)),
      ),
    ],
  ];
  m.func('write', { export: true }, (f) => {
    vectors.forEach(([, vector], i) => {
      f.do(v128.store(0, vector, i * 16));
    });
  });
  const expected = new Uint8Array(16 * vectors.length);
  const at = (i: number) => [expected.buffer, i * 16] as const;
  expected.set(
    Array.from({ length: 16 }, (_, i) => 255 - i),
    0,
  );
  expected.fill(255, 16, 32);
  new Int16Array(...at(2)).set([1, -2, 3, 4, 5, 6, 7, -1]);
  new Int32Array(...at(3)).set([1, -2, 3, -1]);
  new BigInt64Array(...at(4)).set([-1n, -2n]);
  new Float32Array(...at(5)).set([1.5, -0, 1e10, 3]);
  new Float64Array(...at(6)).set([0.1, 0.1]);
  expected.set([15, 7, 14, 7, 13, 7, 12, 7, 11, 7, 10, 7, 9, 7, 8, 7], 7 * 16);
  for (const bytes of [m.toBytes(), assembled(m.toText())]) {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    const { write, memory } = instance.exports as {
      write: () => void;
      memory: WebAssembly.Memory;
    };
    write();
    assert.deepEqual(new Uint8Array(memory.buffer, 0, expected.length), expected);
  }
});

test('tables, references, tail calls, segments and globals work, written and printed', () => {
  const m = new ModuleBuilder({ name: 'odds and ends' });
  m.defineMemory({ min: 1, export: 'memory' });
  const start = m.importGlobal('env', 'start', 'i32');
  const counter = m.global('counter', 'i64', true, 40n);
  m.export('counter', counter);
  const unary = { params: ['i32'], results: ['i32'] } as const;
  const double = m.func('double', { params: { x: 'i32' }, results: ['i32'] }, (f) =>
    f.return(i32.shl(f.param.x, 1)),
  );
  const next = m.func('add one', { params: { x: 'i32' }, results: ['i32'] }, (f) =>
    f.return(i32.add(f.param.x, 1)),
  );
  const table = m.table('functions', { min: 4, max: 8 });
  m.placeFuncs(table, 1, [double, next]);
  const passive = m.passiveData(Uint8Array.of(0, 34, 92, 200));
  m.data(start, Uint8Array.of(9, 8, 7));
  const extra = m.func('extra', {}, (f) => f.set(counter, i64.add(counter, 2n)));
  m.setStart(extra);
  m.func('run', { params: { which: 'i32', x: 'i32' }, results: ['i32'], export: true }, (f) => {
    f.if(ref.isNull(table.get(f.param.which)), () => f.returnCall(next, table.size()));
    f.do(table.set(3, extra.ref()));
    f.do(table.set(0, ref.null('funcref')));
    f.do(table.callMulti({ params: [], results: [] }, 3));
    f.do(passive.init(100, 1, 3));
    f.do(passive.drop());
    f.return(table.call(unary, f.param.which, f.param.x));
  });
  for (const bytes of [m.toBytes(), assembled(m.toText())]) {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
      env: { start: 200 },
    });
    const { run, memory, counter } = instance.exports as {
      run: (which: number, x: number) => number;
      memory: WebAssembly.Memory;
      counter: WebAssembly.Global;
    };
    assert.deepEqual([run(0, 5), run(1, 21)], [5, 42]);
    assert.throws(() => run(2, 21), WebAssembly.RuntimeError, 'the segment was dropped');
    const seen = new Uint8Array(memory.buffer);
    assert.deepEqual([...seen.subarray(100, 103)], [34, 92, 200]);
    assert.deepEqual([...seen.subarray(200, 203)], [9, 8, 7]);
    assert.equal(counter.value, 46n);
  }
});
