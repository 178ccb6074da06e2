/**
 * Texts and bytes in other alphabets: binary, hexadecimal, base64, URLs. Kernels that read a code
 * answer 0 where the text is none.
 */
import {
  type Expr,
  type Func,
  type FunctionBuilder,
  i32,
  i64,
  type Label,
  type Local,
  type ModuleBuilder,
} from '../../wasm/index.ts';
import { once } from './kernel.ts';

const oneText = { address: 'i32', length: 'i32', out: 'i32' } as const;

/** (address, length, out) → the address behind eight binary digits for each byte. */
export function emitBinary(m: ModuleBuilder): Func {
  return once(m, 'binary', (name) =>
    m.func(name, { params: oneText, results: ['i32'] }, (f) => {
      const { address, length, out } = f.param;
      const end = f.let(i32.add(address, length), 'end');
      const byte = f.local('i64', 'byte');
      f.while(i32.ltU(address, end), () => {
        f.set(byte, i64.load8U(address));
        // Each bit gets to the lowest place of a byte of its own, the highest one first.
        const spread = i64.and(
          i64.mul(byte, 0x8040201008040201n - 2n ** 64n),
          0x8080808080808080n - 2n ** 64n,
        );
        f.do(i64.store(out, i64.or(i64.shrU(spread, 7), 0x3030303030303030n), 0, 1));
        f.set(address, i32.add(address, 1));
        f.set(out, i32.add(out, 8));
      });
      f.return(out);
    }),
  );
}

/**
 * (value, out) → the address behind the digits of a 64-bit number without sign, to the base of
 * 2^bits.
 */
export function emitDigits(m: ModuleBuilder, bits: 1 | 4): Func {
  const params = { value: 'i64', out: 'i32' } as const;
  return once(m, `digits_${bits}`, (name) =>
    m.func(name, { params, results: ['i32'] }, (f) => {
      const { value, out } = f.param;
      const used = i32.sub(64, i32.wrapI64(i64.clz(i64.or(value, 1n))));
      const count = f.let(i32.divU(i32.add(used, bits - 1), bits), 'count');
      const shift = f.let(i32.mul(count, bits), 'shift');
      const digit = f.local('i32', 'digit');
      f.while(shift, () => {
        f.set(shift, i32.sub(shift, bits));
        const bitsHere = i32.wrapI64(i64.shrU(value, i64.extendI32U(shift)));
        f.set(digit, i32.and(bitsHere, 2 ** bits - 1));
        const letter = i32.mul(i32.gtU(digit, 9), 7);
        f.do(i32.store8(out, i32.add(i32.add(digit, 0x30), letter)));
        f.set(out, i32.add(out, 1));
      });
      f.return(out);
    }),
  );
}

/**
 * The value of the hexadecimal digit at an address, in `digit`; leaves by `wrong` if it is none.
 */
function readHexDigit(f: FunctionBuilder, address: Expr, digit: Local, wrong: Label): void {
  const code = f.let(i32.load8U(address), 'code');
  const decimal = f.let(i32.sub(code, 0x30), 'decimal');
  const letter = f.let(i32.sub(i32.or(code, 0x20), 0x61), 'letter');
  const isDecimal = i32.ltU(decimal, 10);
  f.brIf(wrong, i32.eqz(i32.or(isDecimal, i32.ltU(letter, 6))));
  f.set(digit, i32.select(isDecimal, decimal, i32.add(letter, 10)));
}

/** (address, length, out) → the address behind the bytes that hexadecimal digits stand for. */
export function emitUnhex(m: ModuleBuilder): Func {
  return once(m, 'unhex', (name) =>
    m.func(name, { params: oneText, results: ['i32'] }, (f) => {
      const { address, length, out } = f.param;
      const end = f.let(i32.add(address, length), 'end');
      const digit = f.local('i32', 'digit');
      const byte = f.local('i32', 'byte');
      f.block((wrong) => {
        const readDigit = () => {
          readHexDigit(f, address, digit, wrong);
          f.set(byte, i32.or(i32.shl(byte, 4), digit));
          f.set(address, i32.add(address, 1));
        };
        const write = () => {
          f.do(i32.store8(out, byte));
          f.set(out, i32.add(out, 1));
        };
        // An odd number of digits begins with one that stands alone.
        f.if(i32.and(length, 1), () => {
          readDigit();
          write();
        });
        f.while(i32.ltU(address, end), () => {
          readDigit();
          readDigit();
          write();
        });
        f.return(out);
      });
      f.return(0);
    }),
  );
}

