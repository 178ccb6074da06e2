import { cellText } from './cell.ts';
import type { ColumnInfo, ResultPrinter } from './printer.ts';

/**
 * Bare values for scripts: no header, a row a line, tabs between the columns. Tabs, line feeds and
 * backslashes in a text are written `\t`, `\n`, `\\`, and NULL is `\N`, as PostgreSQL's COPY does.
 */
export class ValuesPrinter implements ResultPrinter {
  #columns: readonly ColumnInfo[] = [];

  begin(columns: readonly ColumnInfo[]): string {
    this.#columns = columns;
    return '';
  }

  row(values: readonly unknown[]): string {
    const cells = values.map((value, i) => {
      return value === null ? '\\N' : escapeText(cellText(value, this.#columns[i].type));
    });
    return `${cells.join('\t')}\n`;
  }

  end(): string {
    return '';
  }
}

const escapes: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

function escapeText(text: string): string {
  return text.replaceAll(/[\\\t\n\r]/g, (character) => escapes[character]);
}
