import { QuernError, sqlState } from '../../base/error.ts';
import type { ByteReader, ByteWriter } from '../bytes.ts';
import { decodeExtent, isExtent } from '../tree/extent.ts';

export type ObjectKind = 'map' | 'volume';

/** `places`: for a value that is an extent, the place of each of its runs. */
export interface PutOperation {
  type: 'put';
  object: number;
  key: Uint8Array;
  value: Uint8Array;
  places: number[];
}

/** Logical blocks from `index` on are blocks `id`, `id + 1`, … at `place`, `place + 1`, …. */
export interface WriteOperation {
  type: 'write';
  object: number;
  index: number;
  id: number;
  place: number;
  birth: number;
  /** Two words for each block. */
  checks: Uint32Array;
}

export type Operation =
  | PutOperation
  | WriteOperation
  | { type: 'delete'; object: number; key: Uint8Array }
  | { type: 'clear'; object: number; from: number; to: number }
  | { type: 'create'; object: number; kind: ObjectKind; name: string; size: number; time: number }
  | { type: 'remove'; object: number }
  | { type: 'snapshot'; object: number; name: string; guid: Uint8Array; time: number }
  | { type: 'branch'; source: string; snapshot: string; object: number; name: string; time: number }
  | { type: 'removeSnapshot'; source: string; snapshot: string }
  | { type: 'resize'; object: number; size: number }
  | { type: 'restore'; object: number; snapshot: string }
  | { type: 'adopt'; object: number; source: string };

/** How a field is written; `before` has the fields that were read before it. */
interface Field<T> {
  write(writer: ByteWriter, value: T): void;
  read(reader: ByteReader, before: Readonly<Record<string, unknown>>): T;
}

const varint: Field<number> = {
  write: (writer, value) => writer.varint(value),
  read: (reader) => reader.varint(),
};
const u48: Field<number> = {
  write: (writer, value) => writer.u48(value),
  read: (reader) => reader.u48(),
};
const text: Field<string> = {
  write: (writer, value) => writer.text(value),
  read: (reader) => reader.text(),
};
const bytes: Field<Uint8Array> = {
  write: (writer, value) => writer.block(value),
  read: (reader) => reader.block().slice(),
};
const kind: Field<ObjectKind> = {
  write: (writer, value) => writer.u8(value === 'map' ? 0 : 1),
  read: (reader) => (reader.u8() === 0 ? 'map' : 'volume'),
};
/** As many as the value before it has runs. */
const places: Field<number[]> = {
  write: (writer, value) => {
    for (const place of value) writer.u48(place);
  },
  read: (reader, { value }) => {
    const tagged = value as Uint8Array;
    const count = isExtent(tagged) ? decodeExtent(tagged).runs.length : 0;
    return Array.from({ length: count }, () => reader.u48());
  },
};
/** A count of blocks, and two words for each. */
const checks: Field<Uint32Array> = {
  write: (writer, value) => {
    writer.varint(value.length / 2);
    for (const word of value) writer.u32(word);
  },
  read: (reader) => {
    const count = reader.varint();
    if (count * 8 > reader.left) {
      throw new QuernError(sqlState.dataCorrupted, 'an operation in the journal makes no sense');
    }
    return Uint32Array.from({ length: count * 2 }, () => reader.u32());
  },
};

type Named<T extends Operation['type']> = Extract<Operation, { type: T }>;

/** The number of each operation in the file, and its fields in their order there. */
const layouts: {
  [T in Operation['type']]: {
    code: number;
    fields: { [K in Exclude<keyof Named<T>, 'type'>]: Field<Named<T>[K]> };
  };
} = {
  put: { code: 1, fields: { object: varint, key: bytes, value: bytes, places } },
  delete: { code: 2, fields: { object: varint, key: bytes } },
  write: {
    code: 3,
    fields: { object: varint, index: varint, id: u48, place: u48, birth: u48, checks },
  },
  clear: { code: 4, fields: { object: varint, from: varint, to: varint } },
  create: {
    code: 5,
    fields: { object: varint, kind, name: text, size: varint, time: varint },
  },
  remove: { code: 6, fields: { object: varint } },
  snapshot: { code: 7, fields: { object: varint, name: text, guid: bytes, time: varint } },
  branch: {
    code: 8,
    fields: { source: text, snapshot: text, object: varint, name: text, time: varint },
  },
  removeSnapshot: { code: 9, fields: { source: text, snapshot: text } },
  resize: { code: 10, fields: { object: varint, size: varint } },
  restore: { code: 11, fields: { object: varint, snapshot: text } },
  adopt: { code: 12, fields: { object: varint, source: text } },
};

interface Codec {
  type: string;
  code: number;
  fields: [string, Field<unknown>][];
}

const codecs = new Map<string, Codec>();
const codecsByCode: Codec[] = [];
for (const [type, { code, fields }] of Object.entries(layouts)) {
  const codec: Codec = { type, code, fields: Object.entries(fields) as Codec['fields'] };
  codecs.set(type, codec);
  codecsByCode[code] = codec;
}

export function encodeOperation(writer: ByteWriter, operation: Operation): void {
  const { code, fields } = codecs.get(operation.type)!;
  const values = operation as unknown as Record<string, unknown>;
  writer.u8(code);
  for (const [name, field] of fields) field.write(writer, values[name]);
}

export function decodeOperation(reader: ByteReader): Operation {
  const code = reader.u8();
  const codec = codecsByCode[code];
  if (codec === undefined) {
    throw new QuernError(sqlState.dataCorrupted, `operation ${code} in the journal is unknown`);
  }
  const operation: Record<string, unknown> = { type: codec.type };
  for (const [name, field] of codec.fields) operation[name] = field.read(reader, operation);
  return operation as unknown as Operation;
}
