import { bigintType, blobType, type SqlType, varcharType } from '../../value/type.ts';
import { define, fixed, type Overload } from './overload.ts';

const text = varcharType;

/** A function of a text or of bytes. */
function ofEither(lowered: string, result: SqlType): Overload[] {
  return [fixed(lowered, [text], result), fixed(lowered, [blobType], result)];
}

export const codeFunctions = [
  define(
    'md5',
    'the MD5 digest of the text in UTF-8, in hexadecimal; not for secrets',
    ["md5('abc')", '900150983cd24fb0d6963f7d28e17f72'],
    ...ofEither('md5', text),
  ),
  define(
    'sha1',
    'the SHA-1 digest, in hexadecimal; not for secrets',
    ["sha1('abc')", 'a9993e364706816aba3e25717850c26c9cd0d89d'],
    ...ofEither('sha1', text),
  ),
  define(
    'sha256',
    'the SHA-256 digest, in hexadecimal',
    ["left(sha256('abc'), 16)", 'ba7816bf8f01cfea'],
    ...ofEither('sha256', text),
  ),
  define(
    'hex to_hex',
    'the bytes in hexadecimal; of a number the digits of its 64 bits without leading zeros',
    ["hex('aé')", '61C3A9'],
    ...ofEither('hex', text),
    fixed('hex', [bigintType], text),
  ),
  define(
    'unhex from_hex',
    'the bytes that hexadecimal digits stand for, a BLOB',
    ["decode(unhex('61C3A9'))", 'aé'],
    fixed('unhex', [text], blobType),
  ),
  define(
    'bin to_binary',
    'the bytes in binary; of a number the digits of its 64 bits without leading zeros',
    ['bin(10)', '1010'],
    fixed('bin', [text], text),
    fixed('bin', [bigintType], text),
  ),
  define(
    'to_base64 base64',
    'the bytes in base64',
    ["to_base64('abc')", 'YWJj'],
    ...ofEither('to_base64', text),
  ),
  define(
    'from_base64',
    'the bytes that a text in base64 stands for, a BLOB',
    ["decode(from_base64('YWJj'))", 'abc'],
    fixed('from_base64', [text], blobType),
  ),
  define(
    'url_encode',
    'with all bytes but letters, digits and - _ . ~ as % and two hexadecimal digits',
    ["url_encode('a b/é')", 'a%20b%2F%C3%A9'],
    fixed('url_encode', [text], text),
  ),
  define(
    'url_decode',
    'the text of which that is the code',
    ["url_decode('a%20b%2F%C3%A9')", 'a b/é'],
    fixed('url_decode', [text], text),
  ),
  define(
    'encode',
    'the bytes of the text in UTF-8, a BLOB',
    ["hex(encode('é'))", 'C3A9'],
    fixed('encode', [text], blobType),
  ),
  define(
    'decode',
    'the text that bytes are in UTF-8',
    ["decode(encode('é'))", 'é'],
    fixed('decode', [blobType], text),
  ),
];
