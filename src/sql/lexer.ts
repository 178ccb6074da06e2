import { sqlState } from '../base/error.ts';
import type { Diagnostic } from './diagnostic.ts';
import { symbolLengthMax, symbols } from './operators.ts';
import type { Token, TokenKind } from './token.ts';

export interface LexResult {
  /** Ends with a token of kind `end`. */
  readonly tokens: readonly Token[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Splits SQL text into tokens. Never throws: what is no token becomes one of kind `invalid`. */
export function lex(sql: string): LexResult {
  const lexer = new Lexer(sql);
  lexer.run();
  return lexer;
}

const wordStart = 1;
const digit = 2;
const space = 4;
const quote = 8;

/** What an ASCII character can start. */
const classes = new Uint8Array(128);
for (let code = 0; code < 128; code++) {
  const character = String.fromCharCode(code);
  if (/[A-Za-z_]/.test(character)) classes[code] = wordStart;
  else if (/[0-9]/.test(character)) classes[code] = digit;
  else if (/\s/.test(character)) classes[code] = space;
  else if (/['"$]/.test(character)) classes[code] = quote;
}

const unicodeSpace = /[\u0080-\uffff]/;

function isSpace(code: number): boolean {
  if (code < 128) return classes[code] === space;
  return unicodeSpace.test(String.fromCharCode(code)) && /\s/.test(String.fromCharCode(code));
}

function isWordStart(code: number): boolean {
  return code < 128 ? classes[code] === wordStart : !isSpace(code);
}

/** Whether the character may stand within a word; false at the end of the text (NaN). */
function isWordPart(code: number): boolean {
  if (code < 128) return (classes[code] & (wordStart | digit)) !== 0 || code === 36;
  return code >= 128 && !isSpace(code);
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

class Lexer implements LexResult {
  readonly tokens: Token[] = [];
  readonly diagnostics: Diagnostic[] = [];
  readonly #sql: string;
  #at = 0;

  constructor(sql: string) {
    this.#sql = sql;
  }

  run(): void {
    const sql = this.#sql;
    while (this.#skipBlanks()) {
      const start = this.#at;
      const code = sql.charCodeAt(start);
      if (isWordStart(code)) this.#wordOrPrefixedString(start);
      else if (isDigit(code)) this.#number(start);
      else if (code === 46 && isDigit(sql.charCodeAt(start + 1))) this.#number(start);
      else if (code === 39) this.#string(start, start, false);
      else if (code === 34) this.#quotedName(start);
      else if (code === 36) this.#dollar(start);
      else this.#symbol(start);
    }
    this.#push('end', '', sql.length);
  }

  #push(kind: TokenKind, text: string, start: number): void {
    this.tokens.push({ kind, text, start, end: this.#at });
  }

  #invalid(start: number, message: string, hint?: string): void {
    const span = { start, end: this.#at };
    this.diagnostics.push({ code: sqlState.syntaxError, message, span, hint });
    this.#push('invalid', '', start);
  }

  /** Moves past white space and comments; false at the end of the text. */
  #skipBlanks(): boolean {
    const sql = this.#sql;
    for (;;) {
      while (this.#at < sql.length && isSpace(sql.charCodeAt(this.#at))) this.#at++;
      if (sql.startsWith('--', this.#at)) {
        const end = sql.indexOf('\n', this.#at);
        this.#at = end < 0 ? sql.length : end + 1;
      } else if (sql.startsWith('/*', this.#at)) {
        this.#blockComment();
      } else {
        return this.#at < sql.length;
      }
    }
  }

  /** Block comments nest, as the standard and PostgreSQL have it. */
  #blockComment(): void {
    const start = this.#at;
    const marks = /\/\*|\*\//g;
    marks.lastIndex = start;
    let depth = 0;
    for (let mark = marks.exec(this.#sql); mark !== null; mark = marks.exec(this.#sql)) {
      depth += mark[0] === '/*' ? 1 : -1;
      this.#at = marks.lastIndex;
      if (depth === 0) return;
    }
    this.#at = this.#sql.length;
    this.#invalid(start, 'syntax error: this comment is not closed', 'close it with */');
  }

  #wordOrPrefixedString(start: number): void {
    const sql = this.#sql;
    if (sql.charCodeAt(start + 1) === 39) {
      const prefix = sql[start].toUpperCase();
      if (prefix === 'E') {
        this.#string(start, start + 1, true);
        return;
      }
      if (prefix === 'X') {
        this.#blob(start);
        return;
      }
    }
    let end = start + 1;
    while (isWordPart(sql.charCodeAt(end))) end++;
    this.#at = end;
    this.#push('word', sql.slice(start, end).toUpperCase(), start);
  }

  /** Scans to the closing quote; returns the raw inner text or undefined if there is none. */
  #scanQuoted(open: number, mark: string, escapes: boolean): string | undefined {
    const sql = this.#sql;
    let at = open + 1;
    for (;;) {
      const close = sql.indexOf(mark, at);
      if (close < 0) break;
      if (escapes && endsInsideEscape(sql, open + 1, close)) {
        at = close + 1;
      } else if (sql[close + 1] === mark) {
        at = close + 2;
      } else {
        this.#at = close + 1;
        return sql.slice(open + 1, close);
      }
    }
    this.#at = sql.length;
    return undefined;
  }

  #string(start: number, open: number, escapes: boolean): void {
    const raw = this.#scanQuoted(open, "'", escapes);
    if (raw === undefined) {
      this.#invalid(start, 'syntax error: this string is not closed', "close it with a quote (')");
      return;
    }
    const text = raw.includes("'") ? raw.replaceAll("''", "'") : raw;
    this.#push('string', escapes ? unescapeText(text) : text, start);
  }

  #quotedName(start: number): void {
    const raw = this.#scanQuoted(start, '"', false);
    if (raw === undefined) {
      this.#invalid(start, 'syntax error: this quoted name is not closed', 'close it with "');
    } else if (raw === '') {
      this.#invalid(start, 'syntax error: a quoted name must not be empty');
    } else {
      this.#push('quoted', raw.replaceAll('""', '"'), start);
    }
  }

  #blob(start: number): void {
    const raw = this.#scanQuoted(start + 1, "'", false);
    if (raw === undefined) {
      this.#invalid(start, 'syntax error: this string is not closed', "close it with a quote (')");
    } else if (raw.length % 2 === 1 || /[^0-9a-fA-F]/.test(raw)) {
      this.#invalid(start, 'syntax error: a blob is written as pairs of hexadecimal digits');
    } else {
      this.#push('blob', raw.toLowerCase(), start);
    }
  }

  #number(start: number): void {
    const form =
      /0[xX](?:_?[0-9a-fA-F])+|(?:\d(?:_?\d)*)?\.?(?:\d(?:_?\d)*)?(?:[eE][+-]?\d(?:_?\d)*)?/y;
    form.lastIndex = start;
    let text = form.exec(this.#sql)![0];
    if (text.includes('_')) text = text.replaceAll('_', '');
    this.#at = form.lastIndex;
    if (isWordPart(this.#sql.charCodeAt(this.#at))) {
      while (isWordPart(this.#sql.charCodeAt(this.#at))) this.#at++;
      const junk = this.#sql.slice(start, this.#at);
      this.#invalid(start, `syntax error: "${junk}" is neither a number nor a name`);
      return;
    }
    this.#push('number', text, start);
  }

  /** $1, $name, $$text$$ or $tag$text$tag$. */
  #dollar(start: number): void {
    const sql = this.#sql;
    const tag = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;
    tag.lastIndex = start;
    const opening = tag.exec(sql)?.[0];
    if (opening !== undefined) {
      const close = sql.indexOf(opening, tag.lastIndex);
      this.#at = close < 0 ? sql.length : close + opening.length;
      if (close < 0) this.#invalid(start, `syntax error: no closing ${opening} for this string`);
      else this.#push('string', sql.slice(tag.lastIndex, close), start);
      return;
    }
    let end = start + 1;
    while (isWordPart(sql.charCodeAt(end)) && sql[end] !== '$') end++;
    this.#at = end;
    const name = sql.slice(start + 1, end);
    if (/^(?:\d+|[^\d].*)$/.test(name)) this.#push('parameter', name, start);
    else this.#invalid(start, 'syntax error: a parameter is $1 or $name');
  }

  #symbol(start: number): void {
    for (let length = symbolLengthMax; length > 0; length--) {
      const text = this.#sql.substring(start, start + length);
      if (text.length === length && symbols.has(text)) {
        this.#at = start + length;
        this.#push('symbol', text, start);
        return;
      }
    }
    this.#at = start + 1;
    this.#invalid(start, `syntax error: unexpected character "${this.#sql[start]}"`);
  }
}

/** Whether the character at `at` follows an odd number of backslashes. */
function endsInsideEscape(sql: string, from: number, at: number): boolean {
  let backslashes = 0;
  for (let i = at - 1; i >= from && sql.charCodeAt(i) === 92; i--) backslashes++;
  return backslashes % 2 === 1;
}

const simpleEscapes: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** The escapes of PostgreSQL's E'…' strings. */
function unescapeText(text: string): string {
  const escapes =
    /\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]))/g;
  return text.replace(escapes, (all, octal, byte, unit, point, other) => {
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
    const digits = byte ?? unit ?? point;
    if (digits === undefined) return simpleEscapes[other] ?? other;
    const code = Number.parseInt(digits, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}
