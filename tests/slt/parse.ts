/**
 * Reading and writing sqllogictest files: records separated by empty lines, `#` starts a comment.
 *
 *     statement ok
 *     CREATE TABLE t (a INTEGER)
 *
 *     statement error 42P01
 *     SELECT * FROM nowhere
 *
 *     query IT rowsort
 *     SELECT a, b FROM t
 *     ----
 *     1   one
 *     2   NULL
 *
 * The letters after `query` are the classes of the columns: I whole number, N decimal, R double or
 * real, B boolean, T text and all else. Values of a row are separated by tabs; an empty text is
 * written `(empty)`, a tab or a line break in a text `\t` or `\n`. `rowsort` compares the rows in
 * an order of their text, for queries without ORDER BY.
 *
 * `load tpch SCALE` makes the tables of TPC-H and fills them. `statement error` may name a SQLSTATE
 * and, with `@`, the offset of the error in the SQL text. A record is preceded by its conditions:
 * `skipif ENGINE`, `onlyif ENGINE`, or `pending REASON` for one that we do not pass yet.
 */
export interface Script {
  /** Text before the first record. */
  head: string[];
  records: ScriptRecord[];
}

export type ScriptRecord = LoadRecord | StatementRecord | QueryRecord;

interface CommonRecord {
  /** Line of its first word, from 1. */
  line: number;
  /** Comment lines before the record, with their `#`, and the empty lines after the first. */
  comments: string[];
  skipIf: string[];
  onlyIf: string | undefined;
  /** Why we do not pass it yet. */
  pending: string | undefined;
  sql: string;
}

/** The tables of TPC-H at a scale factor. */
export interface LoadRecord extends CommonRecord {
  kind: 'load';
  scale: number;
}

export interface StatementRecord extends CommonRecord {
  kind: 'statement';
  /** Undefined when the statement must succeed. */
  error: ExpectedError | undefined;
}

export interface ExpectedError {
  code: string | undefined;
  position: number | undefined;
}

export interface QueryRecord extends CommonRecord {
  kind: 'query';
  types: string;
  sort: 'nosort' | 'rowsort';
  /** Rows as they stand in the file. */
  expected: string[];
}

export class ScriptError extends Error {
  override readonly name = 'ScriptError';
}

/** Reads a file; a {@link ScriptError} names the line that makes no sense. */
export function parseScript(text: string): Script {
  const lines = text.replace(/\n+$/, '').split('\n');
  const script: Script = { head: [], records: [] };
  let at = 0;
  while (at < lines.length) {
    const block = readBlock(lines, at);
    if (block.record === undefined) script.head.push(...block.comments);
    else script.records.push(block.record);
    at = block.next;
  }
  return script;
}

interface Block {
  record: ScriptRecord | undefined;
  comments: string[];
  next: number;
}

