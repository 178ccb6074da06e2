import { RegexError } from './error.ts';
import { foldCase } from './fold-case.ts';
import { perlSets, posixSets, unicodeSet } from './named-sets.ts';
import { anyCharacter, complement, type Range, type Ranges, unite } from './ranges.ts';
import { type Assertion, emptyRegex, notNewline, partsOf, type Regex, someNode } from './syntax.ts';

export interface RegexOptions {
  /** Letters match in any case. */
  readonly ignoreCase?: boolean | undefined;
  /** `.` also matches a newline. */
  readonly dotAll?: boolean | undefined;
  /** The pattern is a text to be found as it is. */
  readonly literal?: boolean | undefined;
}

export interface ParsedRegex {
  readonly root: Regex;
  /** How many groups capture. */
  readonly groups: number;
}

/** A repetition may ask for so many at most, nested ones together too. */
const repeatMax = 1000;
const depthMax = 200;

interface Flags {
  i: boolean;
  s: boolean;
  m: boolean;
  U: boolean;
}

/**
 * Reads a regular expression in the syntax of RE2.
 *
 * @throws RegexError with the place where it is none.
 */
export function parseRegex(pattern: string, options: RegexOptions = {}): ParsedRegex {
  const flags = {
    i: options.ignoreCase === true,
    s: options.dotAll === true,
    m: false,
    U: false,
  };
  return new RegexParser(pattern, flags).parse(options.literal === true);
}

const anchors: Readonly<Record<string, Assertion>> = {
  A: 'textStart',
  z: 'textEnd',
  b: 'wordBoundary',
  B: 'noWordBoundary',
};