/** (address, length, out) → the address behind the text in base64. */
export function emitToBase64(m: ModuleBuilder): Func {
  return once(m, 'to_base64', (name) =>
    m.func(name, { params: oneText, results: ['i32'] }, (f) => {
      const { address, length, out } = f.param;
      const end = f.let(i32.add(address, length), 'end');
      const left = f.local('i32', 'left');
      const bits = f.local('i32', 'bits');
      f.while(i32.ltU(address, end), () => {
        f.set(left, i32.sub(end, address));
        const byte = (at: number) => i32.if(i32.gtU(left, at), i32.load8U(address, at), 0);
        f.set(bits, i32.or(i32.shl(i32.load8U(address), 16), i32.or(i32.shl(byte(1), 8), byte(2))));
        for (let i = 0; i < 4; i++) {
          const six = f.let(i32.and(i32.shrU(bits, 18 - 6 * i), 63), 'six');
          const isThere = i < 2 ? i32.const(1) : i32.geU(left, i);
          f.do(i32.store8(out, i32.select(isThere, base64Letter(six), 0x3d), i));
        }
        f.set(address, i32.add(address, 3));
        f.set(out, i32.add(out, 4));
      });
      f.return(out);
    }),
  );
}

/** A to Z, a to z, 0 to 9, + and /. */
function base64Letter(six: Local): Expr {
  const rest = i32.select(i32.eq(six, 63), 0x2f, 0x2b);
  const digit = i32.select(i32.ltU(six, 62), i32.sub(six, 4), rest);
  const lower = i32.select(i32.ltU(six, 52), i32.add(six, 71), digit);
  return i32.select(i32.ltU(six, 26), i32.add(six, 65), lower);
}

/** (address, length, out) → the address behind the bytes that a text in base64 stands for. */
export function emitFromBase64(m: ModuleBuilder): Func {
  return once(m, 'from_base64', (name) =>
    m.func(name, { params: oneText, results: ['i32'] }, (f) => {
      const { address, length, out } = f.param;
      const end = f.let(i32.add(address, length), 'end');
      const [bits, code, pad] = ['bits', 'code', 'pad'].map((local) => f.local('i32', local));
      f.if(i32.and(length, 3), () => f.return(0));
      f.block((wrong) => {
        f.while(i32.ltU(address, end), () => {
          f.set(bits, 0);
          for (let i = 0; i < 4; i++) {
            f.set(code, i32.load8U(address, i));
            const isPad = i32.and(i32.eq(code, 0x3d), i32.eq(i32.add(address, 4), end));
            f.if(
              i >= 2 ? isPad : i32.const(0),
              () => {
                f.set(pad, i32.add(pad, 1));
                f.set(code, 0);
              },
              () => {
                f.brIf(wrong, pad);
                f.set(code, base64Value(f, code));
                f.brIf(wrong, i32.ltS(code, 0));
              },
            );
            f.set(bits, i32.or(i32.shl(bits, 6), code));
          }
          for (let i = 0; i < 3; i++) f.do(i32.store8(out, i32.shrU(bits, 16 - 8 * i), i));
          f.set(out, i32.sub(i32.add(out, 3), pad));
          f.set(address, i32.add(address, 4));
        });
        f.return(out);
      });
      f.return(0);
    }),
  );
}

function base64Value(f: FunctionBuilder, code: Local): Expr {
  const upper = f.let(i32.sub(code, 0x41), 'upper');
  const lower = f.let(i32.sub(code, 0x61), 'lower');
  const digit = f.let(i32.sub(code, 0x30), 'number');
  const other = i32.select(i32.eq(code, 0x2b), 62, i32.select(i32.eq(code, 0x2f), 63, -1));
  const ofDigit = i32.select(i32.ltU(digit, 10), i32.add(digit, 52), other);
  const ofLower = i32.select(i32.ltU(lower, 26), i32.add(lower, 26), ofDigit);
  return i32.select(i32.ltU(upper, 26), upper, ofLower);
}

