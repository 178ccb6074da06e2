/**
 * The code for text fields of columns with few distinct texts: each is looked up in a hash table of
 * the batch's texts and comes as a code. Like any other text it is first copied to the end of the
 * heap; it stays there only if it is new.
 */
import { type Expr, i8x16, i32, i64, type Local, v128 } from '../../wasm/index.ts';
import type { FieldEmitter } from './parser-code.ts';
import { type ColumnHome, entryCountMax, slotCount } from './plan.ts';
import { copyText } from './text-code.ts';

type CodedHome = Extract<ColumnHome, { form: 'coded' }>;

/** Reads the text field of `column` at `position`; `position` is then the byte behind it. */
export function emitCoded(e: FieldEmitter, column: number, home: CodedHome): void {
  const { f } = e;
  const heap = e.heaps.get(column)!;
  const text = e.scratch('i32', 'text');
  const code = e.scratch('i32', 'code');
  const nulls = e.scratch('i32', 'nulls');
  const nullCount = () => i32.load(e.base, e.layout.nullCounts + 4 * column);
  f.set(text, heap);
  f.set(nulls, nullCount());
  copyText(e, column);
  f.set(code, 0);
  // An empty text is no NULL: only the count tells.
  f.if(i32.eq(nulls, nullCount()), () => new Lookup(e, column, home, text, code).emit());
  f.do(i32.store16(e.address(2), code, home.codes));
}

class Lookup {
  readonly e: FieldEmitter;
  readonly home: CodedHome;
  readonly heap: Local;
  readonly entries: Local;
  readonly text: Local;
  readonly code: Local;
  readonly length: Local;
  readonly slot: Local;
  readonly entryStart: Local;

  constructor(e: FieldEmitter, column: number, home: CodedHome, text: Local, code: Local) {
    this.e = e;
    this.home = home;
    this.heap = e.heaps.get(column)!;
    this.entries = e.entries.get(column)!;
    this.text = text;
    this.code = code;
    this.length = e.scratch('i32', 'length');
    this.slot = e.scratch('i32', 'slot');
    this.entryStart = e.scratch('i32', 'entryStart');
  }

  /** Sets `code`, with a new entry if need be. */
  emit(): void {
    const { f, base } = this.e;
    const { heap, text, code, slot, length, home, entryStart } = this;
    f.set(length, i32.sub(heap, text));
    f.set(slot, this.#hash());
    f.block((found) => {
      f.loop((next) => {
        const place = i32.add(base, i32.shl(slot, 1));
        f.set(code, i32.load16U(place, home.slots));
        f.if(i32.eqz(code), () => {
          this.#addEntry();
          f.br(found);
        });
        f.set(code, i32.sub(code, 1));
        const offsetOf = i32.add(base, i32.shl(code, 2));
        f.set(entryStart, i32.load(offsetOf, home.offsets));
        const entryLength = i32.sub(i32.load(offsetOf, home.offsets + 4), entryStart);
        f.block((different) => {
          f.brIf(different, i32.ne(entryLength, length));
          f.set(entryStart, i32.add(entryStart, i32.add(base, home.heap)));
          f.brIf(different, this.#differs());
          f.set(heap, text);
          f.br(found);
        });
        f.set(slot, i32.and(i32.add(slot, 1), slotCount - 1));
        f.br(next);
      });
    });
  }

  /** From the first and the last eight bytes and the length. */
  #hash(): Expr {
    const { text, length } = this;
    const shift = i64.extendI32U(i32.sub(64, i32.shl(length, 3)));
    const short = i64.if(i32.eqz(length), 0, i64.shl(i64.load(text, 0, 1), shift));
    const last = i64.load(i32.sub(i32.add(text, length), 8), 0, 1);
    const long = i64.xor(i64.load(text, 0, 1), i64.rotl(last, 29));
    const mixed = i64.add(i64.if(i32.ltU(length, 8), short, long), i64.extendI32U(length));
    const bits = BigInt(64 - Math.log2(slotCount));
    return i32.wrapI64(i64.shrU(i64.mul(mixed, 0x9e3779b97f4a7c15n), bits));
  }

  /** Whether the `length` bytes at `text` and at `entryStart` differ. */
  #differs(): Expr {
    const { f } = this.e;
    const { text, length, entryStart } = this;
    const done = this.e.scratch('i32', 'done');
    const mask = this.e.scratch('i32', 'mask');
    return f.value('i32', (out) => {
      f.set(done, 0);
      f.loop((again) => {
        const own = v128.load(i32.add(text, done), 0, 1);
        const other = v128.load(i32.add(entryStart, done), 0, 1);
        f.set(mask, i8x16.bitmask(i8x16.ne(own, other)));
        f.set(done, i32.add(done, 16));
        f.if(i32.ltU(done, length), () => {
          f.brIf(out, mask, 1);
          f.br(again);
        });
      });
      // Of the last block, only the bytes that belong to the text; none if it is empty.
      const own = i32.sub(i32.shl(1, i32.sub(16, i32.sub(done, length))), 1);
      return i32.ne(i32.and(mask, own), 0);
    });
  }

  #addEntry(): void {
    const { f, base } = this.e;
    const { code, entries, heap, slot, home } = this;
    f.if(i32.eq(entries, entryCountMax), () => this.e.endBatch());
    f.set(code, entries);
    f.set(entries, i32.add(entries, 1));
    f.do(i32.store16(i32.add(base, i32.shl(slot, 1)), entries, home.slots));
    const end = i32.sub(heap, i32.add(base, home.heap));
    f.do(i32.store(i32.add(base, i32.shl(entries, 2)), end, home.offsets));
  }
}