function readBlock(lines: string[], start: number): Block {
  const comments: string[] = [];
  let at = start;
  while (at < lines.length && /^(?:#.*|\s*)$/.test(lines[at])) comments.push(lines[at++]);
  if (at === lines.length) return { record: undefined, comments, next: at };
  const common: CommonRecord = {
    line: 0,
    comments: fromFirstText(comments),
    skipIf: [],
    onlyIf: undefined,
    pending: undefined,
    sql: '',
  };
  while (readCondition(lines[at] ?? '', common)) at++;
  common.line = at + 1;
  const [kind, ...words] = (lines[at] ?? '').trim().split(/\s+/);
  const sqlLines: string[] = [];
  for (at++; at < lines.length && lines[at] !== '' && lines[at] !== '----'; at++) {
    sqlLines.push(lines[at]);
  }
  common.sql = sqlLines.join('\n');
  if (kind === 'load') return { record: loadRecord(common, words), comments: [], next: at };
  if (common.sql === '') throw new ScriptError(`line ${common.line}: a record without SQL`);
  if (kind === 'statement') {
    return { record: statementRecord(common, words), comments: [], next: at };
  }
  if (kind !== 'query') throw new ScriptError(`line ${common.line}: unknown word '${kind}'`);
  const expected: string[] = [];
  if (lines[at] === '----') {
    for (at++; at < lines.length && lines[at] !== ''; at++) expected.push(lines[at]);
  }
  return { record: queryRecord(common, words, expected), comments: [], next: at };
}

function readCondition(line: string, record: CommonRecord): boolean {
  const match = /^(skipif|onlyif|pending)\s+(.+)$/.exec(line);
  if (match === null) return false;
  if (match[1] === 'skipif') record.skipIf.push(match[2]);
  else if (match[1] === 'onlyif') record.onlyIf = match[2];
  else record.pending = match[2];
  return true;
}

function loadRecord(common: CommonRecord, words: string[]): LoadRecord {
  const scale = Number(words[1]);
  if (words[0] !== 'tpch' || !(scale > 0)) {
    throw new ScriptError(`line ${common.line}: 'tpch' and a scale factor expected`);
  }
  return { ...common, kind: 'load', scale };
}

function statementRecord(common: CommonRecord, words: string[]): StatementRecord {
  const [outcome, ...rest] = words;
  if (outcome === 'ok' && rest.length === 0) {
    return { ...common, kind: 'statement', error: undefined };
  }
  if (outcome !== 'error') throw new ScriptError(`line ${common.line}: 'ok' or 'error' expected`);
  const error: ExpectedError = { code: undefined, position: undefined };
  for (const word of rest) {
    if (/^@\d+$/.test(word)) error.position = Number(word.slice(1));
    else if (/^[0-9A-Z]{5}$/.test(word)) error.code = word;
    else throw new ScriptError(`line ${common.line}: '${word}' is no SQLSTATE and no position`);
  }
  return { ...common, kind: 'statement', error };
}

function queryRecord(common: CommonRecord, words: string[], expected: string[]): QueryRecord {
  const [types = '', sort = 'nosort'] = words;
  if (!/^[INRBT]*$/.test(types)) throw new ScriptError(`line ${common.line}: types '${types}'`);
  if (sort !== 'nosort' && sort !== 'rowsort') {
    throw new ScriptError(`line ${common.line}: unknown order '${sort}'`);
  }
  return { ...common, kind: 'query', types, sort, expected };
}

/** The text of a file: what `parseScript` reads back as the same script. */
export function formatScript(script: Script): string {
  const blocks = script.records.map((record) => {
    const conditions = [
      ...record.skipIf.map((engine) => `skipif ${engine}`),
      ...(record.onlyIf === undefined ? [] : [`onlyif ${record.onlyIf}`]),
      ...(record.pending === undefined ? [] : [`pending ${record.pending}`]),
    ];
    return [...record.comments, ...conditions, ...recordLines(record)].join('\n');
  });
  const head = trimEmpty(script.head);
  return `${[...blocks, ...(head.length === 0 ? [] : [head.join('\n')])].join('\n\n')}\n`;
}

function recordLines(record: ScriptRecord): string[] {
  if (record.kind === 'load') return [`load tpch ${record.scale}`];
  if (record.kind === 'statement') {
    const { error } = record;
    const words =
      error === undefined
        ? ['ok']
        : ['error', error.code, error.position === undefined ? undefined : `@${error.position}`];
    return [`statement ${words.filter((word) => word !== undefined).join(' ')}`, record.sql];
  }
  const sort = record.sort === 'nosort' ? '' : ` ${record.sort}`;
  return [`query ${record.types}${sort}`, record.sql, '----', ...record.expected];
}

/** A comment keeps the empty line that parts it from a record it does not belong to. */
function fromFirstText(lines: readonly string[]): string[] {
  const first = lines.findIndex((line) => line.trim() !== '');
  return first < 0 ? [] : lines.slice(first);
}

function trimEmpty(lines: readonly string[]): string[] {
  const last = lines.findLastIndex((line) => line.trim() !== '');
  return fromFirstText(lines.slice(0, last + 1));
}
