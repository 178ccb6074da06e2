/** Predicates as functions of a row of a table's sample. */
import { QuernError } from '../../base/error.ts';
import { compareValues } from '../../plan/compare.ts';
import { type Environment, evaluate } from '../../plan/evaluate.ts';
import { type ConstantValue, children, type Expression } from '../../plan/expression.ts';
import { usedColumns } from '../../plan/free-columns.ts';
import { isEvaluable, strictFunctions } from '../../plan/functions/index.ts';
import type {
  SampledCodes,
  SampledColumn,
  SampledNumbers,
  SampledTexts,
} from '../../table/sample.ts';
import type { SqlType } from '../../value/type.ts';
import { decodeUtf8 } from '../../value/vector.ts';
import { asNumber } from './figures.ts';

/** What a predicate says of a row. */
const isFalse: number = 0;
const isTrue: number = 1;
const isUnknown: number = 2;

export interface SampleTest {
  /** 1 if the row passes, 0 or 2 (unknown) if not. */
  readonly test: (row: number) => number;
  /** What a call costs, as a multiple of comparing a number: about five nanoseconds. */
  readonly cost: number;
  /** Rows of the sample that have all that is read. */
  readonly rows: number;
  /**
   * The same for many rows: keeps the first of `rows` that pass in front, and gives their number.
   */
  readonly filter?: (rows: Uint32Array, count: number) => number;
}

/** Keeps those of the first `count` rows that pass a test in front; gives their number. */
export function filterRows({ test, filter }: SampleTest, rows: Uint32Array, count: number): number {
  if (filter !== undefined) return filter(rows, count);
  let kept = 0;
  for (let i = 0; i < count; i++) if (test(rows[i]) === isTrue) rows[kept++] = rows[i];
  return kept;
}

export interface SampledField {
  readonly data: SampledColumn;
  readonly type: SqlType;
}

/** The sampled columns that a predicate may read, by the ids of their columns. */
export type SampledFields = (id: number) => SampledField | undefined;

/** A test of sampled rows; undefined if the predicate needs what is not known before it runs. */
export function sampleTest(
  predicate: Expression,
  fields: SampledFields,
  rows: number,
): SampleTest | undefined {
  const native = nativeTest(predicate, fields, rows) ?? ofEachCode(predicate, fields, rows);
  return native ?? interpreted(predicate, fields, rows);
}

function nativeTest(
  predicate: Expression,
  fields: SampledFields,
  rows: number,
): SampleTest | undefined {
  if (predicate.kind === 'constant') {
    const truth =
      predicate.value === null ? isUnknown : predicate.value === true ? isTrue : isFalse;
    return { test: () => truth, cost: 0, rows };
  }
  if (predicate.kind === 'inList') return inListTest(predicate, fields, rows);
  if (predicate.kind !== 'call') return undefined;
  const { name, args } = predicate;
  switch (name) {
    case 'and':
    case 'or': {
      const parts: SampleTest[] = [];
      for (const arg of args) {
        const part = sampleTest(arg, fields, rows);
        if (part === undefined) return undefined;
        parts.push(part);
      }
      return combined(parts, name === 'and' ? isFalse : isTrue);
    }
    case 'not': {
      const inner = sampleTest(args[0], fields, rows);
      if (inner === undefined) return undefined;
      const { test, cost } = inner;
      return { test: (row) => [isTrue, isFalse, isUnknown][test(row)], cost, rows: inner.rows };
    }
    case 'is_null':
    case 'is_not_null': {
      const field = args[0].kind === 'column' ? fields(args[0].column.id) : undefined;
      if (field === undefined) return undefined;
      const { nulls } = field.data;
      const found = name === 'is_null' ? isTrue : isFalse;
      return { test: (row) => (nulls?.[row] === 1 ? found : 1 - found), cost: 1, rows };
    }
    case 'like':
      return likeTest(args, fields, rows);
    default:
      return comparisonTest(name, args, fields, rows);
  }
}

