import { type FunctionBuilder, i32, i64, type Local } from '../../../wasm/index.ts';
import {
  addressAlphabet,
  addressLength,
  commentLength,
  customerStreams,
  reviewLength,
  reviewsPer10000,
  supplierStreams,
} from '../constants.ts';
import { marketSegments, nations } from '../distributions.ts';
import { get, put, type RowPointers } from './columns.ts';
import { hasLongKeys } from './config.ts';
import { type Image, packText } from './image.ts';
import type { Stream } from './random.ts';
import { arenaOf, type CommentColumns, drawComment, rowIndex } from './rows.ts';
import {
  columnMaker,
  type KernelBuild,
  type RowTable,
  type TextField,
  unitsPerBatch,
} from './table.ts';
import {
  commentField,
  keyField,
  moneyField,
  numberedField,
  wordField,
  writeComment,
} from './text-fields.ts';

/**
 * Customers and suppliers: both have a name, an address, a nation, a phone number and a balance.
 */

/** Bytes that an address takes in its column, its length in a column of its own. */
const addressBytes = 48;

type PersonStreams = Readonly<Record<'address' | 'nation' | 'phone' | 'balance', Stream>>;

function personColumns({ arena, config }: KernelBuild) {
  const column = columnMaker(arena, 1);
  return {
    key: column(hasLongKeys(config.scale) ? 8 : 4),
    address: arena.reserve(addressBytes * unitsPerBatch),
    addressLength: column(1),
    nation: column(1),
    area: column(2),
    exchange: column(2),
    number: column(2),
    /** Cents. */
    balance: column(4),
    comment: { offset: column(4), length: column(1) },
  };
}

type PersonColumns = ReturnType<typeof personColumns>;

/** Where the address of a row is. */
function addressPlace(f: FunctionBuilder, row: RowPointers, columns: PersonColumns): Local {
  const place = i32.add(arenaOf(row), i32.mul(rowIndex(row), addressBytes));
  return f.let(i32.add(place, columns.address), 'address');
}

function generatePerson(
  f: FunctionBuilder,
  image: Image,
  streams: PersonStreams,
  row: RowPointers,
  columns: PersonColumns,
  key: Local,
): void {
  f.do(put(row, columns.key, columns.key.width === 8 ? key : i32.wrapI64(key)));
  f.do(put(row, columns.nation, streams.nation.next(nations.length)));
  f.do(put(row, columns.area, i32.add(streams.phone.next(900), 100)));
  f.do(put(row, columns.exchange, i32.add(streams.phone.next(900), 100)));
  f.do(put(row, columns.number, i32.add(streams.phone.next(9000), 1000)));
  f.do(put(row, columns.balance, i32.sub(streams.balance.next(1_099_999), 99_999)));
  generateAddress(f, image, streams.address, row, columns);
}

/** Five characters a draw, always for the longest address, so that nothing is left to skip. */
function generateAddress(
  f: FunctionBuilder,
  image: Image,
  stream: Stream,
  row: RowPointers,
  columns: PersonColumns,
): void {
  const alphabet = image.shared('addressAlphabet', () =>
    image.place(Uint8Array.from(addressAlphabet, (letter) => letter.charCodeAt(0))),
  );
  const place = addressPlace(f, row, columns);
  const { min, max } = addressLength;
  f.do(put(row, columns.addressLength, i32.add(stream.next(max - min + 1), min)));
  for (let at = 0; at < max; at += 5) {
    const bits = f.let(stream.nextOverflowing(), 'bits');
    for (let i = 0; i < 5; i++) {
      const letter = i32.and(i32.shrS(bits, 6 * i), 63);
      f.do(i32.store8(place, i32.load8U(letter, alphabet), at + i));
    }
  }
}

function personFields(build: KernelBuild, columns: PersonColumns, tag: string, bound: number) {
  const { image } = build;
  const nationKeys = Array.from(nations, (_, key) => String(key));
  const address: TextField = {
    free: true,
    write: (writer, row) => {
      const { f } = writer;
      const from = addressPlace(f, row, columns);
      writer.copy(from, f.let(get(row, columns.addressLength), 'length'), addressLength.max);
    },
  };
  const phone: TextField = {
    write: (writer, row) => {
      const country = i32.add(get(row, columns.nation), 10);
      const first = i32.add(i32.mul(country, 1000), get(row, columns.area));
      writer.phone(first, get(row, columns.exchange), get(row, columns.number));
    },
  };
  return {
    key: keyField(columns.key, bound),
    name: numberedField(tag, columns.key, bound),
    address,
    nation: wordField(image, columns.nation, nationKeys, 4),
    phone,
    balance: moneyField(columns.balance),
  };
}

