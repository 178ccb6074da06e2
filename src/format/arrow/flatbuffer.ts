/**
 * FlatBuffers, as far as Arrow's metadata need them (google/flatbuffers, "FlatBuffer internals"). A
 * table starts with the distance back to its vtable, which holds the place of each field; tables,
 * vectors and texts are referred to by the distance forward to them. A buffer is therefore written
 * from its end to its start, and begins with the distance to the root table.
 */
import { QuernError, sqlState } from '../../base/error.ts';

/** A position in a buffer being written, counted from its end. */
export type Offset = number;

/** A field of a table to write: its number, and how its value is stored. */
export type FlatField =
  | readonly [id: number, kind: 'i8' | 'i16' | 'i32' | 'i64', value: number]
  | readonly [id: number, kind: 'offset', value: Offset];

const encoder = new TextEncoder();
const sizes = { i8: 1, i16: 2, i32: 4, i64: 8, offset: 4 } as const;

export class FlatBuilder {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  /** Bytes written, at the end of the array. */
  #used = 0;

  /**
   * Makes room for `size` bytes so that, `more` bytes later, the position is a multiple of `align`.
   */
  #prepare(size: number, align: number, more = 0): void {
    const padding = -(this.#used + size + more) & (align - 1);
    const needed = this.#used + size + more + padding;
    while (needed > this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes, this.#bytes.length);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#used += padding;
  }

  #put(kind: keyof typeof sizes, value: number): void {
    this.#used += sizes[kind];
    const at = this.#bytes.length - this.#used;
    if (kind === 'i8') this.#view.setInt8(at, value);
    else if (kind === 'i16') this.#view.setInt16(at, value, true);
    else if (kind === 'i32') this.#view.setInt32(at, value, true);
    else if (kind === 'i64') this.#view.setBigInt64(at, BigInt(value), true);
    else this.#view.setUint32(at, this.#used - value, true);
  }

  text(value: string): Offset {
    const bytes = encoder.encode(value);
    this.#prepare(bytes.length + 1, 4, 4);
    this.#used += bytes.length + 1;
    this.#bytes.set(bytes, this.#bytes.length - this.#used);
    this.#put('i32', bytes.length);
    return this.#used;
  }

  offsets(values: readonly Offset[]): Offset {
    this.#prepare(4 * values.length, 4, 4);
    for (let i = values.length - 1; i >= 0; i--) this.#put('offset', values[i]);
    this.#put('i32', values.length);
    return this.#used;
  }

  /** A vector of structs of `perStruct` 64-bit integers each. */
  longs(values: readonly number[], perStruct: number): Offset {
    this.#prepare(8 * values.length, 8);
    for (let i = values.length - 1; i >= 0; i--) this.#put('i64', values[i]);
    this.#put('i32', values.length / perStruct);
    return this.#used;
  }

  table(fields: readonly FlatField[]): Offset {
    const places = new Map<number, number>();
    // Large fields first, from the end: then little padding is needed.
    const ordered = [...fields].sort((a, b) => sizes[a[1]] - sizes[b[1]]);
    this.#prepare(0, 8);
    const end = this.#used;
    for (const [id, kind, value] of ordered) {
      this.#prepare(sizes[kind], sizes[kind]);
      this.#put(kind, value);
      places.set(id, this.#used);
    }
    this.#prepare(4, 4);
    this.#put('i32', 0);
    const table = this.#used;
    const count = Math.max(-1, ...fields.map(([id]) => id)) + 1;
    this.#prepare(2 * count + 4, 2);
    for (let id = count - 1; id >= 0; id--) {
      const place = places.get(id);
      this.#put('i16', place === undefined ? 0 : table - place);
    }
    this.#put('i16', table - end);
    this.#put('i16', 2 * count + 4);
    this.#view.setInt32(this.#bytes.length - table, this.#used - table, true);
    return table;
  }

  /** The buffer with its root, padded to a multiple of eight bytes. */
  finish(root: Offset): Uint8Array<ArrayBuffer> {
    this.#prepare(4, 8);
    this.#put('offset', root);
    return this.#bytes.slice(this.#bytes.length - this.#used);
  }
}

function broken(): QuernError {
  return new QuernError(sqlState.dataCorrupted, 'broken Arrow metadata');
}

/** A table that is read; fields that are absent have their default. */
export class FlatTable {
  readonly #view: DataView;
  readonly #at: number;
  readonly #vtable: number;
  readonly #vtableBytes: number;