/** AND (decided by the first FALSE) or OR (by the first TRUE). */
function combined(parts: readonly SampleTest[], decisive: number): SampleTest {
  const tests = [...parts].sort((a, b) => a.cost - b.cost).map(({ test }) => test);
  const test = (row: number): number => {
    let result = 1 - decisive;
    for (const part of tests) {
      const truth = part(row);
      if (truth === decisive) return decisive;
      if (truth === isUnknown) result = isUnknown;
    }
    return result;
  };
  return {
    test,
    cost: parts.reduce((sum, { cost }) => sum + cost, 1),
    rows: Math.min(...parts.map((part) => part.rows)),
  };
}

const mirrored: Readonly<Record<string, string>> = { lt: 'gt', le: 'ge', gt: 'lt', ge: 'le' };

function comparisonTest(
  name: string,
  [a, b]: readonly Expression[],
  fields: SampledFields,
  rows: number,
): SampleTest | undefined {
  if (!/^(eq|ne|lt|le|gt|ge)$/.test(name)) return undefined;
  if (a.kind === 'constant' && b.kind === 'column') {
    return comparisonTest(mirrored[name] ?? name, [b, a], fields, rows);
  }
  const field = a.kind === 'column' ? fields(a.column.id) : undefined;
  if (field === undefined) return undefined;
  if (b.kind === 'constant') return againstConstant(name, field, b.value, rows);
  const other = b.kind === 'column' ? fields(b.column.id) : undefined;
  if (field.data.kind !== 'numbers' || other?.data.kind !== 'numbers') return undefined;
  const [x, y] = [field.data, other.data];
  const holds = comparator(name);
  const test = (row: number): number => {
    if (x.nulls?.[row] === 1 || y.nulls?.[row] === 1) return isUnknown;
    return holds(x.base + x.data[row], y.base + y.data[row]) ? isTrue : isFalse;
  };
  return { test, cost: 2, rows };
}

function comparator(name: string): (a: number, b: number) => boolean {
  switch (name) {
    case 'eq':
      return (a, b) => a === b;
    case 'ne':
      return (a, b) => a !== b;
    case 'lt':
      return (a, b) => a < b;
    case 'le':
      return (a, b) => a <= b;
    case 'gt':
      return (a, b) => a > b;
    default:
      return (a, b) => a >= b;
  }
}

function againstConstant(
  name: string,
  { data: column }: SampledField,
  value: ConstantValue,
  rows: number,
): SampleTest | undefined {
  if (value === null) return { test: () => isUnknown, cost: 0, rows };
  const holds = comparator(name);
  const { nulls } = column;
  if (column.kind === 'texts') {
    if (typeof value !== 'string') return undefined;
    const text = textReader(column);
    const test = (row: number): number => {
      if (nulls?.[row] === 1) return isUnknown;
      return holds(compareValues(text(row), value), 0) ? isTrue : isFalse;
    };
    return { test, cost: 6, rows: Math.min(rows, column.lengths.length) };
  }
  const bound =
    column.kind === 'codes' ? codeBound(column.values, value, name) : ofNumber(column, value);
  return bound === undefined ? undefined : rangeTest(column, rangeOf(name, bound), rows);
}

/** Stored values from `low` to `high`, both included, or all others. */
interface StoredRange {
  readonly low: number;
  readonly high: number;
  readonly isInside: boolean;
}

/** Half a step apart is apart for whole numbers; for others that is near enough. */
function rangeOf(name: string, bound: number): StoredRange {
  const step = Number.isInteger(bound) ? 0.5 : 0;
  const [least, greatest] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  switch (name) {
    case 'lt':
      return { low: least, high: bound - step, isInside: true };
    case 'le':
      return { low: least, high: bound, isInside: true };
    case 'gt':
      return { low: bound + step, high: greatest, isInside: true };
    case 'ge':
      return { low: bound, high: greatest, isInside: true };
    default:
      return { low: bound, high: bound, isInside: name === 'eq' };
  }
}

function rangeTest(
  { data, nulls }: SampledNumbers | SampledCodes,
  { low, high, isInside }: StoredRange,
  sampleRows: number,
): SampleTest {
  const test = (row: number): number => {
    if (nulls?.[row] === 1) return isUnknown;
    return (data[row] >= low && data[row] <= high) === isInside ? isTrue : isFalse;
  };
  const filter = (rows: Uint32Array, count: number): number => {
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const row = rows[i];
      const value = data[row];
      if ((value >= low && value <= high) === isInside) rows[kept++] = row;
    }
    return nulls === undefined ? kept : withoutNulls(nulls, rows, kept);
  };
  return { test, cost: 1, rows: sampleRows, filter };
}

