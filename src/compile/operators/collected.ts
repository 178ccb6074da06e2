import { assert } from '../../base/assert.ts';
import { QuernError, sqlState } from '../../base/error.ts';
import {
  type AggregateCall,
  type Column,
  columnRef,
  type Expression,
} from '../../plan/expression.ts';
import { type Expr, f64, i32, i64, type Local } from '../../wasm/index.ts';
import { compileExpression } from '../expressions/compile.ts';
import { notDistinct } from '../expressions/logic.ts';
import { decode } from '../expressions/strings.ts';
import { textRoom } from '../expressions/text-room.ts';
import { copySlack, emitStringCopy } from '../kernels/string-text.ts';
import { failure } from '../program.ts';
import type { Scope } from '../query.ts';
import { spill, type Value } from '../value.ts';

/** The rows of a group in the order that the call asks for. */
export interface CollectedRows {
  readonly scope: Scope;
  readonly count: Local;
  /** The row at an index; one of zeros if there are no rows. */
  row(index: Expr): Scope;
  /** Of rows that agree in this column, only the first counts. */
  readonly distinct: Column | undefined;
}

/** The value of an aggregate over the rows of a group, all of which are at hand. */
export function collect(call: AggregateCall, rows: CollectedRows): Value {
  switch (call.name) {
    case 'string_agg':
      return joinTexts(call, rows);
    case 'quantile_cont':
    case 'quantile_disc':
      return quantile(call, rows);
    case 'mode':
      return mostFrequent(call.args[0], rows);
    default:
      throw new QuernError(
        sqlState.featureNotSupported,
        `aggregate function ${call.name} is not supported yet`,
      );
  }
}

/** Goes over the rows; with DISTINCT only over the first of each value. */
function eachRow(rows: CollectedRows, body: (row: Scope) => void): void {
  const { f } = rows.scope;
  const index = f.let(i32.const(0), 'index');
  f.while(i32.ltU(index, rows.count), () => {
    const { distinct } = rows;
    if (distinct === undefined) body(rows.row(index));
    else {
      const fresh = f.let(i32.eqz(index), 'fresh');
      f.if(i32.eqz(fresh), () => {
        const before = rows.row(i32.sub(index, 1));
        const here = compileExpression(columnRef(distinct), rows.row(index));
        const there = compileExpression(columnRef(distinct), before);
        f.set(fresh, i32.eqz(notDistinct(here, there, before)));
      });
      f.if(fresh, () => body(rows.row(index)));
    }
    f.set(index, i32.add(index, 1));
    f.checkpoint();
  });
}

/** Once over the rows for the length, and once to copy the texts to their place. */
function joinTexts(call: AggregateCall, rows: CollectedRows): Value {
  const { scope } = rows;
  const { f, query } = scope;
  const [arg, by] = call.args;
  const separator = spill(f, decode(compileExpression(by, scope), scope), 'separator');
  const isVoid = separator.isNull;
  const eachText = (body: (x: Expr, y: Expr) => void) => {
    eachRow(rows, (row) => {
      const text = decode(compileExpression(arg, row), row);
      if (text.isNull === undefined) body(text.x, text.y);
      else f.if(i32.eqz(text.isNull), () => body(text.x, text.y));
    });
  };
  const length = f.let(i64.const(0), 'length');
  const texts = f.let(i32.const(0), 'texts');
  const between = i64.extendI32U(separator.y);
  eachText((_, y) => {
    f.set(length, i64.add(i64.add(length, i64.extendI32U(y)), between));
    f.set(texts, 1);
  });
  f.set(length, i64.sub(length, i64.select(texts, between, i64.const(0))));
  f.if(i64.geU(length, 2n ** 30n), () => f.call(query.fail, failure.outOfMemory, 0));
  const y = f.let(i32.wrapI64(length), 'text_length');
  const x = f.let(textRoom(scope, i32.add(y, copySlack)), 'text');
  const copy = emitStringCopy(query.module);
  const at = f.let(x, 'at');
  // The first text may be empty: the place does not tell whether there was one.
  const started = f.let(i32.const(0), 'started');
  eachText((from, size) => {
    f.if(started, () => {
      f.call(copy, at, separator.x, separator.y);
      f.set(at, i32.add(at, separator.y));
    });
    f.call(copy, at, from, size);
    f.set(at, i32.add(at, size));
    f.set(started, 1);
  });
  const none = i32.eqz(texts);
  return { form: 'string', x, y, isNull: isVoid === undefined ? none : i32.or(none, isVoid) };
}

