/** Digests of texts, and texts in other alphabets. */
import { QuernError, sqlState } from '../../base/error.ts';
import { type DigestName, digestOf, toHex } from '../../value/digest.ts';
import type { Known, Strict } from './meaning.ts';

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function bytesOf(value: Known): Uint8Array {
  return value instanceof Uint8Array ? value : encoder.encode(value as string);
}

function digest(name: DigestName): Strict {
  return ([value]) => digestOf(name, bytesOf(value));
}

/** What decoding a text makes of it when it is no such code. */
export function invalidCode(code: string): QuernError {
  return new QuernError(sqlState.invalidTextRepresentation, `the text is not ${code}`);
}

/** Of a whole number the digits of its 64 bits, of bytes all digits of each. */
function digits(base: 2 | 16): Strict {
  return ([value]) => {
    if (typeof value === 'bigint') return BigInt.asUintN(64, value).toString(base).toUpperCase();
    const width = base === 16 ? 2 : 8;
    const parts = Array.from(bytesOf(value), (b) => b.toString(base).padStart(width, '0'));
    return parts.join('').toUpperCase();
  };
}

const unhex: Strict = ([value]) => {
  const text = value as string;
  if (!/^[0-9a-fA-F]*$/.test(text)) throw invalidCode('hexadecimal');
  const even = text.length % 2 === 0 ? text : `0${text}`;
  return Uint8Array.from({ length: even.length / 2 }, (_, i) =>
    Number.parseInt(even.slice(2 * i, 2 * i + 2), 16),
  );
};

const base64Letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Digits of so many bits as digits of others, from the highest bit on; zeros fill up the last. */
function regroup(digits: readonly number[], from: number, to: number): number[] {
  const bits = digits.flatMap((digit) => [...digit.toString(2).padStart(from, '0')]);
  return Array.from({ length: Math.ceil(bits.length / to) }, (_, i) =>
    Number.parseInt(
      bits
        .slice(i * to, i * to + to)
        .join('')
        .padEnd(to, '0'),
      2,
    ),
  );
}

const toBase64: Strict = ([value]) => {
  const letters = regroup([...bytesOf(value)], 8, 6).map((six) => base64Letters[six]);
  return letters.join('').padEnd(4 * Math.ceil(letters.length / 4), '=');
};

const fromBase64: Strict = ([value]) => {
  const text = value as string;
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw invalidCode('base64');
  const letters = [...text.replaceAll('=', '')];
  const bytes = regroup(
    letters.map((letter) => base64Letters.indexOf(letter)),
    6,
    8,
  );
  return Uint8Array.from(bytes.slice(0, Math.floor((letters.length * 6) / 8)));
};

const urlEncode: Strict = ([value]) =>
  Array.from(encoder.encode(value as string), (byte) => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9\-_.~]/.test(character) ? character : `%${toHex(Uint8Array.of(byte))}`;
  })
    .join('')
    .replace(/%../g, (code) => code.toUpperCase());

const urlDecode: Strict = ([value]) => {
  const bytes = encoder.encode(value as string);
  const decoded: number[] = [];
  for (let at = 0; at < bytes.length; at++) {
    const code = String.fromCharCode(...bytes.subarray(at, at + 3));
    const isCode = /^%[0-9a-fA-F]{2}$/.test(code);
    decoded.push(isCode ? Number.parseInt(code.slice(1), 16) : bytes[at]);
    if (isCode) at += 2;
  }
  return decodeStrictly(Uint8Array.from(decoded));
};

function decodeStrictly(bytes: Uint8Array): string {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    throw invalidCode('valid UTF-8');
  }
}

export const codeMeanings: Readonly<Record<string, Strict>> = {
  md5: digest('md5'),
  sha1: digest('sha1'),
  sha256: digest('sha256'),
  hex: digits(16),
  bin: digits(2),
  unhex,
  to_base64: toBase64,
  from_base64: fromBase64,
  url_encode: urlEncode,
  url_decode: urlDecode,
  encode: ([value]) => encoder.encode(value as string),
  decode: ([value]) => decodeStrictly(value as Uint8Array),
};
