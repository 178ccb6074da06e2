import {
  type Cell,
  defaultTolerance,
  type ResultTable,
  sameCell,
} from '../../src/bench/result-table.ts';

/** The class letter of a SQL type; see `parse.ts`. */
export function typeClass(type: string): string {
  if (/^(?:U?(?:TINY|SMALL|BIG|HUGE)INT|U?INTEGER)$/.test(type)) return 'I';
  if (/^(?:DECIMAL|NUMERIC)/.test(type)) return 'N';
  if (/^(?:DOUBLE|REAL|FLOAT)/.test(type)) return 'R';
  return type === 'BOOLEAN' ? 'B' : 'T';
}

/** The rows of a result as they stand in a file. */
export function formatRows(table: ResultTable): string[] {
  return table.rows.map((row) => row.map(formatCell).join('\t'));
}

function formatCell(cell: Cell): string {
  if (cell === null) return 'NULL';
  if (typeof cell === 'object') return cell.decimal;
  if (cell === '') return '(empty)';
  return String(cell).replaceAll('\t', '\\t').replaceAll('\n', '\\n');
}

/** Whether a value is the one that stands in the file: doubles within the usual tolerance. */
export function sameText(actual: string, expected: string, type: string): boolean {
  if (actual === expected) return true;
  if (type !== 'R' || actual === 'NULL' || expected === 'NULL') return false;
  return sameCell(Number(actual), Number(expected), defaultTolerance);
}
