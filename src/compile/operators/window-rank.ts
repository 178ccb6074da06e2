import { assert } from '../../base/assert.ts';
import type { WindowCall } from '../../plan/plan.ts';
import { type Expr, f64, i32, i64 } from '../../wasm/index.ts';
import { compileExpression } from '../expressions/compile.ts';
import { failure } from '../program.ts';
import type { Scope } from '../query.ts';
import { rangeOf } from '../range.ts';
import type { Value } from '../value.ts';
import type { PeersOf, WindowWalk } from './window-walk.ts';

/**
 * The code of a function that depends only on where a row stands in its partition; undefined if the
 * call is another function.
 */
export function rankValue(
  { call, keys }: WindowCall,
  walk: WindowWalk,
  peersOf: PeersOf,
): ((current: Scope) => Value) | undefined {
  const { index, partitionStart, partitionEnd, rowsMax } = walk;
  const count = (rows: Expr): Value => {
    const range = rangeOf(0n, rowsMax < 1n ? 1n : rowsMax < 2n ** 32n ? rowsMax : 2n ** 32n);
    return { form: 'int', x: i64.extendI32U(rows), range, isNull: undefined };
  };
  const share = (part: Expr, of: Expr): Value => {
    const x = f64.div(f64.convertI32U(part), f64.convertI32U(of));
    return { form: 'float', x, isNull: undefined };
  };
  const size = i32.sub(partitionEnd, partitionStart);
  switch (call.name) {
    case 'row_number':
      return () => count(i32.add(i32.sub(index, partitionStart), 1));
    case 'rank': {
      const { start } = peersOf(keys);
      return () => count(i32.add(i32.sub(start, partitionStart), 1));
    }
    case 'dense_rank': {
      const { number } = peersOf(keys);
      return () => count(number ?? i32.const(1));
    }
    case 'percent_rank': {
      const { start } = peersOf(keys);
      // A partition of one row has nothing to divide by.
      const others = i32.sub(size, 1);
      const divisor = i32.add(others, i32.eqz(others));
      return () => share(i32.sub(start, partitionStart), divisor);
    }
    case 'cume_dist': {
      const { end } = peersOf(keys);
      return () => share(i32.sub(end, partitionStart), size);
    }
    case 'ntile':
      return (current) => {
        const value = compileExpression(call.args[0], current);
        assert(value.form === 'int', 'the number of tiles is a BIGINT');
        return tile(value.x, value.isNull, walk, current);
      };
    default:
      return undefined;
  }
}

/** The first tiles have one row more where the rows do not divide evenly. */
function tile(tiles: Expr, isNull: Expr | undefined, walk: WindowWalk, { f, query }: Scope): Value {
  const { index, partitionStart, partitionEnd, rowsMax } = walk;
  const wrong = i64.leS(tiles, 0n);
  f.if(isNull === undefined ? wrong : i32.and(wrong, i32.eqz(isNull)), () =>
    f.call(query.fail, failure.noTiles, 0),
  );
  const size = f.let(i64.extendI32U(i32.sub(partitionEnd, partitionStart)), 'size');
  const usable = f.let(i64.select(i64.gtU(tiles, size), size, tiles), 'tiles');
  // NULL may read as 0.
  f.if(i64.eqz(usable), () => f.set(usable, 1n));
  const place = f.let(i64.extendI32U(i32.sub(index, partitionStart)), 'place');
  const rows = f.let(i64.divU(size, usable), 'tile_rows');
  const larger = f.let(i64.remU(size, usable), 'larger');
  const inLarger = f.let(i64.mul(larger, i64.add(rows, 1n)), 'in_larger');
  const early = i64.divU(place, i64.add(rows, 1n));
  const late = i64.add(larger, i64.divU(i64.sub(place, inLarger), rows));
  const x = f.let(i64.add(i64.select(i64.ltU(place, inLarger), early, late), 1n), 'tile');
  return { form: 'int', x, range: rangeOf(0n, rowsMax < 1n ? 1n : rowsMax), isNull };
}
