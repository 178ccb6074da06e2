/**
 * LIKE with a constant pattern: the pattern is compiled into a matcher of its own. Strings are
 * UTF-8,
 * `_` is one character, comparison is by bytes. All of these may read up to 15 bytes past a string.
 */
import {
  type Func,
  type FunctionBuilder,
  i8x16,
  i32,
  type Label,
  type Local,
  type ModuleBuilder,
  memory,
  v128,
} from '../../wasm/index.ts';
import { once } from './kernel.ts';
import { foldedPattern, foldNeed } from './like-fold.ts';
import { type LikeItem, type LikePattern, parseLikePattern } from './like-pattern.ts';
import { characterLength, emitFind, equalsWord, word } from './search.ts';

export interface LikeOptions {
  /** The character that makes the next one ordinary; none by default. */
  readonly escape?: string | undefined;
  /** Letters match in any case (ILIKE), by the simple case folding of Unicode. Default false. */
  readonly foldCase?: boolean;
}

/** What remains of the string while it is matched: from `cursor` to before `end`. */
interface Range {
  readonly cursor: Local;
  readonly end: Local;
}

function keyOf(pattern: string, options: LikeOptions): string {
  return `${options.foldCase ? 'ilike' : 'like'} '${pattern}' escape '${options.escape ?? ''}'`;
}

function parse(pattern: string, options: LikeOptions): LikePattern {
  return parseLikePattern(pattern, options.escape);
}

/**
 * A function (address: i32, length: i32) → i32 that answers 1 if the string matches, else 0. Throws
 * a QuernError if the pattern ends with the escape character.
 */
export function emitLike(m: ModuleBuilder, pattern: string, options: LikeOptions = {}): Func {
  const parts = parse(pattern, options);
  const need = options.foldCase ? foldNeed(parts) : 'ascii';
  return once(m, keyOf(pattern, options), (name) =>
    m.func(name, { params: { address: 'i32', length: 'i32' }, results: ['i32'] }, (f) => {
      const { address, length } = f.param;
      const matcher = new Matcher(f, options);
      const returnIfMatched = (parts: LikePattern): void => {
        const cursor = f.let(address, 'cursor');
        const end = f.let(i32.add(address, length), 'end');
        f.block((fail) => {
          matcher.whole(parts, { cursor, end }, fail);
          f.return(1);
        });
      };
      if (need !== 'unicode') returnIfMatched(parts);
      if (need !== 'ascii') {
        if (need === 'lookalikes') emitReturnIfAscii(f, address, length);
        returnIfMatched(foldedPattern(parts));
      }
      f.return(0);
    }),
  );
}

/** Returns 0 from the function if all bytes are ASCII. */
function emitReturnIfAscii(f: FunctionBuilder, address: Local, length: Local): void {
  const place = f.let(address, 'place');
  const left = f.let(length, 'left');
  const signs = f.local('i32', 'signs');
  f.block((other) => {
    f.loop((next) => {
      f.set(signs, i8x16.bitmask(v128.load(place, 0, 1)));
      f.if(i32.leU(left, 16), () => {
        // Only the bits of the bytes that are left.
        f.brIf(other, i32.and(signs, i32.sub(i32.shl(1, left), 1)));
        f.return(0);
      });
      f.brIf(other, signs);
      f.set(place, i32.add(place, 16));
      f.set(left, i32.sub(left, 16));
      f.br(next);
    });
  });
}

/**
 * A function (offsets: i32, heap: i32, count: i32, out: i32) for a run of strings that lie back to
 * back: string i spans heap + offsets[i] to heap + offsets[i + 1]. Writes one byte a string to
 * `out`, 1 if it matches, else 0. Patterns that begin with `%` are searched for in the heap as a
 * whole, which is faster than row after row when few match.
 */
export function emitLikeColumn(m: ModuleBuilder, pattern: string, options: LikeOptions = {}): Func {
  const parts = parse(pattern, options);
  return once(m, `${keyOf(pattern, options)} column`, (name) => {
    const params = { offsets: 'i32', heap: 'i32', count: 'i32', out: 'i32' } as const;
    return m.func(name, { params }, (f) => {
      const column = { ...f.param };
      const searchable = parts.head.length === 0 && parts.middle.length > 0;
      if (options.foldCase && foldNeed(parts) !== 'ascii')
        emitRows(f, emitLike(m, pattern, options), column);
      else if (searchable) new Matcher(f, options).heap(parts, column);
      else new Matcher(f, options).rows(parts, column);
    });
  });
}

