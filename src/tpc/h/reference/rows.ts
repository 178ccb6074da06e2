import {
  addressAlphabet,
  addressLength,
  commentLength,
  currentDayIndex,
  customerStreams,
  dayCount,
  firstDay,
  type LengthRange,
  lineStreams,
  nationCommentStream,
  orderDayIndexMax,
  orderStreams,
  partStreams,
  partSuppStreams,
  regionCommentStream,
  retailPrice,
  reviewLength,
  reviewsPer10000,
  type StreamConstant,
  sparseOrderKey,
  supplierOfPart,
  supplierStreams,
  suppliersPerPart,
  textPoolSize,
} from '../constants.ts';
import {
  colors,
  containers,
  type Distribution,
  marketSegments,
  nations,
  orderPriorities,
  partTypes,
  regionNames,
  returnFlags,
  shipInstructions,
  shipModes,
} from '../distributions.ts';
import { RandomStream, RandomStream64 } from '../random.ts';
import type { Scale, TableName } from '../scale.ts';
import { referenceTextPool } from './text-pool.ts';

/**
 * The tables as lines of text, one value at a time and nothing clever: the model that the generator
 * proper is tested against. It follows dbgen's own order of work (its mk_order, mk_part, …).
 */

/** Which rows: units from `start` (counted from 0), and for refresh sets the bits of the keys. */
export interface ReferenceRange {
  readonly start: number;
  readonly count: number;
  readonly sequence?: number;
}

type Cell = string | number;

/** The lines of a table, each with its line feed. Units are rows, or orders for lineitem. */
export function* referenceLines(
  table: TableName,
  scale: Scale,
  range: ReferenceRange,
): Generator<string> {
  for (const row of rowGenerators[table](scale, range)) yield `${row.join('|')}|\n`;
}

const rowGenerators: Readonly<
  Record<TableName, (scale: Scale, range: ReferenceRange) => Generator<Cell[]>>
> = {
  customer: customerRows,
  lineitem: (scale, range) => flatten(scale, range, 'lines'),
  nation: nationRows,
  orders: (scale, range) => flatten(scale, range, 'order'),
  part: partRows,
  partsupp: partSuppRows,
  region: regionRows,
  supplier: supplierRows,
};

/** A set of streams that begin and end their rows together. */
function openStreams<T extends Record<string, StreamConstant>>(
  constants: T,
  startRow: number,
): { streams: Record<keyof T, RandomStream>; endRow: () => void } {
  const entries = Object.entries(constants).map(([name, constant]) => {
    const stream = new RandomStream(constant.seed, constant.drawsPerRow);
    stream.skipRows(startRow);
    return [name, stream] as const;
  });
  return {
    streams: Object.fromEntries(entries) as Record<keyof T, RandomStream>,
    endRow: () => {
      for (const [, stream] of entries) stream.endRow();
    },
  };
}

function pick(stream: RandomStream, distribution: Distribution): string {
  const draw = stream.next(1, distribution.cumulative.at(-1)!);
  return distribution.words[distribution.cumulative.findIndex((sum) => sum >= draw)]!;
}

/** A piece of the text pool: a draw for its offset, then one for its length. */
function text(stream: RandomStream, lengths: LengthRange): string {
  const offset = stream.next(0, textPoolSize - lengths.max);
  const length = stream.next(lengths.min, lengths.max);
  return String.fromCharCode(...referenceTextPool().subarray(offset, offset + length));
}

function address(stream: RandomStream): string {
  const length = stream.next(addressLength.min, addressLength.max);
  let result = '';
  let bits = 0;
  for (let index = 0; index < length; index++) {
    if (index % 5 === 0) bits = stream.nextOverflowing();
    result += addressAlphabet[bits & 63];
    bits >>= 6;
  }
  return result;
}

function phone(stream: RandomStream, nation: number): string {
  const area = stream.next(100, 999);
  const exchange = stream.next(100, 999);
  return `${10 + nation}-${area}-${exchange}-${stream.next(1000, 9999)}`;
}

function money(cents: number): string {
  const magnitude = Math.abs(cents);
  const fraction = String(magnitude % 100).padStart(2, '0');
  return `${cents < 0 ? '-' : ''}${Math.floor(magnitude / 100)}.${fraction}`;
}

const dateTexts = Array.from({ length: dayCount }, (_, index) =>
  new Date((firstDay + index) * 86_400_000).toISOString().slice(0, 10),
);

