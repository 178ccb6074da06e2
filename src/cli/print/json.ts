import { jsonText } from './cell.ts';
import type { ColumnInfo, ResultPrinter } from './printer.ts';

/** One JSON object a line. */
export class NdjsonPrinter implements ResultPrinter {
  #columns: readonly ColumnInfo[] = [];
  #keys: string[] = [];

  begin(columns: readonly ColumnInfo[]): string {
    this.#columns = columns;
    this.#keys = columns.map(({ name }) => JSON.stringify(name));
    return '';
  }

  row(values: readonly unknown[]): string {
    return `${this.object(values)}\n`;
  }

  end(): string {
    return '';
  }

  protected object(values: readonly unknown[]): string {
    const parts = values.map((value, i) => {
      return `${this.#keys[i]}:${jsonText(value, this.#columns[i].type)}`;
    });
    return `{${parts.join(',')}}`;
  }
}

/** One array of objects, a row a line. */
export class JsonPrinter extends NdjsonPrinter {
  #rows = 0;

  override begin(columns: readonly ColumnInfo[]): string {
    super.begin(columns);
    this.#rows = 0;
    return '[';
  }

  override row(values: readonly unknown[]): string {
    return `${this.#rows++ === 0 ? '\n' : ',\n'}${this.object(values)}`;
  }

  override end(): string {
    return this.#rows === 0 ? ']\n' : '\n]\n';
  }
}
