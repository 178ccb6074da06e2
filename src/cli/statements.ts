import { lex } from '../sql/lexer.ts';

export interface SplitText {
  /** The statements that a semicolon ends, without it. */
  statements: string[];
  /** What follows the last semicolon; empty when that is only space and comments. */
  rest: string;
}

/** Splits a text at the semicolons that are not inside a string, a name or a comment. */
export function splitStatements(text: string): SplitText {
  const statements: string[] = [];
  let start: number | undefined;
  let end = 0;
  for (const token of lex(text).tokens) {
    if (token.kind === 'end') break;
    if (token.kind === 'symbol' && token.text === ';') {
      if (start !== undefined) statements.push(text.slice(start, end));
      start = undefined;
      continue;
    }
    start ??= token.start;
    end = token.end;
  }
  return { statements, rest: start === undefined ? '' : text.slice(start) };
}

/** All statements of a script; the last needs no semicolon. */
export function scriptStatements(text: string): string[] {
  const { statements, rest } = splitStatements(text);
  return rest === '' ? statements : [...statements, rest];
}

/** A statement, or a line for the shell: `.mode csv`. */
export interface ScriptPiece {
  readonly kind: 'statement' | 'command';
  readonly text: string;
}

/** What a script consists of, in order. Commands are lines of their own between statements. */
export function* scriptPieces(script: string): Generator<ScriptPiece> {
  let pending = '';
  for (const line of script.split('\n')) {
    const isCommand = /^[.\\]/.test(line) && splitStatements(pending).rest.trim() === '';
    if (!isCommand) {
      pending += `${line}\n`;
      continue;
    }
    for (const text of splitStatements(pending).statements) yield { kind: 'statement', text };
    pending = '';
    yield { kind: 'command', text: line.trim() };
  }
  for (const text of scriptStatements(pending)) yield { kind: 'statement', text };
}