  private constructor(view: DataView, at: number) {
    this.#view = view;
    this.#at = at;
    this.#vtable = at - this.#checked(at, 4).getInt32(at, true);
    this.#vtableBytes = this.#checked(this.#vtable, 4).getUint16(this.#vtable, true);
  }

  static root(bytes: Uint8Array): FlatTable {
    if (bytes.length < 8) throw broken();
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return new FlatTable(view, view.getUint32(0, true));
  }

  #checked(at: number, size: number): DataView {
    if (at >= 0 && at + size <= this.#view.byteLength) return this.#view;
    throw broken();
  }

  /** Where the value of a field is, of `size` bytes; undefined if it is absent. */
  #place(id: number, size: number): number | undefined {
    const entry = 4 + 2 * id;
    if (entry + 2 > this.#vtableBytes) return undefined;
    const at = this.#vtable + entry;
    const distance = this.#checked(at, 2).getUint16(at, true);
    if (distance === 0) return undefined;
    this.#checked(this.#at + distance, size);
    return this.#at + distance;
  }

  i8(id: number, absent = 0): number {
    const at = this.#place(id, 1);
    return at === undefined ? absent : this.#view.getInt8(at);
  }

  i16(id: number, absent = 0): number {
    const at = this.#place(id, 2);
    return at === undefined ? absent : this.#view.getInt16(at, true);
  }

  i32(id: number, absent = 0): number {
    const at = this.#place(id, 4);
    return at === undefined ? absent : this.#view.getInt32(at, true);
  }

  /** A size or position: a safe integer from 0 on. */
  size(id: number): number {
    const at = this.#place(id, 8);
    return at === undefined ? 0 : this.#sizeAt(at);
  }

  #sizeAt(at: number): number {
    const value = Number(this.#checked(at, 8).getBigInt64(at, true));
    if (value < 0 || !Number.isSafeInteger(value)) throw broken();
    return value;
  }

  #target(id: number): number | undefined {
    const at = this.#place(id, 4);
    return at === undefined ? undefined : at + this.#view.getUint32(at, true);
  }

  table(id: number): FlatTable | undefined {
    const at = this.#target(id);
    return at === undefined ? undefined : new FlatTable(this.#view, at);
  }

  /** Position and length of a vector whose elements take `size` bytes. */
  #vector(id: number, size: number): readonly [at: number, count: number] {
    const at = this.#target(id);
    if (at === undefined) return [0, 0];
    const count = this.#checked(at, 4).getUint32(at, true);
    this.#checked(at + 4, count * size);
    return [at + 4, count];
  }

  text(id: number): string | undefined {
    if (this.#target(id) === undefined) return undefined;
    const [at, count] = this.#vector(id, 1);
    const { buffer, byteOffset } = this.#view;
    return new TextDecoder().decode(new Uint8Array(buffer, byteOffset + at, count).slice());
  }

  tables(id: number): FlatTable[] {
    const [from, count] = this.#vector(id, 4);
    return Array.from({ length: count }, (_, i) => {
      const at = from + 4 * i;
      return new FlatTable(this.#view, at + this.#view.getUint32(at, true));
    });
  }

  /** Structs of two sizes each. */
  pairs(id: number): (readonly [number, number])[] {
    const [from, count] = this.#vector(id, 16);
    return Array.from({ length: count }, (_, i) => {
      const at = from + 16 * i;
      return [this.#sizeAt(at), this.#sizeAt(at + 8)] as const;
    });
  }
}
