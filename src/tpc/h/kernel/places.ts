import { i32 } from '../../../wasm/index.ts';
import { commentLength, nationCommentStream, regionCommentStream } from '../constants.ts';
import { nations, regionNames, sortedRanks, sortedWords } from '../distributions.ts';
import { put } from './columns.ts';
import { drawComment } from './rows.ts';
import { columnMaker, type KernelBuild, type RowTable } from './table.ts';
import { commentField, wordField } from './text-fields.ts';

/** Nations and regions: the names by key, with comments. */

export function nationTable({ arena, image }: KernelBuild): RowTable<'comment'> {
  const column = columnMaker(arena, 1);
  const key = column(1);
  const region = column(1);
  const name = column(1);
  const comment = { offset: column(4), length: column(1) };
  const names = nations.map((nation) => nation.name);
  const regions = image.place(Uint8Array.from(nations, (nation) => nation.region));
  const ranks = image.place(sortedRanks(names));
  const keys = names.map((_, index) => String(index));
  const commentText = commentField(comment, commentLength.nation.max);
  return {
    name: 'nation',
    streams: { comment: nationCommentStream },
    rowsPerUnit: 1,
    rowBytesMax: 256,
    comment,
    generate: (f, streams, row, longKey) => {
      const nation = f.let(i32.wrapI64(longKey), 'nation');
      f.do(put(row, key, nation));
      f.do(put(row, name, i32.load8U(nation, ranks)));
      f.do(put(row, region, i32.load8U(nation, regions)));
      drawComment(f, streams.comment, commentLength.nation, row, comment);
    },
    fields: [
      wordField(image, key, keys, 4),
      wordField(image, name, sortedWords(names), 16),
      wordField(image, region, keys, 4),
      commentText,
    ],
    columns: [
      { form: 'fixed', column: key, signed: false },
      { form: 'dictionary', column: name, words: 'nation' },
      { form: 'fixed', column: region, signed: false },
      { form: 'field', field: commentText },
    ],
  };
}

export function regionTable({ arena, image }: KernelBuild): RowTable<'comment'> {
  const column = columnMaker(arena, 1);
  const key = column(1);
  const comment = { offset: column(4), length: column(1) };
  const keys = regionNames.map((_, index) => String(index));
  const commentText = commentField(comment, commentLength.region.max);
  return {
    name: 'region',
    streams: { comment: regionCommentStream },
    rowsPerUnit: 1,
    rowBytesMax: 256,
    comment,
    generate: (f, streams, row, longKey) => {
      f.do(put(row, key, i32.wrapI64(longKey)));
      drawComment(f, streams.comment, commentLength.region, row, comment);
    },
    fields: [wordField(image, key, keys, 4), wordField(image, key, regionNames, 16), commentText],
    columns: [
      { form: 'fixed', column: key, signed: false },
      // The names are in the order of their keys.
      { form: 'dictionary', column: key, words: 'region' },
      { form: 'field', field: commentText },
    ],
  };
}