function numbered(tag: string, key: number): string {
  return `${tag}#${String(key).padStart(9, '0')}`;
}

function* regionRows(_scale: Scale, range: ReferenceRange): Generator<Cell[]> {
  const { streams, endRow } = openStreams({ comment: regionCommentStream }, range.start);
  for (let key = range.start; key < range.start + range.count; key++) {
    yield [key, regionNames[key]!, text(streams.comment, commentLength.region)];
    endRow();
  }
}

function* nationRows(_scale: Scale, range: ReferenceRange): Generator<Cell[]> {
  const { streams, endRow } = openStreams({ comment: nationCommentStream }, range.start);
  for (let key = range.start; key < range.start + range.count; key++) {
    const { name, region } = nations[key]!;
    yield [key, name, region, text(streams.comment, commentLength.nation)];
    endRow();
  }
}

function* customerRows(_scale: Scale, range: ReferenceRange): Generator<Cell[]> {
  const { streams, endRow } = openStreams(customerStreams, range.start);
  for (let key = range.start + 1; key <= range.start + range.count; key++) {
    const nation = streams.nation.next(0, nations.length - 1);
    yield [
      key,
      numbered('Customer', key),
      address(streams.address),
      nation,
      phone(streams.phone, nation),
      money(streams.balance.next(-99_999, 999_999)),
      pick(streams.segment, marketSegments),
      text(streams.comment, commentLength.customer),
    ];
    endRow();
  }
}

function* supplierRows(_scale: Scale, range: ReferenceRange): Generator<Cell[]> {
  const { streams, endRow } = openStreams(supplierStreams, range.start);
  for (let key = range.start + 1; key <= range.start + range.count; key++) {
    const nation = streams.nation.next(0, nations.length - 1);
    yield [
      key,
      numbered('Supplier', key),
      address(streams.address),
      nation,
      phone(streams.phone, nation),
      money(streams.balance.next(-99_999, 999_999)),
      supplierComment(streams),
    ];
    endRow();
  }
}

function supplierComment(streams: Record<keyof typeof supplierStreams, RandomStream>): string {
  const comment = text(streams.comment, commentLength.supplier);
  if (streams.review.next(1, 10_000) > reviewsPer10000) return comment;
  const junk = streams.reviewJunk.next(0, comment.length - reviewLength);
  const offset = streams.reviewOffset.next(0, comment.length - (reviewLength + junk));
  const kind = streams.reviewKind.next(0, 100) < 50 ? 'Complaints' : 'Recommends';
  const characters = [...comment];
  characters.splice(offset, 9, ...'Customer ');
  characters.splice(offset + 9 + junk, 10, ...kind);
  return characters.join('');
}

function* partRows(_scale: Scale, range: ReferenceRange): Generator<Cell[]> {
  const { streams, endRow } = openStreams(partStreams, range.start);
  for (let key = range.start + 1; key <= range.start + range.count; key++) {
    const manufacturer = streams.manufacturer.next(1, 5);
    yield [
      key,
      partName(streams.name),
      `Manufacturer#${manufacturer}`,
      `Brand#${manufacturer}${streams.brand.next(1, 5)}`,
      pick(streams.type, partTypes),
      streams.size.next(1, 50),
      pick(streams.container, containers),
      money(retailPrice(key)),
      text(streams.comment, commentLength.part),
    ];
    endRow();
  }
}

/** Five colours: the head of a shuffle. */
function partName(stream: RandomStream): string {
  const shuffled = [...colors];
  for (let index = 0; index < 5; index++) {
    const other = stream.next(index, colors.length - 1);
    [shuffled[index], shuffled[other]] = [shuffled[other]!, shuffled[index]!];
  }
  return shuffled.slice(0, 5).join(' ');
}

function* partSuppRows(scale: Scale, range: ReferenceRange): Generator<Cell[]> {
  const { streams, endRow } = openStreams(partSuppStreams, range.start);
  for (let key = range.start + 1; key <= range.start + range.count; key++) {
    for (let choice = 0; choice < suppliersPerPart; choice++) {
      yield [
        key,
        supplierOfPart(key, choice, scale.suppliers),
        streams.quantity.next(1, 9999),
        money(streams.cost.next(100, 100_000)),
        text(streams.comment, commentLength.partsupp),
      ];
    }
    endRow();
  }
}

