import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AssemblerError, i32, i64, ModuleBuilder } from './index.ts';

function instantiate(m: ModuleBuilder, imports: WebAssembly.Imports = {}) {
  return new WebAssembly.Instance(new WebAssembly.Module(m.toBytes()), imports).exports as Record<
    string,
    (...args: unknown[]) => unknown
  >;
}

test('functions may call themselves and each other before they are defined', () => {
  const m = new ModuleBuilder();
  const even = m.declare('even', { params: { n: 'i32' }, results: ['i32'], export: true });
  const odd = m.declare('odd', { params: { n: 'i32' }, results: ['i32'], export: true });
  even.define((f) => f.return(i32.if(i32.eqz(f.param.n), 1, odd.call(i32.sub(f.param.n, 1)))));
  odd.define((f) => f.return(i32.if(i32.eqz(f.param.n), 0, even.call(i32.sub(f.param.n, 1)))));
  const exports = instantiate(m);
  assert.deepEqual([exports.even(10), exports.even(7), exports.odd(7)], [1, 0, 1]);
});

test('a loop over memory sums what is there', () => {
  const m = new ModuleBuilder();
  m.importMemory('env', 'memory', { min: 1, max: 1, shared: true });
  m.data(8, new Uint8Array(Uint32Array.of(1, 2, 0xffffffff).buffer));
  m.func('sum', { params: { base: 'i32', n: 'i32' }, results: ['i64'], export: true }, (f) => {
    const i = f.local('i32', 'i');
    const sum = f.local('i64', 'sum');
    f.for(i, 0, f.param.n, () => {
      f.set(sum, i64.add(sum, i64.load32U(i32.add(f.param.base, i32.shl(i, 2)))));
    });
    f.return(sum);
  });
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  assert.equal(instantiate(m, { env: { memory } }).sum(8, 3), 0x100000002n);
});

test('a type error names the function and shows the expression', () => {
  const m = new ModuleBuilder();
  const build = () =>
    m.func('price', { params: { x: 'i64' }, results: ['i32'] }, (f) => {
      f.return(i32.mul(2, i64.add(f.param.x, 1)));
    });
  assert.throws(build, (error) => {
    assert.ok(error instanceof AssemblerError);
    assert.equal(error.functionName, 'price');
    assert.equal(
      error.message,
      'in function $price: operand 2 of i32.mul must be i32, is i64\n' +
        '  (i32.mul (i32.const 2) (i64.add (local.get $x) (i64.const 1)))',
    );
    return true;
  });
});
