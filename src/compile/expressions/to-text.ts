import { type SqlType, typeName } from '../../value/type.ts';
import { i32, i64 } from '../../wasm/index.ts';
import { emitHex } from '../kernels/hex.ts';
import {
  doubleTextBytes,
  emitDoubleToText,
  emitWholeToText,
  wholeTextBytes,
} from '../kernels/number-text.ts';
import { powerTable } from '../kernels/powers-of-ten.ts';
import {
  emitClockToText,
  emitDateToText,
  emitIntervalToText,
  emitTimestampToText,
  intervalTextBytes,
  timeTextBytes,
} from '../kernels/time-text.ts';
import { emitWideToText, wideTextBytes } from '../kernels/wide-text.ts';
import { failure } from '../program.ts';
import type { Scope } from '../query.ts';
import type { FloatValue, IntValue, StringValue, Value, WideValue } from '../value.ts';
import { failIf } from './arithmetic.ts';
import { notSupported } from './build.ts';
import { decode } from './strings.ts';
import { constantText, writtenText } from './text-room.ts';

/** Any value as CAST to VARCHAR writes it. */
export function castToText(value: Value, from: SqlType, scope: Scope): Value {
  const { module } = scope.query;
  const { isNull } = value;
  if (from.kind === 'blob') return bytesToText(value, scope);
  if (from.kind === 'uuid') {
    notSupported(`a cast from ${typeName(from)} to VARCHAR`);
  }
  switch (value.form) {
    case 'code':
      return value;
    case 'string':
      return value;
    case 'bool': {
      const yes = constantText('true', scope);
      const no = constantText('false', scope);
      const pick = (a: typeof yes.x, b: typeof yes.x) => i32.select(value.x, a, b);
      return { form: 'string', x: pick(yes.x, no.x), y: pick(yes.y, no.y), isNull };
    }
    case 'interval':
      return writtenText(scope, isNull, intervalTextBytes, (out) =>
        emitIntervalToText(module).call(value.x, value.y, out),
      );
    case 'float':
      return doubleToText(value, from, scope);
    case 'wide':
      return wideToText(value, from, scope);
    case 'int':
      return intToText(value, from, scope);
  }
}

/** \x and two hexadecimal digits for each byte. */
function bytesToText(value: Value, scope: Scope): StringValue {
  const { f, query } = scope;
  const bytes = decode(value, scope);
  failIf(scope, i32.gtU(bytes.y, 2 ** 29), bytes.isNull, failure.textTooLong);
  return writtenText(scope, bytes.isNull, i32.add(i32.shl(bytes.y, 1), 48), (out) => {
    f.do(i32.store16(out, 0x785c, 0, 1));
    return emitHex(query.module, 'lower').call(bytes.x, bytes.y, i32.add(out, 2));
  });
}

function doubleToText(value: FloatValue, from: SqlType, scope: Scope): StringValue {
  const { query, pipeline } = scope;
  const table = i32.add(pipeline.frame, query.constantBytes(powerTable()));
  const single = from.kind === 'real' ? 1 : 0;
  return writtenText(scope, value.isNull, doubleTextBytes, (out) =>
    emitDoubleToText(query.module).call(value.x, single, table, out),
  );
}

function wideToText(value: WideValue, from: SqlType, scope: Scope): StringValue {
  const scale = from.kind === 'decimal' ? from.scale : 0;
  return writtenText(scope, value.isNull, wideTextBytes, (out) => {
    const length = emitWideToText(scope.query.module).call(value.x, value.y, scale, out);
    return i32.add(out, length);
  });
}

function intToText(value: IntValue, from: SqlType, scope: Scope): StringValue {
  const { module } = scope.query;
  const { x, isNull } = value;
  switch (from.kind) {
    case 'date':
      return writtenText(scope, isNull, timeTextBytes, (out) =>
        emitDateToText(module).call(i32.wrapI64(x), out),
      );
    case 'time':
      return writtenText(scope, isNull, timeTextBytes, (out) =>
        emitClockToText(module).call(x, out),
      );
    case 'timestamp':
      return writtenText(scope, isNull, timeTextBytes, (out) =>
        emitTimestampToText(module).call(x, out),
      );
    case 'timestamptz':
      return writtenText(scope, isNull, timeTextBytes, (out) => {
        const end = scope.f.let(emitTimestampToText(module).call(x, out), 'zone');
        // +00 in little-endian order.
        scope.f.do(i32.store(end, 0x30302b, 0, 1));
        return i32.add(end, 3);
      });
    case 'decimal':
      // Beyond 18 digits behind the point the text would not have its place in the room.
      if (from.scale > 18) {
        return wideToText({ ...value, form: 'wide', ...sign(x) }, from, scope);
      }
      return writtenText(scope, isNull, wholeTextBytes, (out) =>
        emitWholeToText(module).call(x, from.scale, out),
      );
    default:
      return writtenText(scope, isNull, wholeTextBytes, (out) =>
        emitWholeToText(module).call(x, 0, out),
      );
  }
}

function sign(x: IntValue['x']) {
  return { x, y: i64.shrS(x, 63n) };
}
