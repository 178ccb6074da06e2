import {
  type Expr,
  type FunctionBuilder,
  i32,
  i64,
  type Local,
  type ModuleBuilder,
} from '../../../wasm/index.ts';
import {
  commentLength,
  currentDayIndex,
  firstDay,
  lineStreams,
  linesMax,
  orderDayIndexMax,
  orderStreams,
  suppliersPerPart,
} from '../constants.ts';
import { orderPriorities, shipInstructions, shipModes, sortedRanks } from '../distributions.ts';
import type { Scale } from '../scale.ts';
import { put, type RowPointers } from './columns.ts';
import { hasLongKeys, type KernelConfig } from './config.ts';
import type { Image } from './image.ts';
import type { OrderLayout } from './order-layout.ts';
import { LongStream, Stream, skipTable } from './random.ts';
import { advanceRows, drawComment, rowPointers } from './rows.ts';
import { type KernelBuild, openStreams } from './table.ts';

type OrderStreamName = keyof typeof orderStreams;
type LineStreamName = keyof typeof lineStreams;

/**
 * Defines generate(arena, first, count, sequence): fills the columns of `count` orders and of their
 * lines from the streams in the arena. `first` (i64) is the index of the first order, from 1;
 * `sequence` goes into the order keys. The answer is the number of lines.
 */
export function defineGenerateOrders(
  { module, config, image }: KernelBuild,
  layout: OrderLayout,
  name: string,
): string {
  const params = { arena: 'i32', first: 'i64', count: 'i32', sequence: 'i64' } as const;
  module.func(name, { params, results: ['i32'], export: true }, (f) => {
    new OrderGenerator(f, f.param.arena, config, image, layout).build(f.param);
  });
  return name;
}

/**
 * Defines walk(arena, count): moves the long streams of scale factors from 30000 on over `count`
 * orders. They have no skip-ahead, and how many draws an order takes depends on its lines.
 */
export function defineWalkOrders(m: ModuleBuilder, layout: OrderLayout, name: string): void {
  const params = { arena: 'i32', count: 'i64' } as const;
  m.func(name, { params, results: ['i32'], export: true }, (f) => {
    const { arena, count } = f.param;
    const { orderSlots, lineSlots } = layout;
    const lineCounts = new Stream(f, arena, orderSlots.lineCount, orderStreams.lineCount);
    const customer = new LongStream(f, arena, orderSlots.customer);
    const part = new LongStream(f, arena, lineSlots.part);
    const i = f.local('i64', 'i');
    const line = f.local('i32', 'line');
    f.for(i, 0, count, () => {
      const lineCount = f.let(i32.add(lineCounts.next(linesMax), 1), 'lineCount');
      customer.draw();
      f.for(line, 0, lineCount, () => part.draw());
      part.skipCount(f.let(i32.sub(linesMax, lineCount), 'rest'));
    });
    lineCounts.save();
    customer.save();
    part.save();
    f.return(0);
  });
}

class OrderGenerator {
  readonly f: FunctionBuilder;
  readonly scale: Scale;
  readonly layout: OrderLayout;
  /** Text output takes what its tables are indexed by, columns what the types of SQL want. */
  readonly forText: boolean;
  readonly withOrders: boolean;
  readonly withLines: boolean;
  readonly #image: Image;
  readonly #order: Record<OrderStreamName, Stream>;
  readonly #line: Record<LineStreamName, Stream>;
  readonly #longCustomer: LongStream | undefined;
  readonly #longPart: LongStream | undefined;
  readonly #orderRow: RowPointers;
  readonly #lineRow: RowPointers;
  /** Lines so far. */
  readonly #lines: Local;

