/**
 * Regular expressions as deterministic automata: the table tells the next state for each byte, code
 * of its own does what is to be done now and then: note places, skip what loops, end.
 */
import { place } from '../../regex/dfa.ts';
import { literalPrefix, requiredLiteral } from '../../regex/literals.ts';
import type { Matcher } from '../../regex/matcher.ts';
import {
  type Expr,
  type Func,
  type FunctionBuilder,
  i8x16,
  i32,
  type Label,
  type Local,
  type ModuleBuilder,
  v128,
} from '../../wasm/index.ts';
import { once } from './kernel.ts';
import {
  type Action,
  type Arrival,
  actionBits,
  actionUnit,
  makeRegexTable,
  type RegexTable,
  rowsAt,
  type Skip,
} from './regex-table.ts';
import { emitFind, type Word, word } from './search.ts';

export interface RegexWalk {
  /**
   * (address, length, from, table, 0) → whether there is a match that begins at `from` or later,
   * the address of its end, and those of its tags, -1 for one that was not passed. Reads up to 15
   * bytes past the text.
   */
  readonly func: Func;
  /** To be put in memory, 4-byte aligned. */
  readonly table: Uint8Array;
}

/**
 * The walk of a matcher: undefined if it has no automaton. `name` tells it from others in the
 * module.
 */
export function emitRegexWalk(
  m: ModuleBuilder,
  name: string,
  { dfa, nfa, parsed }: Matcher,
): RegexWalk | undefined {
  if (dfa === undefined) return undefined;
  return once(m, `regex ${name}`, () => {
    const prefix = nfa.anchored ? undefined : literalPrefix(nfa);
    const start =
      prefix !== undefined && prefix.bytes.length > 1
        ? word(prefix.bytes, prefix.anyCase)
        : undefined;
    const table = makeRegexTable(dfa, { findsStart: start !== undefined });
    if (table === undefined) return undefined;
    const literal = requiredLiteral(parsed.root);
    const needed = nfa.anchored || start !== undefined || literal.length < 2;
    const required = needed ? undefined : word(literal, false);
    const params = {
      address: 'i32',
      length: 'i32',
      from: 'i32',
      table: 'i32',
      none: 'i32',
    } as const;
    const results = Array<'i32'>(2 + dfa.tags).fill('i32');
    const func = m.func(name, { params, results }, (f) => {
      new Walk(f, f.param, table, { start, required }, dfa).emit();
    });
    return { func, table: table.bytes };
  });
}

interface Parameters {
  readonly address: Local;
  readonly length: Local;
  readonly from: Local;
  readonly table: Local;
}

interface Words {
  /** With what a match begins. */
  readonly start: Word | undefined;
  /** What a match contains. */
  readonly required: Word | undefined;
}

class Walk {
  readonly #f: FunctionBuilder;
  readonly #table: RegexTable;
  readonly #param: Parameters;
  readonly #words: Words;
  readonly #cursor: Local;
  readonly #end: Local;
  readonly #entry: Local;
  readonly #found: Local;
  readonly #foundEnd: Local;
  readonly #places: readonly Local[];
  readonly #registers: readonly Local[];

  constructor(
    f: FunctionBuilder,
    param: Parameters,
    table: RegexTable,
    words: Words,
    { registers, tags }: { registers: number; tags: number },
  ) {
    this.#f = f;
    this.#table = table;
    this.#param = param;
    this.#words = words;
    this.#cursor = f.local('i32', 'cursor');
    this.#end = f.local('i32', 'end');
    this.#entry = f.local('i32', 'entry');
    this.#found = f.local('i32', 'found');
    this.#foundEnd = f.local('i32', 'foundEnd');
    this.#places = Array.from({ length: tags }, (_, i) => f.local('i32', `place${i}`));
    this.#registers = Array.from({ length: registers }, (_, i) => f.local('i32', `register${i}`));
  }

