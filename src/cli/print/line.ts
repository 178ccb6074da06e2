import { cellText } from './cell.ts';
import type { ColumnInfo, ResultPrinter } from './printer.ts';
import { padText, textWidth } from './width.ts';

/**
 * A line for each value, under each other the names before them; rows are apart by an empty line.
 */
export class LinePrinter implements ResultPrinter {
  #columns: readonly ColumnInfo[] = [];
  #names: readonly string[] = [];
  #isFirst = true;

  begin(columns: readonly ColumnInfo[]): string {
    this.#columns = columns;
    const width = Math.max(0, ...columns.map(({ name }) => textWidth(name)));
    this.#names = columns.map(({ name }) => padText(name, width, true));
    return '';
  }

  row(values: readonly unknown[]): string {
    const lines = values.map((value, i) => {
      const text = value === null ? 'NULL' : cellText(value, this.#columns[i].type);
      return `${this.#names[i]} = ${text}\n`;
    });
    const gap = this.#isFirst ? '' : '\n';
    this.#isFirst = false;
    return gap + lines.join('');
  }

  end(): string {
    return '';
  }
}
