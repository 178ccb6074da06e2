import { assert } from '../../base/assert.ts';
import type { CallExpression } from '../../plan/expression.ts';
import { type Expr, type Func, i32, i64 } from '../../wasm/index.ts';
import type { Query, Scope } from '../query.ts';
import { type StringValue, spill, type Value } from '../value.ts';

/** Any string value as address and length. */
export function decode(value: Value, scope: Scope): StringValue {
  if (value.form === 'string') return value;
  assert(value.form === 'code', `${value.form} is not a string`);
  const { dictionary, isNull } = value;
  const entry = i32.shl(value.x, 2);
  const start = scope.f.let(i32.load(entry, dictionary.offsets), 'start');
  const end = i32.load(entry, dictionary.offsets + 4);
  const text: StringValue = {
    form: 'string',
    x: i32.add(start, i32.const(dictionary.heap)),
    y: i32.sub(end, start),
    isNull,
  };
  return spill(scope.f, text, 'text');
}

export function compileStringFunction(
  _expression: CallExpression,
  _scope: Scope,
): Value | undefined {
  return undefined;
}

/** An i32: whether two strings have the same bytes. */
export function stringEquals(scope: Scope, a: StringValue, b: StringValue): Expr {
  return equalsFunction(scope.query).call(a.x, a.y, b.x, b.y);
}

/** An i32 below, at or above 0 as a's bytes come before, equal or come after b's. */
export function stringCompare(scope: Scope, a: StringValue, b: StringValue): Expr {
  return compareFunction(scope.query).call(a.x, a.y, b.x, b.y);
}

const twoStrings = { a: 'i32', a_length: 'i32', b: 'i32', b_length: 'i32' } as const;

/** Address of the first byte from which fewer than eight remain, in steps of eight from `a`. */
function equalsFunction(query: Query): Func {
  return query.helper('string_equals', (name) =>
    query.module.func(name, { params: twoStrings, results: ['i32'] }, (f) => {
      const { a, b, a_length: length } = f.param;
      f.if(i32.ne(length, f.param.b_length), () => f.return(0));
      const i = f.local('i32', 'i');
      const whole = f.let(i32.and(length, -8), 'whole');
      f.while(i32.ltU(i, whole), () => {
        const differs = i64.ne(i64.load(i32.add(a, i), 0, 1), i64.load(i32.add(b, i), 0, 1));
        f.if(differs, () => f.return(0));
        f.set(i, i32.add(i, 8));
      });
      f.while(i32.ltU(i, length), () => {
        const differs = i32.ne(i32.load8U(i32.add(a, i)), i32.load8U(i32.add(b, i)));
        f.if(differs, () => f.return(0));
        f.set(i, i32.add(i, 1));
      });
      f.return(1);
    }),
  );
}

function compareFunction(query: Query): Func {
  return query.helper('string_compare', (name) =>
    query.module.func(name, { params: twoStrings, results: ['i32'] }, (f) => {
      const { a, b, a_length: aLength, b_length: bLength } = f.param;
      const i = f.local('i32', 'i');
      const shorter = f.let(i32.select(i32.ltU(aLength, bLength), aLength, bLength), 'shorter');
      const whole = f.let(i32.and(shorter, -8), 'whole');
      f.block((found) => {
        f.while(i32.ltU(i, whole), () => {
          const differs = i64.ne(i64.load(i32.add(a, i), 0, 1), i64.load(i32.add(b, i), 0, 1));
          f.brIf(found, differs);
          f.set(i, i32.add(i, 8));
        });
      });
      const order = f.local('i32', 'order');
      f.while(i32.ltU(i, shorter), () => {
        f.set(order, i32.sub(i32.load8U(i32.add(a, i)), i32.load8U(i32.add(b, i))));
        f.if(order, () => f.return(order));
        f.set(i, i32.add(i, 1));
      });
      f.return(i32.sub(aLength, bLength));
    }),
  );
}

/** An i64 hash of the bytes: multiply and fold, eight bytes at a time. */
export function stringHash(scope: Scope, text: StringValue): Expr {
  const { query } = scope;
  const func = query.helper('string_hash', (name) =>
    query.module.func(name, { params: { a: 'i32', length: 'i32' }, results: ['i64'] }, (f) => {
      const { a, length } = f.param;
      const hash = f.let(i64.extendI32U(length), 'hash');
      const i = f.local('i32', 'i');
      const whole = f.let(i32.and(length, -8), 'whole');
      const mix = (word: Expr) => {
        f.set(hash, i64.mul(i64.xor(hash, word), i64.const(-7046029254386353131n)));
        f.set(hash, i64.xor(hash, i64.shrU(hash, 29n)));
      };
      f.while(i32.ltU(i, whole), () => {
        mix(i64.load(i32.add(a, i), 0, 1));
        f.set(i, i32.add(i, 8));
      });
      // Heaps are padded: eight bytes can be read where fewer remain, the rest masked off.
      f.if(i32.ltU(i, length), () => {
        const bits = i64.extendI32U(i32.shl(i32.sub(length, i), 3));
        const mask = i64.sub(i64.shl(1n, bits), 1n);
        mix(i64.and(i64.load(i32.add(a, i), 0, 1), mask));
      });
      f.return(hash);
    }),
  );
  return func.call(text.x, text.y);
}