function withoutNulls(nulls: Uint8Array, rows: Uint32Array, count: number): number {
  let kept = 0;
  for (let i = 0; i < count; i++) if (nulls[rows[i]] === 0) rows[kept++] = rows[i];
  return kept;
}

/** A constant as it would be stored. */
function ofNumber({ base }: SampledNumbers, value: ConstantValue): number | undefined {
  const number = typeof value === 'boolean' ? Number(value) : asNumber(value);
  return number === undefined ? undefined : number - base;
}

/** What a code is to be compared with; half a code where the text is not in the dictionary. */
function codeBound(values: readonly string[], value: ConstantValue, name: string) {
  if (typeof value !== 'string') return undefined;
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareValues(values[middle], value) < 0) low = middle + 1;
    else high = middle;
  }
  if (values[low] === value) return low;
  return name === 'eq' || name === 'ne' ? -1 : low - 0.5;
}

function inListTest(
  predicate: Extract<Expression, { kind: 'inList' }>,
  fields: SampledFields,
  rows: number,
): SampleTest | undefined {
  const { input, list } = predicate;
  const field = input.kind === 'column' ? fields(input.column.id) : undefined;
  if (field === undefined) return undefined;
  const column = field.data;
  const wanted = new Set<number | string>();
  let missing = isFalse;
  for (const item of list) {
    if (item.kind !== 'constant') return undefined;
    const { value } = item;
    if (value === null) missing = isUnknown;
    else if (column.kind === 'texts') wanted.add(value as string);
    else {
      const form =
        column.kind === 'codes' ? codeBound(column.values, value, 'eq') : ofNumber(column, value);
      if (form === undefined) return undefined;
      wanted.add(form);
    }
  }
  const { nulls } = column;
  const stored: (row: number) => number | string =
    column.kind === 'texts' ? textReader(column) : (row) => column.data[row];
  const test = (row: number): number => {
    if (nulls?.[row] === 1) return isUnknown;
    return wanted.has(stored(row)) ? isTrue : missing;
  };
  const available = column.kind === 'texts' ? Math.min(rows, column.lengths.length) : rows;
  return { test, cost: column.kind === 'texts' ? 6 : 3, rows: available };
}

function likeTest(
  args: readonly Expression[],
  fields: SampledFields,
  rows: number,
): SampleTest | undefined {
  const [input, pattern] = args;
  const field = input.kind === 'column' ? fields(input.column.id) : undefined;
  if (field?.data.kind !== 'texts' || args.length !== 2) return undefined;
  if (pattern.kind !== 'constant' || typeof pattern.value !== 'string') return undefined;
  const { nulls } = field.data;
  const text = textReader(field.data);
  const matches = likeMatcher(pattern.value);
  const test = (row: number): number => {
    if (nulls?.[row] === 1) return isUnknown;
    return matches(text(row)) ? isTrue : isFalse;
  };
  return { test, cost: 8, rows: Math.min(rows, field.data.lengths.length) };
}

/** Most patterns are words in a row with anything between. */
function likeMatcher(pattern: string): (text: string) => boolean {
  if (/[_\\]/.test(pattern)) {
    const like = strictFunctions.get('like')!;
    return (text) => like([text, pattern], { kind: 'boolean' }, []) === true;
  }
  const words = pattern.split('%');
  if (words.length === 1) return (text) => text === pattern;
  const first = words[0];
  const last = words[words.length - 1];
  const between = words.slice(1, -1);
  return (text) => {
    if (!text.startsWith(first)) return false;
    let at = first.length;
    for (const word of between) {
      const found = text.indexOf(word, at);
      if (found < 0) return false;
      at = found + word.length;
    }
    return text.length - at >= last.length && text.endsWith(last);
  };
}

const decodedTexts = new WeakMap<SampledTexts, (string | undefined)[]>();

