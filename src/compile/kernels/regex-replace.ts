import { textBytesMax } from '../../plan/functions/texts.ts';
import type { Replacement } from '../../regex/replacement.ts';
import {
  type Expr,
  type Func,
  type FunctionBuilder,
  i32,
  type Local,
  type ModuleBuilder,
} from '../../wasm/index.ts';
import { once } from './kernel.ts';
import { characterBytes } from './string-make.ts';
import { copySlack, emitStringCopy } from './string-text.ts';
import { TextWriter } from './text-writer.ts';

/** How matches are found: a walk or a simulation, with the places that its tags have. */
export interface RegexFinder {
  readonly name: string;
  /** (address, length, from, table, scratch) → found, the address of the end, those of the tags. */
  readonly func: Func;
  /** Which place each tag has: 2 × g where group g begins, 2 × g + 1 where it ends. */
  readonly places: readonly number[];
}

export interface ReplaceOptions {
  readonly replacement: Replacement;
  /** Whether all matches are replaced. */
  readonly global: boolean;
  /** (local, bytes) → the address of room for a text. */
  readonly room: Func;
  /** Where in the local area the end of the last text is noted, to give room back. */
  readonly textSlot: number;
}

const encoder = new TextEncoder();
const tooLong = -1;
/** What may be written past the end of a text while it is made. */
const slack = 48;

/**
 * (local, address, length, table, scratch) → (address, length) of the text with matches replaced,
 * which may be a part of the text itself; the length is -1 where it would be too long.
 */
export function emitRegexReplace(
  m: ModuleBuilder,
  finder: RegexFinder,
  options: ReplaceOptions,
): Func {
  const { replacement, global } = options;
  const name = `regexp_replace ${finder.name} ${JSON.stringify(replacement)} ${global}`;
  const params = {
    local: 'i32',
    address: 'i32',
    length: 'i32',
    table: 'i32',
    scratch: 'i32',
  } as const;
  return once(m, name, () =>
    m.func('regexp_replace', { params, results: ['i32', 'i32'] }, (f) => {
      new Replacer(f, f.param, m, finder, options).emit();
    }),
  );
}

interface Parameters {
  readonly local: Local;
  readonly address: Local;
  readonly length: Local;
  readonly table: Local;
  readonly scratch: Local;
}

class Replacer {
  readonly #f: FunctionBuilder;
  readonly #param: Parameters;
  readonly #finder: RegexFinder;
  readonly #options: ReplaceOptions;
  readonly #copy: Func;
  readonly #found: Local;
  readonly #end: Local;
  readonly #places: readonly Local[];
  /** The text so far, and where there is no more room. */
  readonly #out: Local;
  readonly #limit: Local;
  readonly #writer: TextWriter;

  constructor(
    f: FunctionBuilder,
    param: Parameters,
    m: ModuleBuilder,
    finder: RegexFinder,
    options: ReplaceOptions,
  ) {
    this.#f = f;
    this.#param = param;
    this.#finder = finder;
    this.#options = options;
    this.#copy = emitStringCopy(m);
    this.#found = f.local('i32', 'found');
    this.#end = f.local('i32', 'end');
    this.#places = finder.places.map((place) => f.local('i32', `place${place}`));
    this.#out = f.local('i32', 'out');
    this.#limit = f.local('i32', 'limit');
    this.#writer = new TextWriter(f, f.local('i32', 'write'));
  }