interface Column {
  readonly offsets: Local;
  readonly heap: Local;
  readonly count: Local;
  readonly out: Local;
}

/** Row after row, by a call for each. */
function emitRows(f: FunctionBuilder, like: Func, { offsets, heap, count, out }: Column): void {
  const row = f.local('i32', 'row');
  f.for(row, 0, count, () => {
    const at = f.let(i32.add(offsets, i32.shl(row, 2)), 'at');
    const start = f.let(i32.load(at), 'start');
    const length = i32.sub(i32.load(at, 4), start);
    f.do(i32.store8(i32.add(out, row), like.call(i32.add(heap, start), length)));
  });
}

/** Emits matching code into one function. */
class Matcher {
  readonly #f: FunctionBuilder;
  readonly #foldCase: boolean;

  constructor(f: FunctionBuilder, options: LikeOptions) {
    this.#f = f;
    this.#foldCase = options.foldCase === true;
  }

  /** Matches all of a string; branches to `fail` if it does not. */
  whole({ head, middle, tail }: LikePattern, range: Range, fail: Label): void {
    const f = this.#f;
    for (const item of head) this.#forward(item, range, fail);
    if (tail === undefined) {
      f.brIf(fail, i32.ne(range.cursor, range.end));
      return;
    }
    this.#rest(tail, middle, range, fail);
  }