  constructor(
    f: FunctionBuilder,
    arena: Local,
    config: KernelConfig,
    image: Image,
    layout: OrderLayout,
  ) {
    this.f = f;
    this.scale = config.scale;
    this.layout = layout;
    this.forText = config.output !== 'columns';
    this.withOrders = config.tables.includes('orders');
    this.withLines = config.tables.includes('lineitem');
    this.#image = image;
    this.#order = openStreams(f, arena, orderStreams, layout.orderSlots);
    this.#line = openStreams(f, arena, lineStreams, layout.lineSlots);
    if (config.scale.longStreams) {
      this.#longCustomer = new LongStream(f, arena, layout.orderSlots.customer);
      this.#longPart = new LongStream(f, arena, layout.lineSlots.part);
    }
    this.#orderRow = rowPointers(f, arena);
    this.#lineRow = rowPointers(f, arena);
    this.#lines = f.local('i32', 'lines');
  }

  build(param: { first: Local; count: Local; sequence: Local }): void {
    const { f } = this;
    const i = f.local('i32', 'i');
    f.for(i, 0, param.count, () => {
      const index = f.let(i64.add(param.first, i64.extendI32U(i)), 'index');
      const key = i64.or(
        i64.or(i64.shl(i64.shrU(index, 3), 5), i64.shl(param.sequence, 3)),
        i64.and(index, 7),
      );
      this.order(f.let(key, 'key'));
    });
    this.saveStreams();
    f.return(this.#lines);
  }

  private order(key: Local): void {
    const { f, layout } = this;
    const row = this.#orderRow;
    const day = f.let(this.#order.date.next(orderDayIndexMax + 1), 'day');
    const lineCount = f.let(i32.add(this.#order.lineCount.next(linesMax), 1), 'lineCount');
    const totals = this.lines(key, day, lineCount);
    this.endRow(lineCount, totals.flagsDrawn);
    f.do(put(row, layout.order.lineCount, lineCount));
    f.do(put(row, layout.order.key, this.keyValue(key)));
    if (this.withOrders) {
      const { order } = layout;
      f.do(put(row, order.customer, this.keyValue(this.customer())));
      // Sorted: F all shipped, O none, P some.
      const some = i32.select(totals.shipped, 2, 1);
      const status = i32.select(i32.eq(totals.shipped, lineCount), 0, some);
      f.do(put(row, order.status, status));
      f.do(put(row, order.total, totals.price));
      f.do(put(row, order.day, this.dayValue(day)));
      f.do(put(row, order.priority, this.#order.priority.next(orderPriorities.words.length)));
      const clerk = f.let(this.#order.clerk.next(this.scale.clerks), 'clerk');
      f.do(put(row, order.clerk, i32.add(clerk, 1)));
      if (!this.forText) {
        f.do(put(row, order.clerkCode, clerk));
        f.do(put(row, order.shipPriority, 0));
      }
      drawComment(f, this.#order.comment, commentLength.orders, row, order.comment);
    }
    advanceRows(f, row);
  }

  /** Draws the lines of an order; fills their columns if they are wanted. */
  private lines(key: Local, day: Local, lineCount: Local) {
    const { f } = this;
    const number = f.local('i32', 'number');
    const price = f.local('i32', 'price');
    const shipped = f.local('i32', 'shipped');
    const flagsDrawn = f.local('i32', 'flagsDrawn');
    f.set(price, 0);
    f.set(shipped, 0);
    f.set(flagsDrawn, 0);
    f.for(number, 0, lineCount, () => {
      const line = this.line(day);
      f.set(price, i32.add(price, line.charge));
      f.set(shipped, i32.add(shipped, line.shipped));
      if (this.withLines) this.restOfLine(key, number, day, line, flagsDrawn);
    });
    f.set(this.#lines, i32.add(this.#lines, lineCount));
    return { price, shipped, flagsDrawn };
  }

  /** What a line adds to its order, and so is drawn for both tables. */
  private line(day: Local) {
    const { f } = this;
    const streams = this.#line;
    const quantity = f.let(i32.add(streams.quantity.next(50), 1), 'quantity');
    const discount = f.let(streams.discount.next(11), 'discount');
    const tax = f.let(streams.tax.next(9), 'tax');
    const part = f.let(this.part(), 'part');
    const shipDay = f.let(i32.add(i32.add(streams.shipDate.next(121), 1), day), 'shipDay');
    const extended = f.let(i32.mul(this.retailPrice(part), quantity), 'extended');
    const discounted = i32.divU(i32.mul(extended, i32.sub(100, discount)), 100);
    const charge = i32.divU(i32.mul(discounted, i32.add(tax, 100)), 100);
    const shipped = f.let(i32.leU(shipDay, currentDayIndex), 'shipped');
    return { quantity, discount, tax, part, shipDay, extended, charge, shipped };
  }

  private restOfLine(
    key: Local,
    number: Local,
    day: Local,
    line: ReturnType<OrderGenerator['line']>,
    flagsDrawn: Local,
  ): void {
    const { f } = this;
    const streams = this.#line;
    const row = this.#lineRow;
    const columns = this.layout.line;
    const receiptDay = f.let(
      i32.add(i32.add(streams.receiptDate.next(30), 1), line.shipDay),
      'receiptDay',
    );
    const commitDay = i32.add(i32.add(streams.commitDate.next(61), 30), day);
    f.do(put(row, columns.part, line.part));
    f.do(put(row, columns.supplier, this.supplier(line.part, streams.supplier.next(4))));
    f.do(put(row, columns.price, line.extended));
    f.do(put(row, columns.shipDay, this.dayValue(line.shipDay)));
    f.do(put(row, columns.commitDay, this.dayValue(commitDay)));
    f.do(put(row, columns.receiptDay, this.dayValue(receiptDay)));

    // The flag is drawn only if the line has been received; otherwise the stream stays put.
    const received = f.let(i32.leU(receiptDay, currentDayIndex), 'received');
    const stay = f.let(streams.returnFlag.seed, 'stay');
    const flag = f.let(streams.returnFlag.next(2), 'flag');
    const seed = i64.select(received, streams.returnFlag.seed, stay);
    f.set(streams.returnFlag.seed, seed);
    f.set(flagsDrawn, i32.add(flagsDrawn, received));

    const instruction = f.let(streams.instruction.next(shipInstructions.words.length));
    const mode = f.let(streams.mode.next(shipModes.words.length), 'mode');
    if (this.forText) {
      // R F, A F, N F, N O: received lines have been shipped.
      const flags = i32.select(received, flag, i32.sub(3, line.shipped));
      const rates = i32.add(i32.mul(line.discount, 9), line.tax);
      f.do(put(row, columns.terms, i32.add(i32.shl(rates, 2), flags)));
      f.do(put(row, columns.quantity, line.quantity));
      f.do(put(row, columns.shipping, i32.add(i32.mul(instruction, 7), mode)));
    } else {
      f.do(put(row, columns.orderKey, this.keyValue(key)));
      f.do(put(row, columns.number, i32.add(number, 1)));
      f.do(put(row, columns.quantity, i32.mul(line.quantity, 100)));
      f.do(put(row, columns.discount, line.discount));
      f.do(put(row, columns.tax, line.tax));
      // Sorted: A N R and F O.
      const drawn = i32.sub(2, i32.shl(flag, 1));
      f.do(put(row, columns.returnFlag, i32.select(received, drawn, 1)));
      f.do(put(row, columns.lineStatus, i32.xor(line.shipped, 1)));
      const ranks = (words: readonly string[]): number => this.#image.place(sortedRanks(words));
      f.do(put(row, columns.instruction, i32.load8U(instruction, ranks(shipInstructions.words))));
      f.do(put(row, columns.mode, i32.load8U(mode, ranks(shipModes.words))));
    }
    drawComment(f, streams.comment, commentLength.lineitem, row, columns.comment);
    advanceRows(f, row);
  }

  /** Skips what the row has not drawn. */
  private endRow(lineCount: Local, flagsDrawn: Local): void {
    const { f } = this;
    const rest = f.let(i32.shl(i32.sub(linesMax, lineCount), 3), 'rest');
    const once = this.#image.place(skipTable(linesMax + 1, 1));
    const factor = f.let(i64.load(rest, once), 'factor');
    for (const name of this.drawnLineStreams()) {
      if (name === 'part' && this.#longPart !== undefined) {
        this.#longPart.skipCount(f.let(i32.sub(linesMax, lineCount)));
      } else if (name === 'comment') {
        const twice = this.#image.place(skipTable(linesMax + 1, 2));
        this.#line.comment.skipBy(i64.load(rest, twice));
      } else if (name === 'returnFlag') {
        const flagsRest = i32.shl(i32.sub(linesMax, flagsDrawn), 3);
        this.#line.returnFlag.skipBy(i64.load(flagsRest, once));
      } else {
        this.#line[name].skipBy(factor);
      }
    }
  }

  private drawnLineStreams(): LineStreamName[] {
    const all = Object.keys(lineStreams) as LineStreamName[];
    const shared: LineStreamName[] = ['quantity', 'discount', 'tax', 'part', 'shipDate'];
    return this.withLines ? all : shared;
  }

  private saveStreams(): void {
    const order: OrderStreamName[] = this.withOrders
      ? (Object.keys(orderStreams) as OrderStreamName[])
      : ['date', 'lineCount'];
    for (const name of order) {
      (name === 'customer' ? (this.#longCustomer ?? this.#order[name]) : this.#order[name]).save();
    }
    for (const name of this.drawnLineStreams()) {
      (name === 'part' ? (this.#longPart ?? this.#line[name]) : this.#line[name]).save();
    }
  }

  private get long(): boolean {
    return hasLongKeys(this.scale);
  }

  /** An i64 as the value of a key column. */
  private keyValue(key: Expr): Expr {
    return this.long ? key : i32.wrapI64(key);
  }

  private dayValue(index: Expr): Expr {
    return this.forText ? index : i32.add(index, firstDay);
  }

  /** The key of the customer, an i64: one divisible by three moves to a neighbour. */
  private customer(): Expr {
    const { customers } = this.scale;
    if (this.#longCustomer === undefined) this.#order.customer.draw();
    const drawn =
      this.#longCustomer?.nextLong(customers) ?? this.#order.customer.belowLong(customers);
    const key = this.f.let(i64.add(drawn, 1), 'customer');
    const up = i64.extendI32U(i64.ltU(key, customers));
    const step = i64.sub(i64.shl(up, 1), 1);
    const moves = i64.eqz(i64.remU(key, 3));
    return i64.add(key, i64.select(moves, step, 0n));
  }

  /** A part key: i64 if keys are long, else i32. */
  private part(): Expr {
    const { parts } = this.scale;
    const drawn = this.#longPart?.nextLong(parts) ?? this.nextLong(this.#line.part, parts);
    const key = i64.add(drawn, 1);
    return this.long ? key : i32.wrapI64(key);
  }

  private nextLong(stream: Stream, range: number): Expr {
    stream.draw();
    return stream.belowLong(range);
  }

  /** Cents, i32. */
  private retailPrice(part: Local): Expr {
    if (this.long) {
      const tenth = i32.wrapI64(i64.remU(i64.divU(part, 10), 20_001));
      const thousands = i32.mul(i32.wrapI64(i64.remU(part, 1000)), 100);
      return i32.add(i32.add(tenth, 90_000), thousands);
    }
    const tenth = i32.remU(i32.divU(part, 10), 20_001);
    return i32.add(i32.add(tenth, 90_000), i32.mul(i32.remU(part, 1000), 100));
  }

  private supplier(part: Local, choice: Expr): Expr {
    const { suppliers } = this.scale;
    const quarter = Math.floor(suppliers / suppliersPerPart);
    if (this.long) {
      const step = i64.add(i64.divU(i64.sub(part, 1), suppliers), quarter);
      const sum = i64.add(part, i64.mul(i64.extendI32U(choice), step));
      return i64.add(i64.remU(sum, suppliers), 1);
    }
    const step = i32.add(i32.divU(i32.sub(part, 1), suppliers), quarter);
    const sum = i32.add(part, i32.mul(choice, step));
    return i32.add(i32.remU(sum, suppliers), 1);
  }
}
