/** How a column of a Parquet file is laid out in memory, from what its footer says. */

import { chunkBounds, columnBounds, type IntegerBounds } from '../../format/parquet/bounds.ts';
import type { ColumnTarget } from '../../format/parquet/decode/chunk-decoder.ts';
import type { ParquetChunk, ParquetColumn } from '../../format/parquet/footer.ts';
import type { TextValues } from '../../format/parquet/values.ts';
import { chooseFixedLayout, isText } from '../../table/choose-layout.ts';
import type { ColumnLayout, Dictionary, Zone } from '../../table/layout.ts';
import { layoutWidth } from '../../table/layout.ts';
import type { ColumnStatistics } from '../../table/statistics.ts';
import { isFloat } from '../../value/type.ts';

export interface FileColumn {
  readonly column: ParquetColumn;
  readonly layout: ColumnLayout;
  readonly statistics: ColumnStatistics;
  readonly bounds: IntegerBounds | undefined;
  /** What the decoder makes of it; undefined where only vectors can be had. */
  readonly target: ColumnTarget | undefined;
}

/** The column with its chunks, one of each row group, its texts as plain strings. */
export function fileColumn(
  column: ParquetColumn,
  chunks: readonly ParquetChunk[],
  rowCount: number,
): FileColumn {
  const { type } = column.read;
  const bounds = columnBounds(column, chunks);
  const layout: ColumnLayout = isText(type)
    ? { kind: 'string' }
    : chooseFixedLayout(type, bounds?.min, bounds?.max);
  const nullCount = nullCountOf(column, chunks);
  const values = Math.max(0, rowCount - nullCount);
  const span = bounds === undefined ? values : Number(bounds.max - bounds.min) + 1;
  const statistics: ColumnStatistics = {
    nullCount,
    min: rowCount > 0 && !isFloat(type) ? bounds?.min : undefined,
    max: rowCount > 0 && !isFloat(type) ? bounds?.max : undefined,
    distinctCount: Math.min(values, span),
    averageWidth: layout.kind === 'string' ? averageBytes(chunks, values) : layoutWidth(layout),
    order: 'none',
  };
  return { column, layout, statistics, bounds, target: targetOf(layout, bounds) };
}

/** Exact where the file says it; else some number that is not 0, if there may be NULLs. */
function nullCountOf({ field }: ParquetColumn, chunks: readonly ParquetChunk[]): number {
  if (!field.nullable) return 0;
  let count = 0;
  for (const chunk of chunks) count += chunk.nullCount ?? Math.ceil(chunk.valueCount / 100);
  return count;
}

function averageBytes(chunks: readonly ParquetChunk[], values: number): number {
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.bytes, 0);
  return values === 0 ? 0 : (2 * bytes) / values;
}

function targetOf(
  layout: ColumnLayout,
  bounds: IntegerBounds | undefined,
): ColumnTarget | undefined {
  switch (layout.kind) {
    case 'int':
      if (bounds === undefined) return undefined;
      return { kind: 'int', width: layout.width, base: layout.base, ...bounds };
    case 'float':
      return { kind: 'float', width: layout.width };
    case 'string':
      return { kind: 'texts' };
    default:
      return undefined;
  }
}

/** The same column with its texts as codes of a dictionary that has all of them. */
export function withDictionary(
  file: FileColumn,
  dictionary: Dictionary,
  width: 1 | 2 | 4,
  codesOf: (entries: TextValues) => ArrayLike<number>,
): FileColumn {
  const bytes = dictionary.values.reduce((sum, value) => sum + value.length, 0);
  return {
    ...file,
    layout: { kind: 'dictionary', width, dictionary },
    target: { kind: 'codes', width, codesOf },
    statistics: {
      ...file.statistics,
      distinctCount: dictionary.count,
      averageWidth: bytes / Math.max(1, dictionary.count),
    },
  };
}

/** The stored values that a chunk lies between, where its statistics say. */
export function zoneOf({ column, layout }: FileColumn, chunk: ParquetChunk): Zone | undefined {
  if (layout.kind !== 'int') return undefined;
  const bounds = chunkBounds(column, chunk);
  if (bounds === undefined) return undefined;
  const stored = (value: bigint) => (layout.width === 8 ? value : Number(value - layout.base));
  return { min: stored(bounds.min), max: stored(bounds.max) };
}