/** Reads sampled texts, each of which is decoded once. */
export function textReader(column: SampledTexts): (row: number) => string {
  let decoded = decodedTexts.get(column);
  if (decoded === undefined) {
    decoded = new Array(column.lengths.length).fill(undefined);
    decodedTexts.set(column, decoded);
  }
  const texts = decoded;
  return (row) => {
    let text = texts[row];
    if (text === undefined) {
      const start = column.starts[row];
      text = decodeUtf8(column.bytes, start, start + column.lengths[row]);
      texts[row] = text;
    }
    return text;
  };
}

/** A predicate on one column with a dictionary is decided once for each text. */
function ofEachCode(
  predicate: Expression,
  fields: SampledFields,
  rows: number,
): SampleTest | undefined {
  const ids = [...usedColumns(predicate).keys()];
  if (ids.length !== 1 || !isInterpretable(predicate)) return undefined;
  const column = fields(ids[0])?.data;
  if (column?.kind !== 'codes') return undefined;
  const known = new Uint8Array(column.values.length);
  const undecided = 0;
  const decide = likeOnly(predicate) ?? ((text) => truthOf(predicate, () => text));
  const { data, nulls, values } = column;
  let ofNull: number | undefined;
  const test = (row: number): number => {
    if (nulls?.[row] === 1) return (ofNull ??= truthOf(predicate, () => null));
    const code = data[row];
    if (known[code] === undecided) known[code] = 1 + decide(values[code]);
    return known[code] - 1;
  };
  // A text costs much once; most are met often.
  return { test, cost: values.length < 256 ? 2 : 10, rows };
}

function likeOnly(predicate: Expression): ((text: string) => number) | undefined {
  if (predicate.kind !== 'call' || predicate.name !== 'like') return undefined;
  const [input, pattern] = predicate.args;
  if (predicate.args.length !== 2 || input.kind !== 'column') return undefined;
  if (pattern.kind !== 'constant' || typeof pattern.value !== 'string') return undefined;
  const matches = likeMatcher(pattern.value);
  return (text) => (matches(text) ? isTrue : isFalse);
}

/** Whatever the plain evaluator can do, at its price. */
function interpreted(
  predicate: Expression,
  fields: SampledFields,
  rows: number,
): SampleTest | undefined {
  if (!isInterpretable(predicate)) return undefined;
  const readers = new Map<number, (row: number) => ConstantValue>();
  let available = rows;
  for (const id of usedColumns(predicate).keys()) {
    const field = fields(id);
    const read = field && valueReader(field);
    if (field === undefined || read === undefined) return undefined;
    readers.set(id, read);
    if (field.data.kind === 'texts') available = Math.min(available, field.data.lengths.length);
  }
  let at = 0;
  const column = (id: number) => readers.get(id)!(at);
  const test = (row: number): number => {
    at = row;
    return truthOf(predicate, column);
  };
  return { test, cost: 100, rows: available };
}

function truthOf(predicate: Expression, column: Environment['column']): number {
  try {
    const value = evaluate(predicate, { column, parameter: () => null });
    return value === null ? isUnknown : value === true ? isTrue : isFalse;
  } catch (error) {
    // Rows that are never reached when the query runs may not be fit for the predicate.
    if (error instanceof QuernError) return isFalse;
    throw error;
  }
}

function isInterpretable(expression: Expression): boolean {
  if (expression.kind === 'subquery' || expression.kind === 'parameter') return false;
  if (expression.kind === 'call' && !isEvaluable(expression.name)) return false;
  return children(expression).every(isInterpretable);
}

/**
 * Values as the evaluator has them; undefined for types that a sample does not keep as they are.
 */
function valueReader({ data: column, type }: SampledField) {
  const { nulls } = column;
  const ifValid = (read: (row: number) => ConstantValue) => (row: number) =>
    nulls?.[row] === 1 ? null : read(row);
  if (column.kind === 'codes') return ifValid((row) => column.values[column.data[row]]);
  if (column.kind === 'texts')
    return type.kind === 'varchar' ? ifValid(textReader(column)) : undefined;
  const { base, data } = column;
  switch (type.kind) {
    case 'boolean':
      return ifValid((row) => data[row] === 1);
    case 'real':
    case 'double':
      return ifValid((row) => data[row]);
    default:
      return ifValid((row) => BigInt(base + data[row]));
  }
}
