import { QuernError, sqlState } from '../../base/error.ts';
import { nearestName } from '../../base/nearest.ts';
import type { Identifier, QualifiedName, Span } from '../ast/node.ts';
import type { Diagnostic } from '../diagnostic.ts';
import { noBareLabels, operatorWords, queryStarts, reservedWords } from '../keywords.ts';
import { nestingMax } from '../limits.ts';
import type { Token } from '../token.ts';

/** Ends the parse of one statement; never leaves this folder. */
export class ParseFailure extends QuernError {
  readonly diagnostic: Diagnostic;

  constructor(diagnostic: Diagnostic) {
    super(diagnostic.code, diagnostic.message);
    this.diagnostic = diagnostic;
  }
}

/**
 * A position in a list of tokens with what all grammar functions need: look ahead, take, expect,
 * names, spans and errors. It remembers which words were asked for at the present token, so that an
 * error can name the one that was probably meant.
 */
export class Parser {
  readonly sql: string;
  readonly #tokens: readonly Token[];
  readonly #lexicalErrors: readonly Diagnostic[];
  #index = 0;
  #depth = 0;
  /** Words and symbols that would have fitted at `#index`. */
  #wanted: string[] = [];
  /** The name last taken as an alias without AS: a misspelled keyword is often taken for one. */
  #bareAlias: Token | undefined;
  #anonymousParameters = 0;
  token: Token;

  constructor(sql: string, tokens: readonly Token[], lexicalErrors: readonly Diagnostic[]) {
    this.sql = sql;
    this.#tokens = tokens;
    this.#lexicalErrors = lexicalErrors;
    this.token = tokens[0];
  }

  /** Number of tokens taken so far. */
  get index(): number {
    return this.#index;
  }

  advance(): Token {
    const taken = this.token;
    if (taken.kind !== 'end') this.token = this.#tokens[++this.#index];
    this.#wanted.length = 0;
    return taken;
  }

  /** The token `distance` after the present one. */
  peek(distance: number): Token {
    return this.#tokens[Math.min(this.#index + distance, this.#tokens.length - 1)];
  }

  /** Whether the present token is this word (upper case). */
  at(word: string): boolean {
    if (this.token.kind === 'word' && this.token.text === word) return true;
    this.#wanted.push(word);
    return false;
  }

  /** Whether the present token is this symbol. */
  atSymbol(symbol: string): boolean {
    return this.token.kind === 'symbol' && this.token.text === symbol;
  }

  /** Words that would have fitted here, for the hint of an error. */
  suggest(words: readonly string[]): void {
    this.#wanted.push(...words);
  }

  peekIs(distance: number, text: string): boolean {
    const token = this.peek(distance);
    return token.text === text && (token.kind === 'word' || token.kind === 'symbol');
  }

  take(word: string): boolean {
    if (!this.at(word)) return false;
    this.advance();
    return true;
  }

  /** Takes a sequence of words, all or none. */
  takeAll(...words: string[]): boolean {
    if (!this.at(words[0])) return false;
    for (let i = 1; i < words.length; i++) if (!this.peekIs(i, words[i])) return false;
    for (let i = 0; i < words.length; i++) this.advance();
    return true;
  }

  takeSymbol(symbol: string): boolean {
    if (!this.atSymbol(symbol)) return false;
    this.advance();
    return true;
  }

  expect(word: string): Token {
    if (!this.at(word)) this.fail(`expected ${word}`);
    return this.advance();
  }

  expectAll(...words: string[]): void {
    for (const word of words) this.expect(word);
  }

  expectSymbol(symbol: string): Token {
    if (!this.atSymbol(symbol)) this.fail(`expected "${symbol}"`);
    return this.advance();
  }

  /** One of several words. */
  expectOneOf(...words: string[]): string {
    for (const word of words) if (this.take(word)) return word;
    return this.fail(`expected ${words.slice(0, -1).join(', ')} or ${words.at(-1)}`);
  }

  /** One or more, with commas between. */
  list<T>(item: (parser: Parser) => T): T[] {
    const items = [item(this)];
    while (this.takeSymbol(',')) items.push(item(this));
    return items;
  }

  /** A list in parentheses. */
  listInParentheses<T>(item: (parser: Parser) => T): T[] {
    this.expectSymbol('(');
    const items = this.list(item);
    this.expectSymbol(')');
    return items;
  }

  /** The span from the start of `from` to the end of the last token taken. */
  spanFrom(from: { readonly start: number }): Span {
    const last = this.#index === 0 ? this.token : this.#tokens[this.#index - 1];
    return { start: from.start, end: Math.max(from.start, last.end) };
  }

  /** Must be called where the grammar recurses, with a {@link leave} for each. */
  enter(): void {
    if (++this.#depth > nestingMax) {
      this.#depth = 0;
      this.failAt(this.token, `the statement is nested more than ${nestingMax} levels deep`, {
        code: sqlState.programLimitExceeded,
      });
    }
  }

  leave(): void {
    this.#depth--;
  }

  /** Starts afresh after the next semicolon. */
  skipStatement(): void {
    while (this.token.kind !== 'end' && !this.atSymbol(';')) this.advance();
    this.#depth = 0;
  }