/** (address, length, out) → the address behind the text with all but A-Z a-z 0-9 - _ . ~ as %XX. */
export function emitUrlEncode(m: ModuleBuilder): Func {
  const digits = emitDigits(m, 4);
  return once(m, 'url_encode', (name) =>
    m.func(name, { params: oneText, results: ['i32'] }, (f) => {
      const { address, length, out } = f.param;
      const end = f.let(i32.add(address, length), 'end');
      const code = f.local('i32', 'code');
      f.while(i32.ltU(address, end), () => {
        f.set(code, i32.load8U(address));
        const isLetter = i32.ltU(i32.sub(i32.or(code, 0x20), 0x61), 26);
        const isDigit = i32.ltU(i32.sub(code, 0x30), 10);
        const isMark = [...'-_.~']
          .map((mark) => i32.eq(code, mark.charCodeAt(0)))
          .reduce((a, b) => i32.or(a, b));
        f.if(
          i32.or(i32.or(isLetter, isDigit), isMark),
          () => {
            f.do(i32.store8(out, code));
            f.set(out, i32.add(out, 1));
          },
          () => {
            f.do(i32.store16(out, 0x3025, 0, 1));
            // Codes below 16 have one digit, which follows the zero.
            const start = i32.add(out, i32.add(1, i32.ltU(code, 16)));
            f.set(out, digits.call(i64.extendI32U(code), start));
          },
        );
        f.set(address, i32.add(address, 1));
      });
      f.return(out);
    }),
  );
}

/** (address, length, out) → the address behind the text with each %XX as the byte it stands for. */
export function emitUrlDecode(m: ModuleBuilder): Func {
  const isValid = emitIsUtf8(m);
  return once(m, 'url_decode', (name) =>
    m.func(name, { params: oneText, results: ['i32'] }, (f) => {
      const { address, length, out } = f.param;
      const start = f.let(out, 'start');
      const end = f.let(i32.add(address, length), 'end');
      const [code, high, low] = ['byte', 'high', 'low'].map((local) => f.local('i32', local));
      f.while(i32.ltU(address, end), () => {
        f.set(code, i32.load8U(address));
        f.block((plain) => {
          f.brIf(plain, i32.ne(code, 0x25));
          f.brIf(plain, i32.ltU(i32.sub(end, address), 3));
          readHexDigit(f, i32.add(address, 1), high, plain);
          readHexDigit(f, i32.add(address, 2), low, plain);
          f.set(code, i32.or(i32.shl(high, 4), low));
          f.set(address, i32.add(address, 2));
        });
        f.do(i32.store8(out, code));
        f.set(out, i32.add(out, 1));
        f.set(address, i32.add(address, 1));
      });
      f.if(i32.eqz(isValid.call(start, i32.sub(out, start))), () => f.return(0));
      f.return(out);
    }),
  );
}

/** (address, length) → whether bytes are UTF-8: no surrogates, nothing longer than it needs be. */
export function emitIsUtf8(m: ModuleBuilder): Func {
  const params = { address: 'i32', length: 'i32' } as const;
  return once(m, 'is_utf8', (name) =>
    m.func(name, { params, results: ['i32'] }, (f) => {
      const { address, length } = f.param;
      const end = f.let(i32.add(address, length), 'end');
      const [lead, more, low, high] = ['lead', 'more', 'low', 'high'].map((l) => f.local('i32', l));
      f.while(i32.ltU(address, end), () => {
        f.set(lead, i32.load8U(address));
        f.set(address, i32.add(address, 1));
        f.if(i32.geU(lead, 0x80), () => {
          f.if(i32.gtU(i32.sub(lead, 0xc2), 0xf4 - 0xc2), () => f.return(0));
          f.set(more, i32.add(1, i32.add(i32.geU(lead, 0xe0), i32.geU(lead, 0xf0))));
          // Behind some bytes the next one has fewer values.
          const least = i32.select(i32.eq(lead, 0xf0), 0x90, 0x80);
          f.set(low, i32.select(i32.eq(lead, 0xe0), 0xa0, least));
          const most = i32.select(i32.eq(lead, 0xf4), 0x8f, 0xbf);
          f.set(high, i32.select(i32.eq(lead, 0xed), 0x9f, most));
          f.if(i32.ltU(i32.sub(end, address), more), () => f.return(0));
          f.while(more, () => {
            const byte = i32.load8U(address);
            f.if(i32.gtU(i32.sub(byte, low), i32.sub(high, low)), () => f.return(0));
            f.set(low, 0x80);
            f.set(high, 0xbf);
            f.set(address, i32.add(address, 1));
            f.set(more, i32.sub(more, 1));
          });
        });
      });
      f.return(1);
    }),
  );
}