function* flatten(
  scale: Scale,
  range: ReferenceRange,
  which: 'order' | 'lines',
): Generator<Cell[]> {
  for (const order of referenceOrders(scale, range)) {
    if (which === 'order') yield order.order;
    else yield* order.lines;
  }
}

interface ReferenceOrder {
  readonly order: Cell[];
  readonly lines: Cell[][];
}

function* referenceOrders(scale: Scale, range: ReferenceRange): Generator<ReferenceOrder> {
  const order = openStreams(orderStreams, range.start);
  const line = openStreams(lineStreams, range.start);
  const keyStream = (constant: StreamConstant): RandomStream | RandomStream64 => {
    const Stream = scale.longStreams ? RandomStream64 : RandomStream;
    const stream = new Stream(constant.seed, constant.drawsPerRow);
    stream.skipRows(range.start);
    return stream;
  };
  const customerStream = keyStream(orderStreams.customer);
  const partStream = keyStream(lineStreams.part);
  for (let index = range.start + 1; index <= range.start + range.count; index++) {
    yield makeOrder(scale, index, range.sequence ?? 0, {
      order: order.streams,
      line: line.streams,
      customer: customerStream,
      part: partStream,
    });
    order.endRow();
    line.endRow();
    customerStream.endRow();
    partStream.endRow();
  }
}

interface OrderStreams {
  readonly order: Record<keyof typeof orderStreams, RandomStream>;
  readonly line: Record<keyof typeof lineStreams, RandomStream>;
  readonly customer: RandomStream | RandomStream64;
  readonly part: RandomStream | RandomStream64;
}

function makeOrder(
  scale: Scale,
  index: number,
  sequence: number,
  streams: OrderStreams,
): ReferenceOrder {
  const key = sparseOrderKey(index, sequence);
  let customer = streams.customer.next(1, scale.customers);
  // A third of the customers never order anything.
  for (let delta = 1; customer % 3 === 0; delta = -delta) {
    customer = Math.min(customer + delta, scale.customers);
  }
  const day = streams.order.date.next(0, orderDayIndexMax);
  const lines: Cell[][] = [];
  const lineCount = streams.order.lineCount.next(1, 7);
  let totalPrice = 0;
  let shipped = 0;
  while (lines.length < lineCount) {
    const line = makeLine(scale, day, streams);
    lines.push([key, line.part, line.supplier, lines.length + 1, ...line.rest]);
    totalPrice += line.price;
    if (line.shipped) shipped++;
  }
  const status = shipped === lineCount ? 'F' : shipped > 0 ? 'P' : 'O';
  const order = [
    key,
    customer,
    status,
    money(totalPrice),
    dateTexts[day]!,
    pick(streams.order.priority, orderPriorities),
    numbered('Clerk', streams.order.clerk.next(1, scale.clerks)),
    0,
    text(streams.order.comment, commentLength.orders),
  ];
  return { order, lines };
}

function makeLine(scale: Scale, orderDay: number, streams: OrderStreams) {
  const { line } = streams;
  const part = streams.part.next(1, scale.parts);
  const supplier = supplierOfPart(part, line.supplier.next(0, 3), scale.suppliers);
  const quantity = line.quantity.next(1, 50);
  const discount = line.discount.next(0, 10);
  const tax = line.tax.next(0, 8);
  const extendedPrice = retailPrice(part) * quantity;
  const discounted = Math.floor((extendedPrice * (100 - discount)) / 100);
  const shipDay = orderDay + line.shipDate.next(1, 121);
  const commitDay = orderDay + line.commitDate.next(30, 90);
  const receiptDay = shipDay + line.receiptDate.next(1, 30);
  const shipped = shipDay <= currentDayIndex;
  const rest: Cell[] = [
    quantity,
    money(extendedPrice),
    money(discount),
    money(tax),
    // The flag is drawn only when it is needed.
    receiptDay <= currentDayIndex ? pick(line.returnFlag, returnFlags) : 'N',
    shipped ? 'F' : 'O',
    dateTexts[shipDay]!,
    dateTexts[commitDay]!,
    dateTexts[receiptDay]!,
    pick(line.instruction, shipInstructions),
    pick(line.mode, shipModes),
    text(line.comment, commentLength.lineitem),
  ];
  return {
    part,
    supplier,
    shipped,
    price: Math.floor((discounted * (100 + tax)) / 100),
    rest,
  };
}
