import { cellText, isNumericType } from './cell.ts';
import type { ColumnInfo, ResultPrinter } from './printer.ts';
import { padText, textWidth } from './width.ts';

/** Collects the rows, because the widest value of a column decides where the next one begins. */
abstract class AlignedPrinter implements ResultPrinter {
  protected columns: readonly ColumnInfo[] = [];
  protected rows: string[][] = [];

  begin(columns: readonly ColumnInfo[]): string {
    this.columns = columns;
    this.rows = [];
    return '';
  }

  row(values: readonly unknown[]): string {
    this.rows.push(values.map((value, i) => this.cell(value, this.columns[i].type)));
    return '';
  }

  abstract end(): string;

  protected cell(value: unknown, type: string): string {
    return value === null ? 'NULL' : visible(cellText(value, type));
  }

  protected widths(least: number): number[] {
    return this.columns.map(({ name }, i) => {
      let width = Math.max(least, textWidth(visible(name)));
      for (const row of this.rows) width = Math.max(width, textWidth(row[i]));
      return width;
    });
  }

  protected line(cells: readonly string[], widths: readonly number[], edge: string): string {
    const padded = cells.map((cell, i) => {
      return padText(cell, widths[i], isNumericType(this.columns[i].type));
    });
    return `${edge} ${padded.join(` ${edge} `)} ${edge}\n`;
  }
}

/** A table in a box, for people; numbers are aligned right. */
export class TablePrinter extends AlignedPrinter {
  end(): string {
    const widths = this.widths(1);
    const rule = (left: string, middle: string, right: string) =>
      `${left}${widths.map((width) => '─'.repeat(width + 2)).join(middle)}${right}\n`;
    const names = this.columns.map(({ name }) => visible(name));
    return [
      rule('┌', '┬', '┐'),
      this.line(names, widths, '│'),
      rule('├', '┼', '┤'),
      ...this.rows.map((row) => this.line(row, widths, '│')),
      rule('└', '┴', '┘'),
    ].join('');
  }
}

/** A table in Markdown. */
export class MarkdownPrinter extends AlignedPrinter {
  end(): string {
    const widths = this.widths(3);
    const rule = widths.map((width, i) => {
      return isNumericType(this.columns[i].type) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width);
    });
    const names = this.columns.map(({ name }) => this.cell(name, 'VARCHAR'));
    return [
      this.line(names, widths, '|'),
      `| ${rule.join(' | ')} |\n`,
      ...this.rows.map((row) => this.line(row, widths, '|')),
    ].join('');
  }

  protected override cell(value: unknown, type: string): string {
    return super.cell(value, type).replaceAll('|', '\\|');
  }
}

/** A text on one line and without what a terminal would obey. */
function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for.
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, (character) => {
    if (character === '\n') return '\\n';
    if (character === '\t') return '\\t';
    if (character === '\r') return '\\r';
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
