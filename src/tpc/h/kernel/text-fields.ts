import { formatDate } from '../../../value/date.ts';
import { type Expr, i32, type Local } from '../../../wasm/index.ts';
import { dayCount, firstDay } from '../constants.ts';
import { type Column, get, getLong, type RowPointers } from './columns.ts';
import type { TextStyle } from './config.ts';
import { type Image, putText } from './image.ts';
import { memoryMap } from './memory-map.ts';
import type { CommentColumns } from './rows.ts';
import type { TextField } from './table.ts';
import type { TextWriter } from './text-writer.ts';

/** `1992-01-01|`, 16 bytes a day. */
export function placeDates(image: Image, separator: string): number {
  return image.shared('dates', () => {
    const bytes = new Uint8Array(dayCount * 16);
    for (let index = 0; index < dayCount; index++) {
      putText(bytes, index * 16, formatDate(firstDay + index) + separator);
    }
    return image.place(bytes);
  });
}

/** Copies a comment from the text pool; returns its length. */
export function writeComment(
  writer: TextWriter,
  row: RowPointers,
  columns: CommentColumns,
  lengthMax: number,
): Local {
  const { f } = writer;
  const from = f.let(i32.add(get(row, columns.offset), memoryMap.pool), 'from');
  const length = f.let(get(row, columns.length), 'length');
  writer.copy(from, length, lengthMax);
  return length;
}

/** The comment at the end of a row, and the end of the line. */
export function commentAndEnd(
  writer: TextWriter,
  row: RowPointers,
  columns: CommentColumns,
  lengthMax: number,
  style: TextStyle,
): void {
  if (style.quote !== '') writer.text(style.quote);
  writeComment(writer, row, columns, lengthMax);
  writer.text(style.quote + style.lineEnd);
}

export function commentField(columns: CommentColumns, lengthMax: number): TextField {
  return {
    free: true,
    write: (writer, row) => {
      writeComment(writer, row, columns, lengthMax);
    },
  };
}

/** A key below `bound`. */
export function keyField(column: Column, bound: number): TextField {
  return { write: (writer, row) => writer.longNumber(getLong(row, column), bound) };
}

/** `Customer#000000001` */
export function numberedField(tag: string, column: Column, bound: number): TextField {
  return {
    write: (writer, row) => {
      for (let at = 0; at < tag.length; at += 8) writer.text(tag.slice(at, at + 8));
      writer.nineDigits(getLong(row, column), bound);
    },
  };
}

/** One of a few texts, by a code. */
export function wordField(
  image: Image,
  column: Column,
  words: readonly string[],
  slotBytes: 4 | 8 | 16 | 32,
): TextField {
  const table = image.placeTexts(words, slotBytes);
  return {
    write: (writer, row) => {
      const code: Expr = i32.shl(get(row, column), Math.log2(slotBytes));
      writer.slot(writer.f.let(code, 'slot'), table, slotBytes);
    },
  };
}

/** A number of up to eight digits. */
export function numberField(column: Column): TextField {
  return { write: (writer, row) => writer.number(get(row, column)) };
}

/** An amount in cents, with a minus sign if need be. */
export function moneyField(column: Column): TextField {
  return {
    write: (writer, row) => {
      const { f } = writer;
      const cents = f.let(get(row, column), 'cents');
      f.if(i32.ltS(cents, 0), () => {
        writer.text('-');
        f.set(cents, i32.sub(0, cents));
      });
      writer.money(cents, '');
    },
  };
}
