const columnsMax = 100;

/** A line that is only comment: what stands before its text, and the text. */
const commentLine = /^(\s*(?:\*|\/\/) )(\S.*)$/;

/** `/** text *\/` on one line. */
const singleLine = /^(\s*)\/\*\* (.*) \*\/$/;

/** Texts that begin something of their own and take no words from the line before. */
const ownStart = /^(?:[-*|@>]|\d+\.|```|~~~)/;

/**
 * Breaks comment lines that are too long, which formatters leave alone: words that do not fit go to
 * the start of the next line of the paragraph, or to a line of their own when there is none.
 */
export function rewrapComments(text: string): string {
  const lines = text.split('\n').flatMap(openLong);
  for (let i = 0; i < lines.length; i++) {
    const match = lines[i].length > columnsMax ? commentLine.exec(lines[i]) : null;
    if (match === null || match[2].startsWith('|')) continue;
    const [, prefix, words] = match;
    const cut = words.lastIndexOf(' ', columnsMax - prefix.length);
    if (cut <= 0 || /https?:\/\//.test(words.slice(0, cut))) continue;
    lines[i] = prefix + words.slice(0, cut);
    const next = commentLine.exec(lines[i + 1] ?? '');
    const rest = words.slice(cut + 1);
    const joins = next !== null && next[1] === prefix && !ownStart.test(next[2]);
    if (joins) lines[i + 1] = `${prefix}${rest} ${next[2]}`;
    else lines.splice(i + 1, 0, prefix + rest);
  }
  return lines.join('\n');
}

/** Opens a comment of one long line into a block. */
function openLong(line: string): string[] {
  const match = line.length > columnsMax ? singleLine.exec(line) : null;
  if (match === null) return [line];
  const [, indent, words] = match;
  return [`${indent}/**`, `${indent} * ${words}`, `${indent} */`];
}