  emit(): void {
    const f = this.#f;
    const { address, length, from, table } = this.#param;
    f.set(this.#cursor, i32.add(address, from));
    f.set(this.#end, i32.add(address, length));
    this.#lookForRequired();
    f.set(this.#entry, this.#firstEntry());
    f.loop((next) => {
      f.if(i32.geU(this.#entry, actionUnit), () => this.#act());
      f.if(i32.geU(this.#cursor, this.#end), () => this.#atEnd());
      const byteClass = i32.load8U(i32.add(table, i32.load8U(this.#cursor)));
      const row = i32.add(i32.add(table, i32.shl(byteClass, 2)), this.#entry);
      f.set(this.#entry, i32.load(row, rowsAt));
      f.set(this.#cursor, i32.add(this.#cursor, 1));
      f.br(next);
    });
    this.#return();
  }

  #return(): void {
    this.#f.return(this.#found, this.#foundEnd, ...this.#places);
  }

  #lookForRequired(): void {
    const f = this.#f;
    const { required } = this.#words;
    if (required === undefined) return;
    f.block((there) => {
      f.block((missing) => {
        emitFind(f, required, this.#cursor, this.#end, f.local('i32', 'required'), missing);
        f.br(there);
      });
      this.#return();
    });
  }

  #firstEntry(): Expr {
    const { start } = this.#table;
    if ('entry' in start) return i32.const(start.entry);
    const { from, table } = this.#param;
    const before = i32.if(from, i32.load8U(i32.sub(this.#cursor, 1)), 256);
    return i32.load(i32.add(table, i32.shl(before, 2)), start.table);
  }

  #read(source: number, here: Expr): Expr {
    if (source === place.here) return here;
    return source === place.unset ? i32.const(-1) : this.#registers[source];
  }

  /** Notes a match. */
  #note(match: readonly number[], end: Expr): void {
    const f = this.#f;
    f.set(this.#found, 1);
    f.set(this.#foundEnd, end);
    match.forEach((source, i) => {
      f.set(this.#places[i], this.#read(source, end));
    });
  }

  #atEnd(): void {
    const { ends, endAt } = this.#table;
    const matches = ends.map((match) => () => {
      if (match !== undefined) this.#note(match, this.#cursor);
      this.#return();
    });
    emitCases(this.#f, i32.load(i32.add(this.#param.table, this.#entry), rowsAt + endAt), matches);
  }

  /** Does what the action of the entry asks for, and leaves the plain entry. */
  #act(): void {
    const f = this.#f;
    const number = f.let(i32.sub(i32.shrU(this.#entry, actionBits), 1), 'action');
    f.set(this.#entry, i32.and(this.#entry, actionUnit - 1));
    emitCases(
      f,
      number,
      this.#table.actions.map((action) => () => this.#action(action)),
    );
  }

  #action({ before, moves, arrival }: Action): void {
    const f = this.#f;
    const last = i32.sub(this.#cursor, 1);
    if (before !== undefined) this.#note(before, last);
    if (arrival === undefined) {
      this.#return();
      return;
    }
    // All are read before any is written.
    const written = new Set(moves.map(({ register }) => register));
    const values = moves.map(({ from }) => {
      const value = this.#read(from, last);
      return from >= 0 && written.has(from) && moves.length > 1 ? f.let(value, 'moved') : value;
    });
    moves.forEach(({ register }, i) => {
      f.set(this.#registers[register], values[i]);
    });
    this.#arrive(arrival);
  }

  #arrive({ skip, accept, final }: Arrival): void {
    if (skip !== undefined) this.#skip(skip);
    if (accept !== undefined) this.#note(accept, this.#cursor);
    if (final) this.#return();
  }

  #skip(skip: Skip): void {
    const f = this.#f;
    const { start } = this.#words;
    if (skip.kind === 'bytes') {
      f.block((done) => this.#skipBytes(skip, done));
    } else if (start !== undefined) {
      f.block((there) => {
        f.block((missing) => {
          const found = f.local('i32', 'candidate');
          emitFind(f, start, this.#cursor, this.#end, found, missing);
          f.set(this.#cursor, found);
          f.br(there);
        });
        this.#return();
      });
    }
  }

  #skipBytes(skip: Skip & { kind: 'bytes' }, done: Label): void {
    const f = this.#f;
    const hits = f.local('i32', 'hits');
    if (skip.ranges.length === 0) {
      if (!skip.outside) f.set(this.#cursor, this.#end);
      return;
    }
    const bytes = f.local('v128', 'bytes');
    const tests = skip.ranges.map(([first, last]) => {
      if (first === last) return i8x16.eq(bytes, i8x16.const(first));
      return i8x16.ltU(i8x16.sub(bytes, i8x16.const(first)), i8x16.const(last - first + 1));
    });
    const mask = i8x16.bitmask(tests.reduce((a, b) => v128.or(a, b)));
    f.loop((again) => {
      f.if(i32.geU(this.#cursor, this.#end), () => {
        f.set(this.#cursor, this.#end);
        f.br(done);
      });
      f.set(bytes, v128.load(this.#cursor, 0, 1));
      f.set(hits, skip.outside ? i32.xor(mask, 0xffff) : mask);
      f.if(hits, () => {
        const stop = f.let(i32.add(this.#cursor, i32.ctz(hits)), 'stop');
        f.set(this.#cursor, i32.select(i32.ltU(stop, this.#end), stop, this.#end));
        f.br(done);
      });
      f.set(this.#cursor, i32.add(this.#cursor, 16));
      f.br(again);
    });
  }
}

/** Runs one of some bodies, by its number. */
function emitCases(f: FunctionBuilder, index: Expr, bodies: readonly (() => void)[]): void {
  if (bodies.length <= 1) {
    for (const only of bodies) only();
    return;
  }
  f.block((done) => {
    const labels: Label[] = [];
    const nest = (depth: number): void => {
      if (depth < 0) {
        f.brTable(labels.toReversed(), labels[0], index);
        return;
      }
      f.block((label) => {
        labels.push(label);
        nest(depth - 1);
      });
      bodies[depth]();
      f.br(done);
    };
    nest(bodies.length - 1);
  });
}