  startStatement(): void {
    this.#depth = 0;
    this.#anonymousParameters = 0;
    this.#bareAlias = undefined;
  }

  /** The number of the next `?` of the statement. */
  nextParameter(): number {
    return ++this.#anonymousParameters;
  }

  /** Whether a query starts here, or at `distance`, directly or within parentheses. */
  atQuery(distance = 0): boolean {
    const token = this.peek(distance);
    if (token.kind !== 'word' || !queryStarts.has(token.text)) return false;
    return token.text !== 'VALUES' || this.peekIs(distance + 1, '(');
  }

  /** Whether the present token can name a table, column or alias. */
  atName(): boolean {
    const { kind, text } = this.token;
    if (kind === 'quoted') return true;
    return kind === 'word' && !reservedWords.has(text) && !operatorWords.has(text);
  }

  /** A name where any word but a reserved one fits. */
  name(what = 'a name'): Identifier {
    if (!this.atName()) this.fail(`expected ${what}`);
    return this.#identifier();
  }

  /** A name where every word fits, reserved or not: after AS and after a dot. */
  label(what = 'a name'): Identifier {
    if (this.token.kind !== 'word' && this.token.kind !== 'quoted') this.fail(`expected ${what}`);
    return this.#identifier();
  }

  /** The name of a function, which may be a word such as LEFT. */
  functionName(): Identifier {
    if (this.token.kind === 'word' && operatorWords.has(this.token.text)) return this.#identifier();
    return this.name('the name of a function');
  }

  /** The alias of a select item without AS, if there is one. */
  bareLabel(): Identifier | undefined {
    if (!this.atName()) return undefined;
    if (this.token.kind === 'word' && noBareLabels.has(this.token.text)) return undefined;
    return this.bareAlias();
  }

  /** A name here is an alias without AS. */
  bareAlias(): Identifier | undefined {
    if (!this.atName()) return undefined;
    const wanted = [...this.#wanted];
    this.#bareAlias = this.token;
    const alias = this.#identifier();
    // The words that could have stood in its place are still what a misspelling may have meant.
    this.#wanted.push(...wanted);
    return alias;
  }

  #identifier(): Identifier {
    const { kind, text, start, end } = this.advance();
    const quoted = kind === 'quoted';
    const name = quoted ? text : this.sql.slice(start, end);
    return { kind: 'identifier', span: { start, end }, name, quoted };
  }

  qualifiedName(what = 'a name'): QualifiedName {
    const start = this.token;
    const parts = [this.name(what)];
    while (this.atSymbol('.') && parts.length < 3) {
      this.advance();
      parts.push(this.label());
    }
    return { kind: 'qualifiedName', span: this.spanFrom(start), parts };
  }

  stringValue(what = 'a string'): string {
    if (this.token.kind !== 'string') this.fail(`expected ${what}`);
    return this.advance().text;
  }

  numberValue(what = 'a number'): number {
    if (this.token.kind !== 'number') this.fail(`expected ${what}`);
    return Number(this.advance().text);
  }

  /** A whole number that fits in 32 bits. */
  integerValue(what = 'a whole number'): number {
    const token = this.token;
    if (token.kind !== 'number' || !/^\d{1,9}$/.test(token.text)) this.fail(`expected ${what}`);
    return Number(this.advance().text);
  }

  /** Reports a syntax error at the present token: `message` says what was expected. */
  fail(message: string): never {
    const token = this.token;
    if (token.kind === 'invalid') this.#failLexically(token);
    const found = token.kind === 'end' ? 'the end of the text' : `"${this.#excerpt(token)}"`;
    return this.failAt(token, `syntax error: ${message}, found ${found}`, { hint: this.#guess() });
  }

  failAt(at: Span, message: string, options: { code?: string; hint?: string | undefined }): never {
    const { code = sqlState.syntaxError, hint } = options;
    const span = { start: at.start, end: at.end };
    throw new ParseFailure({ code, message, span, hint });
  }

  notSupported(at: Span, what: string, hint?: string): never {
    return this.failAt(at, `${what} is not supported`, {
      code: sqlState.featureNotSupported,
      hint,
    });
  }

  #failLexically(token: Token): never {
    const error = this.#lexicalErrors.find((diagnostic) => diagnostic.span.start === token.start);
    throw new ParseFailure(error!);
  }

  #excerpt(token: Token): string {
    const text = this.sql.slice(token.start, token.end);
    return text.length > 40 ? `${text.slice(0, 40)}…` : text;
  }

  /** The keyword that the present token, or the alias just before it, was probably meant to be. */
  #guess(): string | undefined {
    if (this.token.kind === 'word' && !reservedWords.has(this.token.text)) {
      const near = nearestName(this.token.text, this.#wanted);
      if (near !== undefined) return `did you mean ${near}?`;
    }
    const alias = this.#bareAlias;
    if (alias?.kind !== 'word' || alias !== this.#tokens[this.#index - 1]) return undefined;
    const near = nearestName(alias.text, this.#wanted);
    if (near === undefined) return undefined;
    return `did you mean ${near} instead of "${this.#excerpt(alias)}"?`;
  }
}
