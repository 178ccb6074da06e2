import {
  type Func,
  type FunctionBuilder,
  i32,
  i64,
  type Local,
  type ModuleBuilder,
  v128,
} from '../../../wasm/index.ts';
import { commentLength } from '../constants.ts';
import { orderPriorities, shipInstructions, shipModes } from '../distributions.ts';
import { get, getLong, type RowPointers } from './columns.ts';
import { type KernelConfig, orderKeyMax, type TextStyle } from './config.ts';
import { type Image, putText } from './image.ts';
import type { OrderLayout } from './order-layout.ts';
import { advanceRows, rowPointers } from './rows.ts';
import { commentAndEnd, placeDates } from './text-fields.ts';
import { TextWriter } from './text-writer.ts';

const params = { arena: 'i32', count: 'i32', to: 'i32' } as const;

/**
 * formatOrders(arena, count, to): writes orders from their columns; returns where the text ends.
 */
export function defineFormatOrders(
  m: ModuleBuilder,
  config: KernelConfig,
  image: Image,
  layout: OrderLayout,
  style: TextStyle,
): Func {
  return m.func('format_orders', { params, results: ['i32'], export: true }, (f) => {
    const { arena, count, to } = f.param;
    const { separator } = style;
    const writer = new TextWriter(f, to);
    const statuses = image.placeTexts(
      ['F', 'O', 'P'].map((status) => separator + status + separator),
      4,
    );
    const dates = placeDates(image, separator);
    const priorities = image.placeTexts(
      orderPriorities.words.map((word) => `${word}${separator}Clerk#`),
      32,
    );
    const row = rowPointers(f, arena);
    const i = f.local('i32', 'i');
    f.for(i, 0, count, () => {
      const { order } = layout;
      writer.longNumber(getLong(row, order.key), orderKeyMax(config.scale));
      writer.text(separator);
      writer.longNumber(getLong(row, order.customer), config.scale.customers + 1);
      const status = i32.shl(get(row, order.status), 2);
      f.do(i32.store(to, i32.load(status, statuses)));
      writer.advance(3);
      writer.money(get(row, order.total), separator);
      const date = i32.shl(get(row, order.day), 4);
      f.do(v128.store(to, v128.load(date, dates)));
      writer.advance(11);
      writer.slot(f.let(i32.shl(get(row, order.priority), 5)), priorities, 32);
      writer.nineDigits(i64.extendI32U(get(row, order.clerk)), config.scale.clerks + 1);
      writer.text(`${separator}0${separator}`);
      commentAndEnd(writer, row, order.comment, commentLength.orders.max, style);
      advanceRows(f, row);
    });
    f.return(to);
  });
}

/**
 * formatLines(arena, count, to): writes the lines of `count` orders; returns where the text ends.
 */
export function defineFormatLines(
  m: ModuleBuilder,
  config: KernelConfig,
  image: Image,
  layout: OrderLayout,
  style: TextStyle,
): Func {
  return m.func('format_lineitem', { params, results: ['i32'], export: true }, (f) => {
    const { arena, count, to } = f.param;
    const writer = new TextWriter(f, to);
    const formatter = lineFormatter(f, writer, config, image, layout, style);
    const orderRow = rowPointers(f, arena);
    const lineRow = rowPointers(f, arena);
    const i = f.local('i32', 'i');
    const number = f.local('i32', 'number');
    const start = f.let(to, 'start');
    f.for(i, 0, count, () => {
      // The key is written once, and copied from there for the other lines.
      f.set(start, to);
      writer.longNumber(getLong(orderRow, layout.order.key), orderKeyMax(config.scale));
      writer.text(style.separator);
      const key = f.let(v128.load(start), 'keyText');
      const keyBytes = f.let(i32.sub(to, start), 'keyBytes');
      const lineCount = f.let(get(orderRow, layout.order.lineCount), 'lineCount');
      f.set(number, 0);
      f.loop((next) => {
        formatter(lineRow, number);
        advanceRows(f, lineRow);
        f.set(number, i32.add(number, 1));
        f.if(i32.ltU(number, lineCount), () => {
          f.do(v128.store(to, key));
          writer.advance(keyBytes);
          f.br(next);
        });
      });
      advanceRows(f, orderRow);
    });
    f.return(to);
  });
}

/** What writes a line from behind its order key on. */
function lineFormatter(
  f: FunctionBuilder,
  writer: TextWriter,
  { scale }: KernelConfig,
  image: Image,
  layout: OrderLayout,
  style: TextStyle,
): (row: RowPointers, number: Local) => void {
  const { separator } = style;
  const { line } = layout;
  const { to } = writer;
  const quantities = placeQuantities(image, separator);
  const terms = placeTerms(image, separator);
  const dates = placeDates(image, separator);
  const shippings = image.placeTexts(
    shipInstructions.words.flatMap((instruction) =>
      shipModes.words.map((mode) => `${instruction}${separator}${mode}${separator}`),
    ),
    32,
  );
  return (row, number) => {
    writer.longNumber(getLong(row, line.part), scale.parts + 1);
    writer.text(separator);
    writer.longNumber(getLong(row, line.supplier), scale.suppliers + 1);
    const quantity = f.let(i64.load(i32.shl(get(row, line.quantity), 3), quantities), 'quantity');
    const numbered = i64.add(quantity, i64.shl(i64.extendI32U(number), 8));
    f.do(i64.store(to, numbered));
    writer.advance(i32.wrapI64(i64.shrU(quantity, 56)));
    writer.money(get(row, line.price), separator);
    f.do(v128.store(to, v128.load(i32.shl(get(row, line.terms), 4), terms)));
    writer.advance(14);
    [line.shipDay, line.commitDay, line.receiptDay].forEach((day, index) => {
      f.do(v128.store(to, v128.load(i32.shl(get(row, day), 4), dates), 11 * index));
    });
    writer.advance(33);
    writer.slot(f.let(i32.shl(get(row, line.shipping), 5), 'shipping'), shippings, 32);
    commentAndEnd(writer, row, line.comment, commentLength.lineitem.max, style);
  };
}

/**
 * `|1|17|` for every quantity: the line number is added to the second byte; the last is the
 * length.
 */
function placeQuantities(image: Image, separator: string): number {
  const texts = Array.from({ length: 51 }, (_, quantity) => {
    return `${separator}1${separator}${quantity}${separator}`;
  });
  return image.placeTexts(texts, 8);
}

/** `0.04|0.02|N|O|` for every discount, tax and pair of flags; see the `terms` column. */
function placeTerms(image: Image, separator: string): number {
  const flags = ['RF', 'AF', 'NF', 'NO'];
  const bytes = new Uint8Array(11 * 9 * flags.length * 16);
  let at = 0;
  for (let discount = 0; discount <= 10; discount++) {
    for (let tax = 0; tax <= 8; tax++) {
      for (const [returnFlag, lineStatus] of flags) {
        const rates = [discount, tax].map((percent) => (percent / 100).toFixed(2));
        putText(bytes, at, [...rates, returnFlag, lineStatus, ''].join(separator));
        at += 16;
      }
    }
  }
  return image.place(bytes);
}
