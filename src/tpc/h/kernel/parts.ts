import {
  type Expr,
  type FunctionBuilder,
  i32,
  i64,
  type Local,
  v128,
} from '../../../wasm/index.ts';
import { commentLength, partStreams, partSuppStreams, suppliersPerPart } from '../constants.ts';
import {
  brandNames,
  colors,
  containers,
  manufacturerNames,
  partTypes,
  sortedRanks,
  sortedWords,
} from '../distributions.ts';
import { put, type RowPointers } from './columns.ts';
import { hasLongKeys } from './config.ts';
import type { Image } from './image.ts';
import type { Stream } from './random.ts';
import { advanceRows, arenaOf, drawComment } from './rows.ts';
import { columnMaker, type KernelBuild, type RowTable, type TextField } from './table.ts';
import { commentField, keyField, moneyField, numberField, wordField } from './text-fields.ts';

/** Colours in the name of a part; their indexes take a byte each of an eight-byte column. */
const nameColors = 5;

export function partTable(build: KernelBuild): RowTable<keyof typeof partStreams> {
  const { config, image, arena } = build;
  const { scale } = config;
  const column = columnMaker(arena, 1);
  const key = column(hasLongKeys(scale) ? 8 : 4);
  const name = column(8);
  const manufacturer = column(1);
  const brand = column(1);
  const type = column(1);
  const size = column(1);
  const container = column(1);
  const price = column(4);
  const comment = { offset: column(4), length: column(1) };
  const typeRanks = image.place(sortedRanks(partTypes.words));
  const containerRanks = image.place(sortedRanks(containers.words));
  const shuffled = arena.reserve(colors.length);
  const nameText = nameField(image, name.offset);
  const commentText = commentField(comment, commentLength.part.max);
  return {
    name: 'part',
    streams: partStreams,
    rowsPerUnit: 1,
    rowBytesMax: 256,
    comment,
    generate: (f, streams, row, partKey) => {
      f.do(put(row, key, key.width === 8 ? partKey : i32.wrapI64(partKey)));
      generateName(f, image, streams.name, row, name.offset, shuffled);
      const maker = f.let(streams.manufacturer.next(5), 'maker');
      f.do(put(row, manufacturer, maker));
      f.do(put(row, brand, i32.add(i32.mul(maker, 5), streams.brand.next(5))));
      f.do(put(row, type, i32.load8U(streams.type.next(partTypes.words.length), typeRanks)));
      f.do(put(row, size, i32.add(streams.size.next(50), 1)));
      const containerDraw = streams.container.next(containers.words.length);
      f.do(put(row, container, i32.load8U(containerDraw, containerRanks)));
      f.do(put(row, price, retailPriceOf(partKey)));
      drawComment(f, streams.comment, commentLength.part, row, comment);
    },
    fields: [
      keyField(key, scale.parts + 1),
      nameText,
      wordField(image, manufacturer, manufacturerNames, 16),
      wordField(image, brand, brandNames, 16),
      wordField(image, type, sortedWords(partTypes.words), 32),
      numberField(size),
      wordField(image, container, sortedWords(containers.words), 16),
      moneyField(price),
      commentText,
    ],
    columns: [
      { form: 'fixed', column: key, signed: true },
      { form: 'field', field: nameText },
      { form: 'dictionary', column: manufacturer, words: 'manufacturer' },
      { form: 'dictionary', column: brand, words: 'brand' },
      { form: 'dictionary', column: type, words: 'partType' },
      { form: 'fixed', column: size, signed: false },
      { form: 'dictionary', column: container, words: 'container' },
      { form: 'fixed', column: price, signed: true },
      { form: 'field', field: commentText },
    ],
  };
}

/** Cents (i32) for a part key (i64). */
function retailPriceOf(key: Local): Expr {
  const tenth = i32.wrapI64(i64.remU(i64.divU(key, 10), 20_001));
  const thousands = i32.mul(i32.wrapI64(i64.remU(key, 1000)), 100);
  return i32.add(i32.add(tenth, 90_000), thousands);
}

/** The head of a shuffle: the first five colours are swapped with random ones, the rest stays. */
function generateName(
  f: FunctionBuilder,
  image: Image,
  stream: Stream,
  row: RowPointers,
  nameOffset: number,
  shuffled: number,
): void {
  const identity = image.shared('colorIndexes', () =>
    image.place(Uint8Array.from({ length: 96 }, (_, index) => index)),
  );
  const arena = f.let(arenaOf(row), 'arena');
  for (let at = 0; at < 96; at += 16) {
    f.do(v128.store(arena, v128.load(i32.const(identity), at), shuffled + at));
  }
  for (let index = 0; index < nameColors; index++) {
    const draw = i32.add(stream.next(colors.length - index), index);
    const other = f.let(i32.add(arena, draw), 'other');
    const color = f.let(i32.load8U(other, shuffled), 'color');
    f.do(i32.store8(other, i32.load8U(arena, shuffled + index), shuffled));
    f.do(i32.store8(row[8], color, nameOffset + index));
  }
  stream.skip(stream.constant.drawsPerRow - nameColors);
}

function nameField(image: Image, nameOffset: number): TextField {
  const slotBytes = 16;
  const table = image.placeTexts(
    colors.map((color) => `${color} `),
    slotBytes,
  );
  return {
    write: (writer, row) => {
      for (let index = 0; index < nameColors; index++) {
        const slot = i32.shl(i32.load8U(row[8], nameOffset + index), 4);
        writer.slot(writer.f.let(slot, 'slot'), table, slotBytes);
      }
      writer.advance(-1);
    },
  };
}

export function partSuppTable(build: KernelBuild): RowTable<keyof typeof partSuppStreams> {
  const { config, arena } = build;
  const { scale } = config;
  const long = hasLongKeys(scale);
  const column = columnMaker(arena, suppliersPerPart);
  const part = column(long ? 8 : 4);
  const supplier = column(long ? 8 : 4);
  const quantity = column(2);
  const cost = column(4);
  const comment = { offset: column(4), length: column(1) };
  const commentText = commentField(comment, commentLength.partsupp.max);
  return {
    name: 'partsupp',
    streams: partSuppStreams,
    rowsPerUnit: suppliersPerPart,
    rowBytesMax: 256,
    comment,
    generate: (f, streams, row, key) => {
      for (let choice = 0; choice < suppliersPerPart; choice++) {
        if (choice > 0) advanceRows(f, row);
        const quarter = Math.floor(scale.suppliers / suppliersPerPart);
        const step = i64.add(i64.divU(i64.sub(key, 1), scale.suppliers), quarter);
        const sum = i64.add(key, i64.mul(step, choice));
        const supplierKey = i64.add(i64.remU(sum, scale.suppliers), 1);
        f.do(put(row, part, long ? key : i32.wrapI64(key)));
        f.do(put(row, supplier, long ? supplierKey : i32.wrapI64(supplierKey)));
        f.do(put(row, quantity, i32.add(streams.quantity.next(9999), 1)));
        f.do(put(row, cost, i32.add(streams.cost.next(99_901), 100)));
        drawComment(f, streams.comment, commentLength.partsupp, row, comment);
      }
    },
    fields: [
      keyField(part, scale.parts + 1),
      keyField(supplier, scale.suppliers + 1),
      numberField(quantity),
      moneyField(cost),
      commentText,
    ],
    columns: [
      { form: 'fixed', column: part, signed: true },
      { form: 'fixed', column: supplier, signed: true },
      { form: 'fixed', column: quantity, signed: false },
      { form: 'fixed', column: cost, signed: true },
      { form: 'field', field: commentText },
    ],
  };
}