export function customerTable(build: KernelBuild): RowTable<keyof typeof customerStreams> {
  const { config, image, arena } = build;
  const columns = personColumns(build);
  const segment = columnMaker(arena, 1)(1);
  const fields = personFields(build, columns, 'Customer#', config.scale.customers + 1);
  const comment = commentField(columns.comment, commentLength.customer.max);
  return {
    name: 'customer',
    streams: customerStreams,
    rowsPerUnit: 1,
    rowBytesMax: 256,
    comment: columns.comment,
    generate: (f, streams, row, key) => {
      generatePerson(f, image, streams, row, columns, key);
      f.do(put(row, segment, streams.segment.next(marketSegments.words.length)));
      drawComment(f, streams.comment, commentLength.customer, row, columns.comment);
    },
    fields: [
      fields.key,
      fields.name,
      fields.address,
      fields.nation,
      fields.phone,
      fields.balance,
      wordField(image, segment, marketSegments.words, 16),
      comment,
    ],
    columns: [
      { form: 'fixed', column: columns.key, signed: true },
      { form: 'field', field: fields.name },
      { form: 'field', field: fields.address },
      { form: 'fixed', column: columns.nation, signed: false },
      { form: 'field', field: fields.phone },
      { form: 'fixed', column: columns.balance, signed: true },
      { form: 'dictionary', column: segment, words: 'marketSegment' },
      { form: 'field', field: comment },
    ],
  };
}

export function supplierTable(build: KernelBuild): RowTable<keyof typeof supplierStreams> {
  const { config, image } = build;
  const columns = personColumns(build);
  const review = reviewColumns(build);
  const fields = personFields(build, columns, 'Supplier#', config.scale.suppliers + 1);
  const comment = reviewedComment(columns.comment, review);
  return {
    name: 'supplier',
    streams: supplierStreams,
    rowsPerUnit: 1,
    rowBytesMax: 256,
    comment: columns.comment,
    generate: (f, streams, row, key) => {
      generatePerson(f, image, streams, row, columns, key);
      drawComment(f, streams.comment, commentLength.supplier, row, columns.comment);
      generateReview(f, streams, row, columns.comment, review);
    },
    fields: [
      fields.key,
      fields.name,
      fields.address,
      fields.nation,
      fields.phone,
      fields.balance,
      comment,
    ],
    columns: [
      { form: 'fixed', column: columns.key, signed: true },
      { form: 'field', field: fields.name },
      { form: 'field', field: fields.address },
      { form: 'fixed', column: columns.nation, signed: false },
      { form: 'field', field: fields.phone },
      { form: 'fixed', column: columns.balance, signed: true },
      { form: 'field', field: comment },
    ],
  };
}

function reviewColumns({ arena }: KernelBuild) {
  const column = columnMaker(arena, 1);
  return {
    /** 0 none, 1 a complaint, 2 a recommendation. */
    kind: column(1),
    offset: column(1),
    junk: column(1),
  };
}

type ReviewColumns = ReturnType<typeof reviewColumns>;

/** One draw a row of each stream, whether there is a review or not. */
function generateReview(
  f: FunctionBuilder,
  streams: Readonly<Record<keyof typeof supplierStreams, Stream>>,
  row: RowPointers,
  comment: CommentColumns,
  review: ReviewColumns,
): void {
  const has = f.let(i32.ltU(streams.review.next(10_000), reviewsPer10000), 'has');
  const kind = i32.select(i32.ltU(streams.reviewKind.next(101), 50), 1, 2);
  f.do(put(row, review.kind, i32.select(has, kind, 0)));
  const room = i32.sub(get(row, comment.length), reviewLength - 1);
  const junk = f.let(streams.reviewJunk.nextVariable(i64.extendI32U(room)), 'junk');
  f.do(put(row, review.junk, junk));
  const offset = streams.reviewOffset.nextVariable(i64.extendI32U(i32.sub(room, junk)));
  f.do(put(row, review.offset, offset));
}

/** A comment into which "Customer " and then, some letters on, the verdict are written. */
function reviewedComment(comment: CommentColumns, review: ReviewColumns): TextField {
  return {
    free: true,
    write: (writer, row) => {
      const { f, to } = writer;
      const start = f.let(to, 'start');
      writeComment(writer, row, comment, commentLength.supplier.max);
      const kind = f.let(get(row, review.kind), 'kind');
      f.if(kind, () => {
        const at = f.let(i32.add(start, get(row, review.offset)), 'at');
        f.do(i64.store(at, packText('Customer')));
        f.do(i32.store8(at, 0x20, 8));
        const verdict = f.let(i32.add(at, get(row, review.junk)), 'verdict');
        const isComplaint = f.let(i32.eq(kind, 1), 'isComplaint');
        const first = i64.select(isComplaint, packText('Complain'), packText('Recommen'));
        f.do(i64.store(verdict, first, 9));
        f.do(i32.store16(verdict, i32.select(isComplaint, 0x7374, 0x7364), 17));
      });
    },
  };
}
