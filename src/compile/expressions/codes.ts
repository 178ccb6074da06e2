/** Digests of texts, and texts in other alphabets. */
import { type DigestName, digests } from '../../value/digest.ts';
import { type Expr, type Func, i32, type ModuleBuilder } from '../../wasm/index.ts';
import { digestScratchBytes, emitDigest, sha256Table } from '../kernels/digest.ts';
import { emitHex } from '../kernels/hex.ts';
import {
  emitBinary,
  emitDigits,
  emitFromBase64,
  emitIsUtf8,
  emitToBase64,
  emitUnhex,
  emitUrlDecode,
  emitUrlEncode,
} from '../kernels/text-codes.ts';
import { failure } from '../program.ts';
import type { Scope } from '../query.ts';
import type { StringValue } from '../value.ts';
import { failIf } from './arithmetic.ts';
import type { Build } from './build.ts';
import { decode } from './strings.ts';
import { writtenText } from './text-room.ts';

function digest(which: DigestName): Build {
  return ([value], _, scope) => {
    const { query, pipeline } = scope;
    const text = decode(value, scope);
    const scratch = i32.add(pipeline.local, query.areaOf('digest', digestScratchBytes));
    const needsTable = which === 'sha256';
    const table = needsTable
      ? i32.add(pipeline.frame, query.constantBytes(sha256Table))
      : i32.const(0);
    const func = emitDigest(query.module, which);
    const bytes = 8 * digests[which].initial.length + 32;
    return writtenText(scope, text.isNull, bytes, (out) =>
      func.call(text.x, text.y, out, scratch, table),
    );
  };
}

/** What a kernel (address, length, out) writes, at most `factor` bytes for each and some more. */
function coded(emit: (m: ModuleBuilder) => Func, factor: number): Build {
  return ([value], _, scope) => {
    const text = decode(value, scope);
    return written(text, emit(scope.query.module), factor, scope);
  };
}

/** The code must be shorter than texts may be, which are at most 2^30 bytes. */
function written(text: StringValue, func: Func, factor: number, scope: Scope): StringValue {
  failIf(scope, i32.gtU(text.y, Math.floor(2 ** 30 / factor)), text.isNull, failure.textTooLong);
  const bytes = i32.add(i32.mul(text.y, factor), 48);
  return writtenText(scope, text.isNull, bytes, (out) => func.call(text.x, text.y, out));
}

/** The same for kernels that answer 0 where the text is no such code. */
function decoded(emit: (m: ModuleBuilder) => Func, wrong: number): Build {
  return ([value], _, scope) => {
    const text = decode(value, scope);
    const { f } = scope;
    const func = emit(scope.query.module);
    return writtenText(scope, text.isNull, i32.add(text.y, 48), (out) => {
      const end = f.let(func.call(text.x, text.y, out), 'decoded');
      failIf(scope, i32.eqz(end), undefined, wrong);
      return end;
    });
  };
}

function digits(bits: 1 | 4, ofBytes: (m: ModuleBuilder) => Func): Build {
  return (args, expression, scope) => {
    const [value] = args;
    if (value.form !== 'int') return coded(ofBytes, 8 / bits)(args, expression, scope);
    const func = emitDigits(scope.query.module, bits);
    return writtenText(scope, value.isNull, 64, (out) => func.call(value.x, out));
  };
}

/** A text is its bytes. */
const encode: Build = ([value], _, scope) => decode(value, scope);

const decodeUtf8: Build = ([value], _, scope) => {
  const text = decode(value, scope);
  const isValid: Expr = emitIsUtf8(scope.query.module).call(text.x, text.y);
  const isKnown = text.isNull === undefined ? isValid : i32.if(text.isNull, 1, isValid);
  failIf(scope, i32.eqz(isKnown), undefined, failure.invalidUtf8);
  return text;
};

export const codeFunctions: Readonly<Record<string, Build>> = {
  md5: digest('md5'),
  sha1: digest('sha1'),
  sha256: digest('sha256'),
  hex: digits(4, (m) => emitHex(m, 'upper')),
  bin: digits(1, emitBinary),
  unhex: decoded(emitUnhex, failure.invalidHex),
  to_base64: coded(emitToBase64, 2),
  from_base64: decoded(emitFromBase64, failure.invalidBase64),
  url_encode: coded(emitUrlEncode, 3),
  url_decode: decoded(emitUrlDecode, failure.invalidUtf8),
  encode,
  decode: decodeUtf8,
};
