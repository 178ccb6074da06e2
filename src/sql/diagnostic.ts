import { QuernError } from '../base/error.ts';
import type { Span } from './ast/node.ts';

/** Something wrong with a SQL text. */
export interface Diagnostic {
  /** A SQLSTATE. */
  readonly code: string;
  readonly message: string;
  readonly span: Span;
  /** What could be done about it, one sentence. */
  readonly hint: string | undefined;
}

/** More of a long line than this is not shown on either side of the error. */
const contextLengthMax = 60;

/**
 * The message with the line it is about and a caret below it:
 *
 *     syntax error: expected FROM, found "FORM"
 *     line 1: select * form t
 *                      ^^^^
 *     hint: did you mean FROM?
 */
export function formatDiagnostic(sql: string, diagnostic: Diagnostic): string {
  const lines = [diagnostic.message, ...markLine(sql, diagnostic.span)];
  if (diagnostic.hint !== undefined) lines.push(`hint: ${diagnostic.hint}`);
  return lines.join('\n');
}

/** The error to throw for a diagnostic, for callers that throw. */
export function diagnosticError(sql: string, diagnostic: Diagnostic): QuernError {
  return new QuernError(diagnostic.code, formatDiagnostic(sql, diagnostic), {
    position: diagnostic.span.start,
    hint: diagnostic.hint,
  });
}

/** Two lines: the text around the span, and carets below it. */
export function markLine(sql: string, span: Span): [string, string] {
  const start = Math.min(span.start, sql.length);
  const lineStart = sql.lastIndexOf('\n', start - 1) + 1;
  const newline = sql.indexOf('\n', start);
  const lineEnd = newline < 0 ? sql.length : newline;
  const from = Math.max(lineStart, start - contextLengthMax);
  const to = Math.min(lineEnd, start + contextLengthMax);
  const prefix = `line ${lineNumber(sql, start)}: ${from > lineStart ? '…' : ''}`;
  const before = sql.slice(from, start).replace(/\t/g, ' ');
  const marked = Math.max(1, Math.min(span.end, to) - start);
  const text = `${before}${sql.slice(start, to).replace(/[\t\r]/g, ' ')}${to < lineEnd ? '…' : ''}`;
  return [
    (prefix + text).trimEnd(),
    ' '.repeat(prefix.length + displayWidth(before)) + '^'.repeat(marked),
  ];
}

function lineNumber(sql: string, position: number): number {
  let line = 1;
  for (let at = sql.indexOf('\n'); at >= 0 && at < position; at = sql.indexOf('\n', at + 1)) line++;
  return line;
}

/** Columns of a terminal that the text takes, near enough: code points, wide ones twice. */
function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    const wide = (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xffdc);
    width += wide || code >= 0x1f300 ? 2 : 1;
  }
  return width;
}
