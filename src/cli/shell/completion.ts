import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { operatorWords, queryStarts, reservedWords } from '../../sql/keywords.ts';
import type { Database } from '../database.ts';
import { textFormats } from '../print/printer.ts';
import { dotNames } from './dot-commands.ts';

const statementWords = ['INSERT', 'UPDATE', 'DELETE', 'DROP', 'ALTER', 'COPY', 'EXPLAIN', 'BY'];

const keywords = [
  ...new Set([...reservedWords, ...operatorWords, ...queryStarts, ...statementWords]),
].sort();

/** What the Tab key offers: dot commands and their arguments, keywords, tables. */
export class Completion {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** In the form of Node's readline: the candidates, and the part of the line they replace. */
  async complete(line: string): Promise<[string[], string]> {
    if (line.startsWith('.')) return completeDot(line);
    const word = /[\w"]*$/.exec(line)?.[0] ?? '';
    if (word === '') return [[], ''];
    const lower = word === word.toLowerCase();
    const words = keywords
      .filter((keyword) => keyword.startsWith(word.toUpperCase()))
      .map((keyword) => (lower ? keyword.toLowerCase() : keyword));
    const tables = (await this.#tables()).filter((name) => name.startsWith(word));
    return [[...tables, ...words], word];
  }

  async #tables(): Promise<string[]> {
    try {
      const result = await this.#database.query('SHOW TABLES');
      return result.values().map((row) => String(row[0]));
    } catch {
      // Completion is a courtesy: without names it still knows the keywords.
      return [];
    }
  }
}

function completeDot(line: string): [string[], string] {
  const space = line.indexOf(' ');
  if (space < 0) return [dotNames.filter((name) => name.startsWith(line)), line];
  const argument = line.slice(space + 1);
  const choices: Record<string, () => readonly string[]> = {
    '.mode': () => textFormats,
    '.timer': () => ['on', 'off'],
    '.read': () => filesLike(argument),
  };
  const all = choices[line.slice(0, space)]?.() ?? [];
  return [all.filter((choice) => choice.startsWith(argument)), argument];
}

function filesLike(start: string): string[] {
  const folder = start.endsWith('/') ? start : dirname(start);
  try {
    return readdirSync(folder).map((name) => (folder === '.' ? name : join(folder, name)));
  } catch {
    return [];
  }
}
