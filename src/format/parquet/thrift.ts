/**
 * Thrift's compact protocol, as far as Parquet's metadata need it (apache/thrift,
 * thrift-compact-protocol.md). A field is a byte with the distance from the last field's id and the
 * type, then the value; integers are zigzag varints; a struct ends with a zero byte.
 */
import { QuernError, sqlState } from '../../base/error.ts';

export type ThriftType = 'bool' | 'i8' | 'i32' | 'i64' | 'binary' | 'struct';

/** A field to write: its id, its type or the type of its list's elements, and its value. */
export type ThriftField =
  | readonly [id: number, type: ThriftType, value: ThriftValue | undefined]
  | readonly [id: number, type: 'list', element: ThriftType, value: readonly ThriftValue[]];

/** A struct is its fields. Integers are safe ones; text goes as bytes. */
export type ThriftValue = boolean | number | string | Uint8Array | readonly ThriftField[];

const typeCodes: Readonly<Record<ThriftType | 'list', number>> = {
  bool: 1,
  i8: 3,
  i32: 5,
  i64: 6,
  binary: 8,
  list: 9,
  struct: 12,
};

const encoder = new TextEncoder();

export function writeThrift(fields: readonly ThriftField[]): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  putStruct(bytes, fields);
  return Uint8Array.from(bytes);
}

function putVarint(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}

function putStruct(bytes: number[], fields: readonly ThriftField[]): void {
  let last = 0;
  for (const field of fields) {
    const [id, type] = field;
    const value = field.length === 4 ? field[3] : field[2];
    if (value === undefined) continue;
    // The value of a boolean field is part of its type.
    const code = type === 'bool' && value === false ? 2 : typeCodes[type];
    bytes.push(((id - last) << 4) | code);
    last = id;
    if (field.length === 4) putList(bytes, field[2], field[3]);
    else if (type !== 'bool') putValue(bytes, type as ThriftType, value as ThriftValue);
  }
  bytes.push(0);
}

function putList(bytes: number[], element: ThriftType, values: readonly ThriftValue[]): void {
  if (values.length < 15) bytes.push((values.length << 4) | typeCodes[element]);
  else {
    bytes.push(0xf0 | typeCodes[element]);
    putVarint(bytes, values.length);
  }
  for (const value of values) putValue(bytes, element, value);
}

function putValue(bytes: number[], type: ThriftType, value: ThriftValue): void {
  switch (type) {
    case 'bool':
      bytes.push(value === true ? 1 : 2);
      break;
    case 'i8':
      bytes.push((value as number) & 255);
      break;
    case 'i32':
    case 'i64': {
      const integer = value as number;
      putVarint(bytes, integer < 0 ? -2 * integer - 1 : 2 * integer);
      break;
    }
    case 'binary': {
      const data = typeof value === 'string' ? encoder.encode(value) : (value as Uint8Array);
      putVarint(bytes, data.length);
      for (const byte of data) bytes.push(byte);
      break;
    }
    case 'struct':
      putStruct(bytes, value as readonly ThriftField[]);
  }
}

/** A struct that was read: field id → value. */
export type ThriftStruct = ReadonlyMap<number, ThriftRead>;
export type ThriftRead = boolean | number | Uint8Array | readonly ThriftRead[] | ThriftStruct;

function broken(): QuernError {
  return new QuernError(sqlState.dataCorrupted, 'broken Parquet metadata');
}

const depthMax = 32;

/** Reads structs from bytes; `position` moves on. Anything malformed is an error. */
export class ThriftReader {
  readonly #bytes: Uint8Array;
  position: number;

  constructor(bytes: Uint8Array, position = 0) {
    this.#bytes = bytes;
    this.position = position;
  }

  struct(depth = 0): ThriftStruct {
    if (depth > depthMax) throw broken();
    const fields = new Map<number, ThriftRead>();
    let last = 0;
    for (;;) {
      const head = this.#byte();
      if (head === 0) return fields;
      const delta = head >>> 4;
      last = delta === 0 ? this.#zigzag() : last + delta;
      const type = head & 15;
      fields.set(last, type === 1 || type === 2 ? type === 1 : this.#value(type, depth));
    }
  }

  #byte(): number {
    if (this.position >= this.#bytes.length) throw broken();
    return this.#bytes[this.position++];
  }

  #varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      if (scale > 2 ** 63) throw broken();
    }
  }

  #zigzag(): number {
    const value = this.#varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  #value(type: number, depth: number): ThriftRead {
    switch (type) {
      case 1:
      case 2:
        return this.#byte() === 1;
      case 3:
        return (this.#byte() << 24) >> 24;
      case 4:
      case 5:
      case 6:
        return this.#zigzag();
      case 7:
        this.#skip(8);
        return 0;
      case 8:
        return this.#binary();
      case 9:
      case 10:
        return this.#list(depth + 1);
      case 12:
        return this.struct(depth + 1);
      default:
        throw broken();
    }
  }

  #skip(count: number): void {
    this.position += count;
    if (this.position > this.#bytes.length) throw broken();
  }

  #binary(): Uint8Array {
    const length = this.#varint();
    const from = this.position;
    this.#skip(length);
    return this.#bytes.subarray(from, from + length);
  }

  #list(depth: number): ThriftRead[] {
    if (depth > depthMax) throw broken();
    const head = this.#byte();
    const count = head >>> 4 === 15 ? this.#varint() : head >>> 4;
    // Every element takes a byte at least.
    if (count > this.#bytes.length - this.position) throw broken();
    return Array.from({ length: count }, () => this.#value(head & 15, depth));
  }
}
