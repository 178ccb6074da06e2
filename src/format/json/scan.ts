/**
 * Finding records and their members in JSON text. Numbers stay text until their column's type is
 * known: a double would not hold all of them.
 */
import { QuernError, sqlState } from '../../base/error.ts';

/** A value of a member: its text, and what it is. */
export interface JsonMember {
  readonly key: string;
  /** The characters of a string; otherwise the JSON text. */
  readonly text: string;
  readonly kind: 'string' | 'number' | 'boolean' | 'null' | 'nested';
}

/** A mistake in a record, `line` lines below its first one. */
export class JsonMistake extends Error {
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}

export interface JsonRecord {
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

const openBrace = 123;
const closeBrace = 125;
const openBracket = 91;
const closeBracket = 93;
const quote = 34;
const backslash = 92;

/** No record may be longer than this many characters. */
const recordLengthMax = 64 * 1024 * 1024;

/**
 * Cuts text that comes in pieces into its objects: one after the other, with or without a comma, or
 * the elements of one array.
 */
export class RecordSplitter {
  #text = '';
  #line = 1;
  #inArray = false;
  #ended = false;
  #needsComma = false;

  /** The records that end in the text so far. */
  push(text: string, atEnd: boolean): JsonRecord[] {
    this.#text += text;
    const records: JsonRecord[] = [];
    let at = 0;
    for (;;) {
      at = this.#skipBetween(at);
      if (at >= this.#text.length) break;
      const end = endOfObject(this.#text, at);
      if (end < 0) break;
      records.push({ line: this.#line, text: this.#text.slice(at, end) });
      this.#countLines(at, end);
      this.#needsComma = true;
      at = end;
    }
    this.#text = this.#text.slice(at);
    if (this.#text.length > recordLengthMax) throw this.#mistake('the record is too long');
    if (atEnd && (this.#text.length > 0 || (this.#inArray && !this.#ended))) {
      throw this.#mistake('the text ends too early');
    }
    return records;
  }

  #mistake(message: string): QuernError {
    return new QuernError(sqlState.badCopyFileFormat, `line ${this.#line}: ${message}`);
  }

  #countLines(from: number, to: number): void {
    for (let i = this.#text.indexOf('\n', from); i >= 0 && i < to; ) {
      this.#line++;
      i = this.#text.indexOf('\n', i + 1);
    }
  }

  /** Steps over space, commas and the brackets of the array, up to the next object. */
  #skipBetween(from: number): number {
    let at = from;
    for (; at < this.#text.length; at++) {
      const code = this.#text.charCodeAt(at);
      if (code === 10) this.#line++;
      else if (code === openBracket && !this.#inArray && !this.#needsComma) this.#inArray = true;
      else if (code === closeBracket && this.#inArray && !this.#ended) this.#ended = true;
      else if (code === 44 && this.#needsComma && !this.#ended) this.#needsComma = false;
      else if (code === openBrace && !this.#ended && !(this.#inArray && this.#needsComma))
        return at;
      else if (code !== 32 && code !== 9 && code !== 13 && code !== 0xfeff) {
        throw this.#mistake(`an object is expected, not "${this.#text.slice(at, at + 20)}"`);
      }
    }
    return at;
  }
}

/** Index behind the object that starts at `from`; -1 when the text ends before it does. */
function endOfObject(text: string, from: number): number {
  let depth = 0;
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === quote) {
      i = endOfString(text, i) - 1;
      if (i < 0) return -1;
    } else if (code === openBrace || code === openBracket) depth++;
    else if (code === closeBrace || code === closeBracket) {
      if (--depth === 0) return i + 1;
    }
  }
  return -1;
}

/** Index behind the string that starts at `from`; 0 when the text ends before it does. */
function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === backslash) backslashes++;
    if (backslashes % 2 === 0) return end + 1;
  }
  return 0;
}

const space = /[ \t\r\n]*/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?=[\s,}])/y;
const word = /(?:true|false|null)(?=[\s,}])/y;

/** The members of an object, which `text` is, in order. */
export function readMembers(text: string): JsonMember[] {
  const members: JsonMember[] = [];
  let at = 1;
  const skip = () => {
    space.lastIndex = at;
    space.test(text);
    at = space.lastIndex;
  };
  const fail = (): never => {
    const line = text.slice(0, at).split('\n').length - 1;
    throw new JsonMistake(`invalid JSON at "${text.slice(at, at + 20)}"`, line);
  };
  skip();
  if (text.charCodeAt(at) === closeBrace) return members;
  for (;;) {
    if (text.charCodeAt(at) !== quote) fail();
    const keyEnd = endOfString(text, at);
    const key = readString(text, at, keyEnd) ?? fail();
    at = keyEnd;
    skip();
    if (text.charCodeAt(at) !== 58) fail();
    at++;
    skip();
    const [member, end] = readMember(text, at, key) ?? fail();
    members.push(member);
    at = end;
    skip();
    const code = text.charCodeAt(at);
    if (code === closeBrace && at === text.length - 1) return members;
    if (code !== 44) fail();
    at++;
    skip();
  }
}

function readMember(
  text: string,
  at: number,
  key: string,
): readonly [JsonMember, number] | undefined {
  const code = text.charCodeAt(at);
  if (code === quote) {
    const end = endOfString(text, at);
    const content = readString(text, at, end);
    return content === undefined ? undefined : [{ key, text: content, kind: 'string' }, end];
  }
  if (code === openBrace || code === openBracket) {
    const end = endOfObject(text, at);
    const nested = text.slice(at, end);
    return end > 0 && isJson(nested) ? [{ key, text: nested, kind: 'nested' }, end] : undefined;
  }
  for (const pattern of [number, word]) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) continue;
    const [found] = match;
    const kind = pattern === number ? 'number' : found === 'null' ? 'null' : 'boolean';
    return [{ key, text: found, kind }, pattern.lastIndex];
  }
  return undefined;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids just these.
const plain = /^[^\\\u0000-\u001f]*$/;

/** The characters of the string from `at` to `end`; undefined if it is malformed. */
function readString(text: string, at: number, end: number): string | undefined {
  const content = text.slice(at + 1, end - 1);
  if (plain.test(content)) return content;
  try {
    return JSON.parse(text.slice(at, end)) as string;
  } catch {
    return undefined;
  }
}
