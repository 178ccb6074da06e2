import type { SortKey } from '../../plan/expression.ts';
import { type Func, i32, i64 } from '../../wasm/index.ts';
import { compareValues } from '../expressions/comparison.ts';
import { type Query, type Scope, scopeOutside } from '../query.ts';
import { loadField, type StoredField } from '../row.ts';
import { spill } from '../value.ts';

/**
 * before(a, b): whether row a must come before row b; 0 where the keys do not decide, unless rows
 * have a number of 8 bytes at `numberAt` that does.
 */
export function beforeFunction(
  query: Query,
  keys: readonly SortKey[],
  fields: readonly StoredField[],
  numberAt?: number,
): Func {
  const params = { a: 'i32', b: 'i32' } as const;
  return query.module.func(query.unique('before'), { params, results: ['i32'] }, (f) => {
    const { a, b } = f.param;
    const scope = scopeOutside(query, f);
    keys.forEach((key, i) => {
      const x = spill(f, loadField(a, fields[i]), 'x');
      const y = spill(f, loadField(b, fields[i]), 'y');
      const decide = (inner: Scope) => {
        const [first, second] = key.descending ? [y, x] : [x, y];
        f.if(compareValues('lt', first, second, inner), () => f.return(1));
        f.if(compareValues('lt', second, first, inner), () => f.return(0));
      };
      if (x.isNull === undefined || y.isNull === undefined) {
        decide(scope);
        return;
      }
      const [xNull, yNull] = [x.isNull, y.isNull];
      f.if(i32.ne(xNull, yNull), () => f.return(key.nullsFirst ? xNull : yNull));
      f.if(i32.eqz(xNull), () => decide(scope.child()));
    });
    if (numberAt === undefined) f.return(0);
    else f.return(i64.ltU(i64.load(a, numberAt), i64.load(b, numberAt)));
  });
}
