import { assert } from '../base/assert.ts';
import {
  type Expr,
  type FunctionBuilder,
  f32,
  f64,
  i32,
  i64,
  type Local,
  memory,
} from '../wasm/index.ts';
import { appenderField, type RowField } from './program.ts';
import { align, type Pipeline } from './query.ts';
import type { Range } from './range.ts';
import type { Value } from './value.ts';

/**
 * How rows of some values lie in memory: fields one after another, widest alignment first served.
 */
export class RowLayout {
  readonly fields: StoredField[] = [];
  #bytes: number;

  /** `header` bytes at the start of each row are left to the operator. */
  constructor(header = 0) {
    this.#bytes = header;
  }

  /** Bytes of a row; a multiple of 8, so that all fields are aligned in every row. */
  get rowBytes(): number {
    return align(Math.max(this.#bytes, 1), 8);
  }

  /** Adds a field that can hold `value`. */
  add(value: Value): StoredField {
    const form = storedForm(value);
    const offset = align(this.#bytes, form.alignment);
    this.#bytes = offset + form.bytes;
    const nullAt = value.isNull === undefined ? undefined : this.#bytes++;
    const field: StoredField = { ...form, offset, nullAt };
    this.fields.push(field);
    return field;
  }

  /** Reserves bytes for the operator's own use. */
  reserve(bytes: number, alignment: number): number {
    const offset = align(this.#bytes, alignment);
    this.#bytes = offset + bytes;
    return offset;
  }
}

export interface StoredField extends RowField {
  readonly bytes: number;
  readonly alignment: number;
  /** Form of the value when it is read back. */
  readonly value: Value['form'];
  readonly range: Range | undefined;
}

function storedForm(value: Value): Omit<StoredField, 'offset' | 'nullAt'> {
  switch (value.form) {
    case 'int': {
      const { width, base } = storedWidth(value.range);
      return numberField('int', width, base, value.form, value.range);
    }
    case 'bool':
      return numberField('int', 1, 0n, value.form, undefined);
    case 'wide':
      return { ...numberField('wide', 8, 0n, value.form, value.range), width: 16, bytes: 16 };
    case 'interval':
      return { ...numberField('wide', 8, 0n, value.form, undefined), width: 16, bytes: 16 };
    case 'float':
      return numberField('float', 8, 0n, value.form, undefined);
    case 'code': {
      const count = value.dictionary.count;
      const width = count <= 256 ? 1 : count <= 65536 ? 2 : 4;
      return { ...numberField('code', width, 0n, 'code', undefined), dictionary: value.dictionary };
    }
    case 'string':
      return { ...numberField('string', 4, 0n, 'string', undefined), width: 8, bytes: 8 };
  }
}

function numberField(
  form: RowField['form'],
  width: number,
  base: bigint,
  value: Value['form'],
  range: Range | undefined,
): Omit<StoredField, 'offset' | 'nullAt'> {
  return { form, width, base, bytes: width, alignment: width, value, range };
}

/** The narrowest stored integer for a range. */
export function storedWidth(range: Range): { width: 1 | 2 | 4 | 8; base: bigint } {
  const base = range.min >= 0n && range.max < 2n ** 32n ? 0n : range.min;
  const span = range.max - base;
  if (span < 2n ** 8n) return { width: 1, base };
  if (span < 2n ** 16n) return { width: 2, base };
  if (span < 2n ** 32n) return { width: 4, base };
  return { width: 8, base: 0n };
}

/** Stores `value` into the field of the row at `row`. */
export function storeField(f: FunctionBuilder, row: Expr, field: StoredField, value: Value): void {
  const at = field.offset;
  switch (value.form) {
    case 'int': {
      const x = field.base === 0n ? value.x : i64.sub(value.x, i64.const(field.base));
      if (field.width === 1) f.do(i64.store8(row, x, at));
      else if (field.width === 2) f.do(i64.store16(row, x, at));
      else if (field.width === 4) f.do(i64.store32(row, x, at));
      else f.do(i64.store(row, x, at));
      break;
    }
    case 'bool':
      f.do(i32.store8(row, value.x, at));
      break;
    case 'wide':
    case 'interval':
      f.do(i64.store(row, value.x, at));
      f.do(i64.store(row, value.y, at + 8));
      break;
    case 'float':
      f.do(f64.store(row, value.x, at));
      break;
    case 'code':
      if (field.width === 1) f.do(i32.store8(row, value.x, at));
      else if (field.width === 2) f.do(i32.store16(row, value.x, at));
      else f.do(i32.store(row, value.x, at));
      break;
    case 'string':
      f.do(i32.store(row, value.x, at));
      f.do(i32.store(row, value.y, at + 4));
      break;
  }
  if (field.nullAt !== undefined) f.do(i32.store8(row, value.isNull ?? 0, field.nullAt));
  else assert(value.isNull === undefined, 'a NULL has no place in this field');
}

/** Reads a field back; the expressions load from memory each time they are evaluated. */
export function loadField(row: Expr, field: StoredField): Value {
  const at = field.offset;
  const isNull = field.nullAt === undefined ? undefined : i32.load8U(row, field.nullAt);
  switch (field.value) {
    case 'int': {
      assert(field.range !== undefined, 'an int field has a range');
      const { x } = loadInt(row, field.width, field.base, at);
      return { form: 'int', x, range: field.range, isNull };
    }
    case 'bool':
      return { form: 'bool', x: i32.load8U(row, at), isNull };
    case 'wide':
      assert(field.range !== undefined, 'a wide field has a range');
      return {
        form: 'wide',
        x: i64.load(row, at),
        y: i64.load(row, at + 8),
        range: field.range,
        isNull,
      };
    case 'interval':
      return { form: 'interval', x: i64.load(row, at), y: i64.load(row, at + 8), isNull };
    case 'float': {
      const x = field.width === 4 ? f64.promoteF32(f32.load(row, at)) : f64.load(row, at);
      return { form: 'float', x, isNull };
    }
    case 'code': {
      assert(field.dictionary !== undefined, 'a code field has a dictionary');
      return {
        form: 'code',
        x: loadCode(row, field.width, at),
        dictionary: field.dictionary,
        isNull,
      };
    }
    case 'string':
      return { form: 'string', x: i32.load(row, at), y: i32.load(row, at + 4), isNull };
  }
}

export function loadInt(address: Expr, width: number, base: bigint, offset: number): { x: Expr } {
  const stored =
    width === 1
      ? i64.load8U(address, offset)
      : width === 2
        ? i64.load16U(address, offset)
        : width === 4
          ? i64.load32U(address, offset)
          : i64.load(address, offset);
  return { x: base === 0n ? stored : i64.add(stored, i64.const(base)) };
}

export function loadCode(address: Expr, width: number, offset: number): Expr {
  if (width === 1) return i32.load8U(address, offset);
  if (width === 2) return i32.load16U(address, offset);
  return i32.load(address, offset);
}

/** A row with strings of its own: their bytes lie at the end of the room that rows are in. */
export class OwnRow {
  /** What it needs with its strings. */
  readonly bytes: Expr;
  readonly #f: FunctionBuilder;
  readonly #rowBytes: number;
  readonly #stored: readonly (readonly [StoredField, Value])[];
  readonly #lengths: readonly (Local | undefined)[];

  constructor(
    f: FunctionBuilder,
    rowBytes: number,
    stored: readonly (readonly [StoredField, Value])[],
  ) {
    this.#f = f;
    this.#rowBytes = rowBytes;
    this.#stored = stored;
    this.#lengths = stored.map(([, value]) => {
      if (value.form !== 'string') return undefined;
      return f.let(value.isNull ? i32.select(value.isNull, 0, value.y) : value.y, 'length');
    });
    const texts = this.#lengths.filter((length) => length !== undefined);
    const bytes = texts.reduce<Expr>((sum, length) => i32.add(sum, length), i32.const(rowBytes));
    this.bytes = texts.length === 0 ? bytes : f.let(bytes, 'need');
  }

  /** Stores it where the room of an appender begins, which must be enough; its address. */
  store(at: Expr): Local {
    const appender = this.#f.let(at, 'appender');
    const row = this.#f.let(i32.load(appender, appenderField.cursor), 'row');
    this.storeAt(row, appender, this.#f.let(i32.load(appender, appenderField.limit), 'limit'));
    return row;
  }

  /** The same where the place of the row and the end of its room are known. */
  storeAt(row: Local, appender: Local, limit: Local): void {
    const f = this.#f;
    f.do(i32.store(appender, i32.add(row, this.#rowBytes), appenderField.cursor));
    this.#stored.forEach(([field, value], i) => {
      const length = this.#lengths[i];
      if (value.form !== 'string' || length === undefined) {
        storeField(f, row, field, value);
        return;
      }
      f.set(limit, i32.sub(limit, length));
      // The address of what has no bytes may be any.
      f.do(memory.copy(limit, i32.select(length, value.x, 0), length));
      storeField(f, row, field, { ...value, x: limit, y: length });
    });
    const hasTexts = this.#lengths.some((length) => length !== undefined);
    if (hasTexts) f.do(i32.store(appender, limit, appenderField.limit));
  }
}

/** Appends a row with strings of its own to the buffer whose appender is at an address. */
export function appendOwnRow(
  pipeline: Pipeline,
  f: FunctionBuilder,
  local: Expr,
  appender: Expr,
  rowBytes: number,
  stored: readonly (readonly [StoredField, Value])[],
): Local {
  const at = f.let(appender, 'appender');
  const own = new OwnRow(f, rowBytes, stored);
  const row = f.let(i32.load(at, appenderField.cursor), 'row');
  const limit = f.let(i32.load(at, appenderField.limit), 'limit');
  f.if(i32.gtU(own.bytes, i32.sub(limit, row)), () => {
    f.set(row, pipeline.query.chunk.call(local, at, own.bytes));
    f.set(limit, i32.load(at, appenderField.limit));
  });
  own.storeAt(row, at, limit);
  return row;
}

/** Appends a row of `rowBytes` to a buffer; the answer is a local with its address. */
export function appendRow(
  pipeline: Pipeline,
  f: FunctionBuilder,
  local: Expr,
  buffer: number,
  rowBytes: number,
): Local {
  const { query } = pipeline;
  pipeline.appends.add(buffer);
  const { appender } = query.buffers[buffer];
  const row = f.let(i32.load(local, appender + appenderField.cursor), 'row');
  const limit = i32.load(local, appender + appenderField.limit);
  f.if(i32.gtU(i32.add(row, rowBytes), limit), () => {
    f.set(row, query.chunk.call(local, i32.add(local, appender), rowBytes));
  });
  f.do(i32.store(local, i32.add(row, rowBytes), appender + appenderField.cursor));
  return row;
}