  /** Matches what follows a `%`: the end of the string, then parts that may be anywhere before. */
  #rest(
    tail: readonly LikeItem[],
    middle: readonly (readonly LikeItem[])[],
    range: Range,
    fail: Label,
  ): void {
    for (const item of tail.toReversed()) this.#backward(item, range, fail);
    // The leftmost place of a part leaves the most for the parts behind it, so it need not be
    // undone.
    for (const part of middle) this.#search(part, range, fail);
  }

  /** Moves the cursor past `item`. */
  #forward(item: LikeItem, { cursor, end }: Range, fail: Label): void {
    const f = this.#f;
    if (item.kind === 'any') {
      this.#repeat(item.count, () => {
        f.brIf(fail, i32.geU(cursor, end));
        f.set(cursor, i32.add(cursor, characterLength(f, cursor)));
      });
      return;
    }
    if (item.kind === 'letter') {
      f.block((matched) => {
        for (const bytes of item.variants) {
          const after = i32.add(cursor, bytes.length);
          const same = equalsWord(word(bytes, false), cursor);
          f.if(i32.if(i32.leU(after, end), same, 0), () => {
            f.set(cursor, after);
            f.br(matched);
          });
        }
        f.br(fail);
      });
      return;
    }
    const { length } = item.bytes;
    f.brIf(fail, i32.gtU(i32.add(cursor, length), end));
    f.brIf(fail, i32.eqz(equalsWord(word(item.bytes, this.#foldCase), cursor)));
    f.set(cursor, i32.add(cursor, length));
  }

  /** Moves the end before `item`. */
  #backward(item: LikeItem, { cursor, end }: Range, fail: Label): void {
    const f = this.#f;
    if (item.kind === 'any') {
      this.#repeat(item.count, () => {
        f.loop((next) => {
          f.brIf(fail, i32.geU(cursor, end));
          f.set(end, i32.sub(end, 1));
          // Bytes 10xxxxxx continue a character.
          f.brIf(next, i32.eq(i32.and(i32.load8U(end), 0xc0), 0x80));
        });
      });
      return;
    }
    if (item.kind === 'letter') {
      f.block((matched) => {
        for (const bytes of item.variants) {
          const before = i32.sub(end, bytes.length);
          const same = equalsWord(word(bytes, false), before);
          f.if(i32.if(i32.leU(i32.add(cursor, bytes.length), end), same, 0), () => {
            f.set(end, before);
            f.br(matched);
          });
        }
        f.br(fail);
      });
      return;
    }
    const { length } = item.bytes;
    f.brIf(fail, i32.gtU(i32.add(cursor, length), end));
    f.set(end, i32.sub(end, length));
    f.brIf(fail, i32.eqz(equalsWord(word(item.bytes, this.#foldCase), end)));
  }

  #repeat(count: number, body: () => void): void {
    const f = this.#f;
    if (count === 1) body();
    else f.for(f.local('i32', 'character'), 0, count, body);
  }

  /** Moves the cursor behind the first place that matches `part`. */
  #search(part: readonly LikeItem[], range: Range, fail: Label): void {
    const f = this.#f;
    const { cursor, end } = range;
    const [first, ...rest] = part;
    if (first.kind !== 'bytes') {
      this.#searchEverywhere(part, range, fail);
      return;
    }
    const found = f.local('i32', 'found');
    const sought = word(first.bytes, this.#foldCase);
    f.loop((again) => {
      emitFind(f, sought, cursor, end, found, fail);
      f.set(cursor, i32.add(found, first.bytes.length));
      if (rest.length > 0) {
        f.block((done) => {
          f.block((mismatch) => {
            for (const item of rest) this.#forward(item, range, mismatch);
            f.br(done);
          });
          f.set(cursor, i32.add(found, 1));
          f.br(again);
        });
      }
    });
  }

  /** As {@link #search}, trying one place after the other. */
  #searchEverywhere(part: readonly LikeItem[], range: Range, fail: Label): void {
    const f = this.#f;
    const { cursor, end } = range;
    const place = f.let(cursor, 'place');
    f.block((done) => {
      f.loop((again) => {
        f.brIf(fail, i32.geU(place, end));
        f.set(cursor, place);
        // Inside a character nothing matches, since no character begins there.
        f.set(place, i32.add(place, 1));
        f.block((mismatch) => {
          for (const item of part) this.#forward(item, range, mismatch);
          f.br(done);
        });
        f.br(again);
      });
    });
  }

  /** Row after row. */
  rows(parts: LikePattern, { offsets, heap, count, out }: Column): void {
    const f = this.#f;
    const row = f.local('i32', 'row');
    const cursor = f.local('i32', 'cursor');
    const end = f.let(i32.add(heap, i32.load(offsets)), 'end');
    const next = f.let(end, 'next');
    f.for(row, 0, count, () => {
      f.set(cursor, next);
      f.set(end, i32.add(heap, i32.load(i32.add(offsets, i32.shl(row, 2)), 4)));
      f.set(next, end);
      f.block((fail) => {
        f.do(i32.store8(i32.add(out, row), 0));
        this.whole(parts, { cursor, end }, fail);
        f.do(i32.store8(i32.add(out, row), 1));
      });
    });
  }

  /** Through the heap as a whole, from one place of the first part to the next. */
  heap({ middle, tail }: LikePattern, { offsets, heap, count, out }: Column): void {
    const f = this.#f;
    const [part, ...behind] = middle as [readonly LikeItem[], ...(readonly LikeItem[])[]];
    const [first, ...rest] = part as [LikeItem & { kind: 'bytes' }, ...LikeItem[]];
    const sought = word(first.bytes, this.#foldCase);
    const row = f.local('i32', 'row');
    const rowEnd = f.local('i32', 'rowEnd');
    const found = f.local('i32', 'found');
    const cursor = f.local('i32', 'cursor');
    const end = f.local('i32', 'end');
    const endOfRow = (): void => {
      f.set(rowEnd, i32.add(heap, i32.load(i32.add(offsets, i32.shl(row, 2)), 4)));
    };
    f.do(memory.fill(out, 0, count));
    f.if(i32.eqz(count), () => f.return());
    const place = f.let(i32.add(heap, i32.load(offsets)), 'place');
    const heapEnd = f.let(i32.add(heap, i32.load(i32.add(offsets, i32.shl(count, 2)))), 'heapEnd');
    endOfRow();
    f.block((finished) => {
      f.loop((again) => {
        emitFind(f, sought, place, heapEnd, found, finished);
        f.while(i32.geU(found, rowEnd), () => {
          f.set(row, i32.add(row, 1));
          endOfRow();
        });
        f.block((decided) => {
          f.set(end, rowEnd);
          f.set(cursor, i32.add(found, first.bytes.length));
          // A place that reaches over the end of its row is none, nor is a later one in this row.
          f.brIf(decided, i32.gtU(cursor, rowEnd));
          f.set(place, i32.add(found, 1));
          for (const item of rest) this.#forward(item, { cursor, end }, again);
          this.#rest(tail!, behind, { cursor, end }, decided);
          f.do(i32.store8(i32.add(out, row), 1));
        });
        f.set(place, rowEnd);
        f.br(again);
      });
    });
  }
}
