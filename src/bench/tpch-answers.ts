import { type Cell, type ResultTable, showCell } from './result-table.ts';

/**
 * The answers to the 22 queries at scale factor 1 that come with the TPC-H kit, one file a query:
 * a line of column names, then a line a row, fields padded and separated by `|`. They are under the
 * TPC's licence and not part of this repository.
 */
export interface TpchAnswer {
  columns: string[];
  rows: string[][];
}

export function parseAnswer(text: string): TpchAnswer {
  const [head = '', ...lines] = text.split('\n').filter((line) => line.trim() !== '');
  const fields = (line: string) => line.split('|').map((field) => field.trim());
  return { columns: fields(head), rows: lines.map(fields) };
}

export type Agreement =
  /** Every value, once rounded to the digits that the answer shows. */
  | { kind: 'exact' }
  /** Rows in another order: within what ORDER BY leaves open, or a wrong order. */
  | { kind: 'reordered' }
  /** Only within the 1 % that the specification (2.1.3.5) grants to averages and ratios. */
  | { kind: 'tolerated'; difference: string }
  | { kind: 'different'; difference: string };

/** Compares a result with the published answer. */
export function compareAnswer(result: ResultTable, answer: TpchAnswer): Agreement {
  if (result.rows.length !== answer.rows.length) {
    const difference = `${result.rows.length} rows instead of ${answer.rows.length}`;
    return { kind: 'different', difference };
  }
  const texts = result.rows.map((row, i) =>
    row.map((cell, j) => roundedText(cell, answer.rows[i][j] ?? '')),
  );
  let tolerated: string | undefined;
  for (let i = 0; i < texts.length; i++) {
    for (let j = 0; j < answer.columns.length; j++) {
      if (texts[i][j] === answer.rows[i][j]) continue;
      const difference = `row ${i + 1}, ${answer.columns[j]}: ${showCell(result.rows[i][j])} instead of ${answer.rows[i][j]}`;
      if (!withinTolerance(result.rows[i][j], answer.rows[i][j])) {
        return sameRows(texts, answer.rows)
          ? { kind: 'reordered' }
          : { kind: 'different', difference };
      }
      tolerated ??= difference;
    }
  }
  return tolerated === undefined ? { kind: 'exact' } : { kind: 'tolerated', difference: tolerated };
}

/** A value as the answer would write it: numbers with as many decimals as it has there. */
function roundedText(cell: Cell, like: string): string {
  if (cell === null) return 'NULL';
  const digits = /^-?\d+\.(\d+)$/.exec(like)?.[1].length ?? 0;
  if (typeof cell === 'number') return Number.isFinite(cell) ? cell.toFixed(digits) : String(cell);
  if (typeof cell === 'bigint') return roundDecimal(cell.toString(), digits, like);
  if (typeof cell === 'object') return roundDecimal(cell.decimal, digits, like);
  return String(cell).trim();
}

/**
 * Rounds a decimal text to `digits` decimals, exactly. What lies in the very middle goes away from
 * zero, but down when that is what the answer has: its makers rounded doubles.
 */
function roundDecimal(text: string, digits: number, like: string): string {
  const [, sign, whole, fraction = ''] = /^(-?)(\d+)(?:\.(\d*))?$/.exec(text) ?? [];
  if (whole === undefined) return text;
  const kept = BigInt(whole + fraction.padEnd(digits, '0').slice(0, digits));
  const up = (fraction[digits] ?? '0') >= '5';
  const down = decimalText(sign, kept, digits);
  if (/^50*$/.test(fraction.slice(digits)) && down === like) return down;
  return decimalText(sign, up ? kept + 1n : kept, digits);
}

/** A number of units of the last of `digits` decimals as a text. */
function decimalText(sign: string, units: bigint, digits: number): string {
  const padded = units.toString().padStart(digits + 1, '0');
  const cut = padded.length - digits;
  const number = digits === 0 ? padded : `${padded.slice(0, cut)}.${padded.slice(cut)}`;
  return units === 0n ? number : sign + number;
}

function withinTolerance(cell: Cell, expected: string): boolean {
  if (typeof cell !== 'number' || !/^-?\d+(?:\.\d+)?$/.test(expected)) return false;
  const value = Number(expected);
  return Math.abs(cell - value) <= Math.abs(value) * 0.01;
}

function sameRows(a: readonly string[][], b: readonly string[][]): boolean {
  const sorted = (rows: readonly string[][]) => rows.map((row) => row.join('|')).sort();
  const [left, right] = [sorted(a), sorted(b)];
  return left.every((row, i) => row === right[i]);
}