  emit(): void {
    const f = this.#f;
    const { local, address, length } = this.#param;
    const { global, room, textSlot, replacement } = this.#options;
    const textEnd = f.let(i32.add(address, length), 'textEnd');
    const from = f.local('i32', 'from');
    const copied = f.let(address, 'copied');
    const lastEnd = f.let(i32.const(-1), 'lastEnd');
    const write = this.#writer.cursor;
    this.#find(from);
    f.if(i32.eqz(this.#found), () => f.return(address, length));
    const start = this.#place(0);
    if (replacement.length === 1 && typeof replacement[0] === 'number') {
      this.#returnPart(replacement[0], textEnd);
    }
    f.set(this.#limit, i32.add(i32.add(length, i32.shrU(length, 1)), 64));
    f.set(this.#out, room.call(local, i32.add(this.#limit, slack)));
    f.set(this.#limit, i32.add(this.#out, this.#limit));
    f.set(write, this.#out);
    f.block((done) => {
      f.loop((next) => {
        const isEmpty = i32.and(i32.eq(start, this.#end), i32.eq(start, lastEnd));
        f.if(
          global ? isEmpty : i32.const(0),
          () => {
            // An empty match where the last one ended: one character on.
            f.brIf(done, i32.geU(start, textEnd));
            f.set(from, i32.sub(i32.add(start, characterBytes(start)), address));
          },
          () => {
            this.#append(copied, i32.sub(start, copied));
            this.#appendReplacement();
            f.set(copied, this.#end);
            f.set(lastEnd, this.#end);
            f.set(from, i32.sub(this.#end, address));
          },
        );
        if (!global) return;
        this.#find(from);
        f.brIf(next, this.#found);
      });
    });
    this.#append(copied, i32.sub(textEnd, copied));
    f.do(i32.store(local, i32.add(write, copySlack), textSlot));
    f.return(this.#out, i32.sub(write, this.#out));
  }

  #place(place: number): Local {
    return this.#places[this.#finder.places.indexOf(place)];
  }

  #find(from: Expr): void {
    const { address, length, table, scratch } = this.#param;
    const call = this.#finder.func.callMulti(address, length, from, table, scratch);
    this.#f.setMulti([this.#found, this.#end, ...this.#places], call);
  }

  /** All of the text replaced by a part of it is that part. */
  #returnPart(group: number, textEnd: Local): void {
    const f = this.#f;
    const { address } = this.#param;
    const [start, end] = [this.#place(2 * group), this.#place(2 * group + 1)];
    const isAll = i32.and(i32.eq(this.#place(0), address), i32.eq(this.#end, textEnd));
    const isThere = i32.ne(end, -1);
    f.if(i32.and(isAll, isThere), () => f.return(start, i32.sub(end, start)));
  }

  #appendReplacement(): void {
    const f = this.#f;
    for (const piece of this.#options.replacement) {
      if (typeof piece === 'string') {
        this.#need(i32.const(encoder.encode(piece).length));
        this.#writer.literal(piece);
        continue;
      }
      const [start, end] = [this.#place(2 * piece), this.#place(2 * piece + 1)];
      f.if(i32.ne(end, -1), () => this.#append(start, i32.sub(end, start)));
    }
  }

  #append(from: Expr, bytes: Expr): void {
    const f = this.#f;
    const write = this.#writer.cursor;
    const size = f.let(bytes, 'size');
    this.#need(size);
    f.call(this.#copy, write, from, size);
    f.set(write, i32.add(write, size));
  }

  /** Moves the text to a larger room if there is none for so many bytes more. */
  #need(bytes: Expr): void {
    const f = this.#f;
    const { room } = this.#options;
    const write = this.#writer.cursor;
    f.if(i32.gtU(bytes, i32.sub(this.#limit, write)), () => {
      const size = f.let(i32.sub(write, this.#out), 'made');
      const needed = f.let(i32.add(size, bytes), 'needed');
      f.if(i32.gtU(needed, textBytesMax), () => f.return(0, tooLong));
      const larger = f.let(i32.shl(needed, 1), 'larger');
      const moved = f.let(room.call(this.#param.local, i32.add(larger, slack)), 'moved');
      f.call(this.#copy, moved, this.#out, size);
      f.set(this.#out, moved);
      f.set(write, i32.add(moved, size));
      f.set(this.#limit, i32.add(moved, larger));
    });
  }
}