const controls: Readonly<Record<string, string>> = {
  a: '\x07',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

class RegexParser {
  readonly #pattern: string;
  #flags: Flags;
  #at = 0;
  #groups = 0;
  #depth = 0;
  readonly #names = new Set<string>();

  constructor(pattern: string, flags: Flags) {
    this.#pattern = pattern;
    this.#flags = flags;
  }

  parse(literal: boolean): ParsedRegex {
    if (literal) {
      const parts = Array.from(this.#pattern, (c) => this.#character(c.codePointAt(0)!));
      return { root: { kind: 'sequence', parts }, groups: 0 };
    }
    const root = this.#choice();
    if (this.#at < this.#pattern.length) this.#fail('unexpected )');
    return { root, groups: this.#groups };
  }

  #fail(what: string, offset = this.#at): never {
    throw new RegexError(what, offset);
  }

  #sees(text: string): boolean {
    return this.#pattern.startsWith(text, this.#at);
  }

  #takes(text: string): boolean {
    if (!this.#sees(text)) return false;
    this.#at += text.length;
    return true;
  }

  /** What `expression`, which is sticky, matches here, taken. */
  #take(expression: RegExp): RegExpExecArray | undefined {
    expression.lastIndex = this.#at;
    const match = expression.exec(this.#pattern);
    if (match === null) return undefined;
    this.#at += match[0].length;
    return match;
  }

  /** The next character, taken. */
  #next(): number {
    const code = this.#pattern.codePointAt(this.#at)!;
    this.#at += code > 0xffff ? 2 : 1;
    return code;
  }

  #choice(): Regex {
    const options = [this.#sequence()];
    while (this.#takes('|')) options.push(this.#sequence());
    return options.length === 1 ? options[0] : { kind: 'choice', options };
  }

  #sequence(): Regex {
    const parts: Regex[] = [];
    while (this.#at < this.#pattern.length && !this.#sees('|') && !this.#sees(')')) {
      const start = this.#at;
      if (this.#takes('\\Q')) {
        parts.push(...this.#quoted());
        if (parts.length === 0) continue;
      } else {
        const atom = this.#atom();
        if (atom === undefined) continue;
        parts.push(atom);
      }
      parts.push(this.#repeated(parts.pop()!, start));
    }
    if (parts.length === 0) return emptyRegex;
    return parts.length === 1 ? parts[0] : { kind: 'sequence', parts };
  }

  /** The characters up to \E, or the end. */
  #quoted(): Regex[] {
    const found = this.#pattern.indexOf('\\E', this.#at);
    const end = found < 0 ? this.#pattern.length : found;
    const text = this.#pattern.slice(this.#at, end);
    this.#at = found < 0 ? end : end + 2;
    return Array.from(text, (character) => this.#character(character.codePointAt(0)!));
  }

  /** An atom with the repetition that follows. */
  #repeated(atom: Regex, start: number): Regex {
    const operatorAt = this.#at;
    const operator = this.#take(/[*+?]|\{(\d+)(,(\d*))?\}/y);
    if (operator === undefined) return atom;
    const [text, least, comma, most] = operator;
    let [min, max] = text === '*' ? [0, Infinity] : text === '+' ? [1, Infinity] : [0, 1];
    if (least !== undefined) {
      min = Number(least);
      max = comma === undefined ? min : most === '' ? Infinity : Number(most);
      const largest = max === Infinity ? min : max;
      if (largest > repeatMax || max < min || largest * repeats(atom) > repeatMax) {
        this.#fail(`invalid repetition size ${text}`, operatorAt);
      }
    }
    const lazy = this.#takes('?') !== this.#flags.U;
    const second = this.#take(/[*+?]|\{\d+(,\d*)?\}/y);
    if (second !== undefined) {
      this.#fail(`bad repetition operator ${this.#pattern.slice(operatorAt, this.#at)}`, start);
    }
    return { kind: 'repeat', body: atom, min, max, lazy };
  }

  /** One thing that can be repeated; undefined for flags, which are none. */
  #atom(): Regex | undefined {
    const start = this.#at;
    if (this.#take(/[*+?]/y)) this.#fail('missing argument to repetition operator', start);
    if (this.#takes('(')) return this.#group(start);
    if (this.#takes('[')) return this.#bracket(start);
    if (this.#takes('.')) {
      return { kind: 'character', set: this.#flags.s ? anyCharacter : notNewline };
    }
    const { m } = this.#flags;
    if (this.#takes('^')) return { kind: 'assertion', assertion: m ? 'lineStart' : 'textStart' };
    if (this.#takes('$')) return { kind: 'assertion', assertion: m ? 'lineEnd' : 'textEnd' };
    if (!this.#sees('\\')) return this.#character(this.#next());
    const anchor = this.#take(/\\([AzbB])/y);
    if (anchor !== undefined) return { kind: 'assertion', assertion: anchors[anchor[1]] };
    const set = this.#escapedSet();
    if (set !== undefined) return { kind: 'character', set };
    return this.#character(this.#escaped());
  }

  #character(code: number): Regex {
    const set: Ranges = [[code, code]];
    return { kind: 'character', set: this.#flags.i ? foldCase(set) : set };
  }

  /** Behind `(`. */
  #group(start: number): Regex | undefined {
    const outer = this.#flags;
    let index: number | undefined;
    if (!this.#sees('?')) {
      index = ++this.#groups;
    } else {
      const name = this.#take(/\?P?<(\w*)>/y);
      if (name !== undefined) {
        if (name[1] === '' || this.#names.has(name[1])) this.#fail('bad name of a group', start);
        this.#names.add(name[1]);
        index = ++this.#groups;
      } else if (this.#takeFlags(start) === 'alone') {
        return undefined;
      }
    }
    if (++this.#depth > depthMax) this.#fail('groups nest too deeply', start);
    const body = this.#choice();
    this.#depth--;
    if (!this.#takes(')')) this.#fail('missing )', start);
    this.#flags = outer;
    return index === undefined ? body : { kind: 'group', index, body };
  }

  /** `?i-s:` of a group, or `?i-s)`, which holds up to the end of the group around it. */
  #takeFlags(start: number): 'alone' | 'group' {
    const match = this.#take(/\?([imsU]*)(-[imsU]+)?([:)])/y);
    if (match === undefined) {
      this.#fail('bad or unsupported kind of group (lookaround has no linear time)', start);
    }
    const [, on, off = '', end] = match;
    const flags = { ...this.#flags };
    for (const flag of on as Iterable<keyof Flags>) flags[flag] = true;
    for (const flag of off.slice(1) as Iterable<keyof Flags>) flags[flag] = false;
    this.#flags = flags;
    return end === ')' ? 'alone' : 'group';
  }

  /** \d, \pL and their kin. */
  #escapedSet(): Ranges | undefined {
    const start = this.#at;
    const perl = this.#take(/\\([dDsSwW])/y);
    if (perl !== undefined) return this.#folded(perlSets[perl[1]]);
    const unicode = this.#take(/\\([pP])(?:\{(\^?)(\w+)\}|([A-Z]))/y);
    if (unicode === undefined) return undefined;
    const [text, letter, caret = '', name, short] = unicode;
    const set = unicodeSet(name ?? short);
    if (set === undefined) this.#fail(`unknown set of characters ${text}`, start);
    const negated = (letter === 'P') !== (caret === '^');
    const folded = this.#folded(set);
    return negated ? complement(folded) : folded;
  }

  #folded(set: Ranges): Ranges {
    return this.#flags.i ? foldCase(set) : set;
  }

  /** The character that an escape sequence stands for. */
  #escaped(): number {
    const start = this.#at;
    const octal = this.#take(/\\(0[0-7]{0,2}|[1-7][0-7]{1,2})/y);
    if (octal !== undefined) return Number.parseInt(octal[1], 8);
    const hex = this.#take(/\\x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]+)\})/y);
    if (hex !== undefined) {
      const code = Number.parseInt(hex[1] ?? hex[2], 16);
      if (code > 0x10ffff) this.#fail(`invalid escape sequence ${hex[0]}`, start);
      return code;
    }
    const control = this.#take(/\\([afnrtv])/y);
    if (control !== undefined) return controls[control[1]].charCodeAt(0);
    const plain = this.#take(/\\([!-/:-@[-`{-~ ])/y);
    if (plain !== undefined) return plain[1].charCodeAt(0);
    if (start + 1 === this.#pattern.length) this.#fail('the pattern ends with a backslash', start);
    const shown = String.fromCodePoint(this.#pattern.codePointAt(start + 1)!);
    this.#fail(`invalid escape sequence \\${shown}`, start);
  }

  /** Behind `[`. */
  #bracket(start: number): Regex {
    const negated = this.#takes('^');
    const ranges: Range[] = [];
    for (let first = true; first || !this.#sees(']'); first = false) {
      if (this.#at >= this.#pattern.length) this.#fail('missing ]', start);
      const named = this.#posixSet() ?? this.#escapedSet();
      if (named !== undefined) ranges.push(...named);
      else ranges.push(...this.#folded([this.#range()]));
    }
    this.#at++;
    const set = unite(ranges);
    return { kind: 'character', set: negated ? complement(set) : set };
  }

  #posixSet(): Ranges | undefined {
    const start = this.#at;
    const match = this.#take(/\[:(\^?)([^\]]*?):\]/y);
    if (match === undefined) return undefined;
    const [text, caret, name] = match;
    if (!Object.hasOwn(posixSets, name)) this.#fail(`unknown set of characters ${text}`, start);
    const set = this.#folded(posixSets[name]);
    return caret === '^' ? complement(set) : set;
  }

  #range(): Range {
    const start = this.#at;
    const low = this.#member();
    if (!this.#sees('-') || this.#pattern[this.#at + 1] === ']') return [low, low];
    this.#at++;
    if (this.#at >= this.#pattern.length) this.#fail('missing ]', start);
    const high = this.#member();
    if (high < low) {
      this.#fail(`invalid range ${this.#pattern.slice(start, this.#at)}`, start);
    }
    return [low, high];
  }

  #member(): number {
    return this.#sees('\\') ? this.#escaped() : this.#next();
  }
}

/** How often the innermost part is written out where nested repetitions are counted. */
function repeats(regex: Regex): number {
  if (!someNode(regex, ({ kind }) => kind === 'repeat')) return 1;
  const inner = Math.max(1, ...partsOf(regex).map(repeats));
  if (regex.kind !== 'repeat') return inner;
  return inner * Math.max(1, regex.max === Infinity ? regex.min : regex.max);
}