/** How many rows come before the first NULL: NULLs are last. */
function presentCount(arg: Expression, rows: CollectedRows): Local {
  const { f } = rows.scope;
  const low = f.let(i32.const(0), 'low');
  const high = f.let(rows.count, 'high');
  const middle = f.local('i32', 'middle');
  f.while(i32.ltU(low, high), () => {
    f.set(middle, i32.shrU(i32.add(low, high), 1));
    const { isNull } = compileExpression(arg, rows.row(middle));
    f.if(
      isNull ?? i32.const(0),
      () => f.set(high, middle),
      () => f.set(low, i32.add(middle, 1)),
    );
  });
  return low;
}

/** The value of a row, if it is there. */
function valueIn(arg: Expression, index: Expr, found: Expr, rows: CollectedRows): Value {
  const { f } = rows.scope;
  const present = f.let(found, 'found');
  const at = f.let(i32.select(present, index, 0), 'at');
  return spill(f, { ...compileExpression(arg, rows.row(at)), isNull: i32.eqz(present) }, 'value');
}

function quantile(call: AggregateCall, rows: CollectedRows): Value {
  const { f } = rows.scope;
  const [arg, share] = call.args;
  assert(share.kind === 'constant', 'the share is a constant');
  const q = share.value as number;
  const count = presentCount(arg, rows);
  const n = f64.convertI32U(count);
  if (call.name === 'quantile_disc') {
    // The least value that has at least this share of the values up to it.
    const place = i32.truncSatF64U(f64.ceil(f64.mul(n, q)));
    const first = f.let(place, 'place');
    return valueIn(arg, i32.sub(i32.select(first, first, 1), 1), count, rows);
  }
  const exact = f.let(f64.mul(f64.sub(n, 1), q), 'exact');
  const low = f.let(f64.floor(exact), 'low');
  const lower = valueIn(arg, i32.truncSatF64U(low), count, rows);
  const upper = valueIn(arg, i32.truncSatF64U(f64.ceil(exact)), count, rows);
  const weight = f.let(f64.sub(exact, low), 'weight');
  const isNull = i32.eqz(count);
  if (lower.form === 'float') {
    const step = f64.mul(f64.sub(upper.x, lower.x), weight);
    const between = f64.add(lower.x, step);
    // Infinities, which may be equal, have no difference.
    const alone = i32.or(f64.eq(weight, 0), f64.eq(lower.x, upper.x));
    return { form: 'float', x: f64.select(alone, lower.x, between), isNull };
  }
  if (lower.form === 'wide') {
    throw new QuernError(
      sqlState.featureNotSupported,
      `${call.name} of decimals of more than 18 digits is not supported yet`,
    );
  }
  assert(
    lower.form === 'int' && upper.form === 'int',
    'values to interpolate are doubles or 64-bit integers',
  );
  const difference = f64.convertI64S(i64.sub(upper.x, lower.x));
  const x = i64.add(lower.x, i64.truncSatF64S(f64.mul(difference, weight)));
  return { form: 'int', x, range: lower.range, isNull };
}

/** The value of the longest run of equal values; of several the first. */
function mostFrequent(arg: Expression, rows: CollectedRows): Value {
  const { f } = rows.scope;
  const count = presentCount(arg, rows);
  const start = f.let(i32.const(0), 'run_start');
  const index = f.let(i32.const(0), 'index');
  const best = f.let(i32.const(0), 'best');
  const length = f.let(i32.const(0), 'best_length');
  f.while(i32.ltU(index, count), () => {
    const first = rows.row(start);
    const here = compileExpression(arg, rows.row(index));
    f.if(i32.eqz(notDistinct(compileExpression(arg, first), here, first)), () => {
      f.set(start, index);
    });
    f.set(index, i32.add(index, 1));
    f.if(i32.gtU(i32.sub(index, start), length), () => {
      f.set(length, i32.sub(index, start));
      f.set(best, start);
    });
    f.checkpoint();
  });
  return valueIn(arg, best, count, rows);
}
