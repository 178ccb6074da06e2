import { CsvPrinter } from './csv.ts';
import { JsonPrinter, NdjsonPrinter } from './json.ts';
import { LinePrinter } from './line.ts';
import { MarkdownPrinter, TablePrinter } from './table.ts';
import { ValuesPrinter } from './values.ts';

/** A column of a result, with the SQL name of its type. */
export interface ColumnInfo {
  readonly name: string;
  readonly type: string;
}

/**
 * Turns a result into text, piece by piece: `begin` once, `row` for each row with the values of the
 * exact form (bigint, decimal and ISO texts), `end` once. Each gives what is to be written next.
 */
export interface ResultPrinter {
  begin(columns: readonly ColumnInfo[]): string;
  row(values: readonly unknown[]): string;
  end(): string;
}

export const textFormats = [
  'table',
  'csv',
  'json',
  'ndjson',
  'markdown',
  'line',
  'values',
] as const;
export type TextFormat = (typeof textFormats)[number];

export function createPrinter(format: TextFormat): ResultPrinter {
  switch (format) {
    case 'table':
      return new TablePrinter();
    case 'csv':
      return new CsvPrinter();
    case 'json':
      return new JsonPrinter();
    case 'ndjson':
      return new NdjsonPrinter();
    case 'markdown':
      return new MarkdownPrinter();
    case 'line':
      return new LinePrinter();
    case 'values':
      return new ValuesPrinter();
  }
}
