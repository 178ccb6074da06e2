import { cellText } from './cell.ts';
import type { ColumnInfo, ResultPrinter } from './printer.ts';

/** CSV with a header as in RFC 4180, lines ended by a line feed. NULL is nothing, '' is `""`. */
export class CsvPrinter implements ResultPrinter {
  #columns: readonly ColumnInfo[] = [];

  begin(columns: readonly ColumnInfo[]): string {
    this.#columns = columns;
    return `${columns.map(({ name }) => quote(name)).join(',')}\n`;
  }

  row(values: readonly unknown[]): string {
    const cells = values.map((value, i) => {
      return value === null ? '' : quote(cellText(value, this.#columns[i].type));
    });
    return `${cells.join(',')}\n`;
  }

  end(): string {
    return '';
  }
}

function quote(text: string): string {
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
