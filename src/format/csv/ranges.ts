/**
 * Reading a file of delimited text in parallel. The file is cut at fixed positions; the range
 * [from, to) stands for the lines that start in it. Each range is parsed on its own, on the
 * assumption that its first line feed ends a record.
 *
 * That assumption fails only when a range begins inside a quoted field. It need not be checked
 * where it is made: if every range ends outside quotes, then by induction from the first, which
 * starts right, every range started right. So the ranges before the first that reports
 * `clean: false` are the file's rows, and that one started right too: from its `start` on the file
 * is read in order, which either succeeds or gives the error with its line.
 */
import type { ColumnBatch } from '../../value/batch.ts';
import type { RandomSource } from '../source.ts';
import type { CsvParser } from './parser.ts';

export interface CsvRange {
  readonly from: number;
  readonly to: number;
}

/** Cuts the bytes from `dataStart` to `size` into ranges of about `rangeBytes`. */
export function csvRanges(dataStart: number, size: number, rangeBytes: number): CsvRange[] {
  const ranges: CsvRange[] = [];
  for (let from = dataStart; from < size; from += rangeBytes) {
    ranges.push({ from, to: Math.min(size, from + rangeBytes) });
  }
  return ranges;
}

export interface CsvRangeOptions {
  /** Where the data of the file start; the range there begins with a record for certain. */
  readonly dataStart: number;
  /** Gets the rows as views of the parser's memory, valid until it returns. */
  readonly onBatch: (batch: ColumnBatch) => void;
}

export interface CsvRangeResult {
  /** Position in the file of the first line that starts in the range, if there is one. */
  readonly start: number | undefined;
  readonly rowCount: number;
  readonly lineCount: number;
  /** False when the rows are not to be trusted; see the head of this file. */
  readonly clean: boolean;
}

/** Parses the lines that start in `range`. */
export async function parseCsvRange(
  parser: CsvParser,
  source: RandomSource,
  range: CsvRange,
  options: CsvRangeOptions,
): Promise<CsvRangeResult> {
  const { input } = parser;
  let rowCount = 0;
  let lineCount = 0;
  let start: number | undefined;
  const result = (clean: boolean): CsvRangeResult => ({ start, rowCount, lineCount, clean });
  let filled = 0;
  // A line starts behind a line feed: look for one from the byte before the range on.
  let next = range.from === options.dataStart ? range.from : range.from - 1;
  let skipping = next < range.from;
  for (;;) {
    const count = Math.min(input.length - filled, source.size - next);
    if (count === 0 && filled === 0) return result(true);
    await source.readAt(next, input.subarray(filled, filled + count));
    next += count;
    filled += count;
    let at = 0;
    if (skipping) {
      const first = input.subarray(0, filled).indexOf(10) + 1;
      // No line starts here, or none up to the end of the range.
      const found = first > 0 && next - filled + first < range.to;
      if (!found && (first > 0 || next >= range.to)) return result(true);
      if (!found) {
        filled = 0;
        continue;
      }
      skipping = false;
      at = first;
    }
    const origin = next - filled;
    start ??= origin + at;
    // The last line of a file may lack its line feed.
    if (next === source.size && filled < input.length && input[filled - 1] !== 10) {
      input[filled++] = 10;
    }
    const end = endOfLines(input, at, filled, origin, range.to);
    if (end <= at) return result(false);
    while (at < end) {
      const parse = parser.parse(at, end);
      if (parse.batch.rowCount > 0) options.onBatch(parse.batch);
      rowCount += parse.batch.rowCount;
      lineCount += parse.lineCount;
      at = parse.position;
      if (parse.problem !== undefined || parse.incomplete) return result(false);
    }
    if (origin + end >= range.to) return result(true);
    input.copyWithin(0, end, filled);
    filled -= end;
  }
}

/** Index behind the last whole line of `input` that starts before position `to` of the file. */
function endOfLines(
  input: Uint8Array,
  at: number,
  filled: number,
  positionOfInput: number,
  to: number,
): number {
  const limit = to - positionOfInput;
  if (limit > filled) return input.subarray(0, filled).lastIndexOf(10) + 1;
  // The line that holds the last byte of the range is its last one.
  return input.subarray(0, filled).indexOf(10, Math.max(at, limit - 1)) + 1;
}
