/**
 * The code for text fields, and for fields that are skipped: 16 bytes at a time are looked at and
 * copied at once, wherever the field ends among them; what was copied too much is overwritten
 * later.
 */
import { type Expr, i8x16, i32, type Label, type Local, v128 } from '../../wasm/index.ts';
import { type FieldEmitter, lineFeed } from './parser-code.ts';
import { parseStatus } from './plan.ts';

/** Reads the text field of `column` at `position`; `position` is then the byte behind it. */
export function emitText(e: FieldEmitter, column: number): void {
  copyText(e, column);
  storeEnd(e, column, e.heaps.get(column));
}

/**
 * Copies the text to the column's heap, if it has one, whose end moves on; a NULL leaves nothing.
 */
export function copyText(e: FieldEmitter, column: number): void {
  const { f } = e;
  const heap = e.heaps.get(column);
  f.block((done) => {
    if (e.quote !== undefined) {
      f.if(i32.eq(i32.load8U(e.position), e.quote), () => {
        emitQuoted(e, column, heap, e.quote!);
        f.br(done);
      });
    }
    emitPlain(e, column, heap);
  });
}

/** The offset at which the row's text ends; for a NULL row, where it began. */
function storeEnd(e: FieldEmitter, column: number, heap: Local | undefined): void {
  const home = e.layout.homes[column];
  if (heap === undefined || home.form !== 'string') return;
  const offset = i32.sub(heap, i32.add(e.base, home.heap));
  e.f.do(i32.store(e.address(4), offset, home.offsets + 4));
}

/** Copies 16 bytes and answers them. */
function copyBlock(e: FieldEmitter, heap: Local | undefined): Local {
  const { f } = e;
  const block = e.scratch('v128', 'block');
  f.set(block, v128.load(e.position, 0, 1));
  if (heap !== undefined) {
    f.do(v128.store(heap, block, 0, 1));
    f.set(e.seen, v128.or(e.seen, block));
  }
  return block;
}

function advance(e: FieldEmitter, heap: Local | undefined, by: Expr | number): void {
  const { f } = e;
  f.set(e.position, i32.add(e.position, by));
  if (heap !== undefined) f.set(heap, i32.add(heap, by));
}

function emitPlain(e: FieldEmitter, column: number, heap: Local | undefined): void {
  const { f, position } = e;
  const start = e.scratch('i32', 'start');
  const mask = e.scratch('i32', 'mask');
  f.set(start, position);
  f.loop((again) => {
    const block = copyBlock(e, heap);
    const stop = v128.or(
      i8x16.eq(block, i8x16.const(e.delimiter)),
      i8x16.eq(block, i8x16.const(lineFeed)),
    );
    f.set(mask, i8x16.bitmask(stop));
    f.if(i32.eqz(mask), () => {
      advance(e, heap, 16);
      f.br(again);
    });
  });
  f.set(mask, i32.ctz(mask));
  advance(e, heap, mask);
  if (e.isLast(column)) {
    // CR before the LF belongs to the line end.
    const atLineEnd = i32.eq(i32.load16U(i32.sub(position, 1), 0, 1), 13 | (lineFeed << 8));
    f.if(i32.and(i32.gtU(position, start), atLineEnd), () => advance(e, heap, -1));
  }
  if (heap === undefined) return;
  f.if(isNullText(e, start), () => {
    f.set(heap, i32.sub(heap, i32.sub(position, start)));
    e.setNull(column);
  });
}

/** Whether the bytes from `start` to `position` are the text that stands for NULL. */
function isNullText(e: FieldEmitter, start: Local): Expr {
  const { f, position } = e;
  const bytes = new TextEncoder().encode(e.dialect.nullText);
  if (bytes.length === 0) return i32.eq(position, start);
  return f.value('i32', (out) => {
    f.brIf(out, i32.ne(i32.sub(position, start), bytes.length), 0);
    bytes.forEach((byte, i) => {
      f.brIf(out, i32.ne(i32.load8U(start, i), byte), 0);
    });
    return 1;
  });
}

/** Line feeds inside quotes count as lines. */
function countLines(e: FieldEmitter, block: Local, below?: Expr): void {
  const found = i8x16.bitmask(i8x16.eq(block, i8x16.const(lineFeed)));
  const counted = below === undefined ? found : i32.and(found, i32.sub(i32.shl(1, below), 1));
  e.f.set(e.lines, i32.add(e.lines, i32.popcnt(counted)));
}

function emitQuoted(e: FieldEmitter, column: number, heap: Local | undefined, quote: number): void {
  const { f, position } = e;
  const mask = e.scratch('i32', 'mask');
  const escapeByte = e.dialect.escape === '' ? quote : e.dialect.escape.charCodeAt(0);
  f.set(position, i32.add(position, 1));
  f.block((closed) => {
    f.loop((again) => {
      const block = copyBlock(e, heap);
      const isQuote = i8x16.eq(block, i8x16.const(quote));
      const stop =
        escapeByte === quote ? isQuote : v128.or(isQuote, i8x16.eq(block, i8x16.const(escapeByte)));
      f.set(mask, i8x16.bitmask(stop));
      f.if(i32.eqz(mask), () => {
        countLines(e, block);
        advance(e, heap, 16);
        f.if(i32.geU(position, e.end), () => e.fail(column, parseStatus.incomplete));
        f.br(again);
      });
      f.set(mask, i32.ctz(mask));
      countLines(e, block, mask);
      advance(e, heap, mask);
      f.if(i32.geU(position, e.end), () => e.fail(column, parseStatus.incomplete));
      emitAtQuote(e, column, heap, quote, escapeByte, { again, closed });
    });
  });
}

/** At a quote or escape inside quotes: either the end of the text or a character of it. */
function emitAtQuote(
  e: FieldEmitter,
  column: number,
  heap: Local | undefined,
  quote: number,
  escapeByte: number,
  labels: { readonly again: Label; readonly closed: Label },
): void {
  const { f, position } = e;
  const takeNext = () => {
    if (heap !== undefined) {
      f.do(i32.store8(heap, i32.load8U(position, 1)));
      f.set(heap, i32.add(heap, 1));
    }
    f.set(position, i32.add(position, 2));
    f.br(labels.again);
  };
  if (escapeByte === quote) {
    f.if(i32.eq(i32.load8U(position, 1), quote), takeNext);
  } else {
    f.if(i32.eq(i32.load8U(position), escapeByte), () => {
      f.if(i32.geU(i32.add(position, 1), e.end), () => e.fail(column, parseStatus.incomplete));
      takeNext();
    });
  }
  f.set(position, i32.add(position, 1));
  f.br(labels.closed);
}
