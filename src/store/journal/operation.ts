import { QuernError, sqlState } from '../../base/error.ts';
import type { ByteReader, ByteWriter } from '../bytes.ts';
import { decodeExtent, isExtent } from '../tree/extent.ts';

/** What a record of the journal can say. The numbers are part of the file format. */
export const operationType = {
  put: 1,
  delete: 2,
  write: 3,
  clear: 4,
  create: 5,
  remove: 6,
  snapshot: 7,
  branch: 8,
  removeSnapshot: 9,
  resize: 10,
  restore: 11,
  adopt: 12,
} as const;

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

export function encodeOperation(writer: ByteWriter, operation: Operation): void {
  writer.u8(operationType[operation.type]);
  switch (operation.type) {
    case 'put':
      writer.varint(operation.object);
      writer.block(operation.key);
      writer.block(operation.value);
      for (const place of operation.places) writer.u48(place);
      return;
    case 'delete':
      writer.varint(operation.object);
      writer.block(operation.key);
      return;
    case 'write':
      writer.varint(operation.object);
      writer.varint(operation.index);
      writer.u48(operation.id);
      writer.u48(operation.place);
      writer.u48(operation.birth);
      writer.varint(operation.checks.length / 2);
      for (const word of operation.checks) writer.u32(word);
      return;
    case 'clear':
      writer.varint(operation.object);
      writer.varint(operation.from);
      writer.varint(operation.to);
      return;
    case 'create':
      writer.varint(operation.object);
      writer.u8(operation.kind === 'map' ? 0 : 1);
      writer.text(operation.name);
      writer.varint(operation.size);
      writer.varint(operation.time);
      return;
    case 'remove':
      writer.varint(operation.object);
      return;
    case 'snapshot':
      writer.varint(operation.object);
      writer.text(operation.name);
      writer.block(operation.guid);
      writer.varint(operation.time);
      return;
    case 'branch':
      writer.text(operation.source);
      writer.text(operation.snapshot);
      writer.varint(operation.object);
      writer.text(operation.name);
      writer.varint(operation.time);
      return;
    case 'removeSnapshot':
      writer.text(operation.source);
      writer.text(operation.snapshot);
      return;
    case 'resize':
      writer.varint(operation.object);
      writer.varint(operation.size);
      return;
    case 'restore':
      writer.varint(operation.object);
      writer.text(operation.snapshot);
      return;
    case 'adopt':
      writer.varint(operation.object);
      writer.text(operation.source);
      return;
  }
}

function senseless(): QuernError {
  return new QuernError(sqlState.dataCorrupted, 'an operation in the journal makes no sense');
}

export function decodeOperation(reader: ByteReader): Operation {
  const type = reader.u8();
  switch (type) {
    case operationType.put: {
      const object = reader.varint();
      const key = reader.block().slice();
      const value = reader.block().slice();
      const runs = isExtent(value) ? decodeExtent(value).runs.length : 0;
      const places = Array.from({ length: runs }, () => reader.u48());
      return { type: 'put', object, key, value, places };
    }
    case operationType.delete:
      return { type: 'delete', object: reader.varint(), key: reader.block().slice() };
    case operationType.write: {
      const head = {
        object: reader.varint(),
        index: reader.varint(),
        id: reader.u48(),
        place: reader.u48(),
        birth: reader.u48(),
      };
      const count = reader.varint();
      if (count * 8 > reader.left) throw senseless();
      const checks = Uint32Array.from({ length: count * 2 }, () => reader.u32());
      return { type: 'write', ...head, checks };
    }
    case operationType.clear:
      return {
        type: 'clear',
        object: reader.varint(),
        from: reader.varint(),
        to: reader.varint(),
      };
    case operationType.create:
      return {
        type: 'create',
        object: reader.varint(),
        kind: reader.u8() === 0 ? 'map' : 'volume',
        name: reader.text(),
        size: reader.varint(),
        time: reader.varint(),
      };
    case operationType.remove:
      return { type: 'remove', object: reader.varint() };
    case operationType.snapshot:
      return {
        type: 'snapshot',
        object: reader.varint(),
        name: reader.text(),
        guid: reader.block().slice(),
        time: reader.varint(),
      };
    case operationType.branch:
      return {
        type: 'branch',
        source: reader.text(),
        snapshot: reader.text(),
        object: reader.varint(),
        name: reader.text(),
        time: reader.varint(),
      };
    case operationType.removeSnapshot:
      return { type: 'removeSnapshot', source: reader.text(), snapshot: reader.text() };
    case operationType.resize:
      return { type: 'resize', object: reader.varint(), size: reader.varint() };
    case operationType.restore:
      return { type: 'restore', object: reader.varint(), snapshot: reader.text() };
    case operationType.adopt:
      return { type: 'adopt', object: reader.varint(), source: reader.text() };
    default:
      throw new QuernError(sqlState.dataCorrupted, `operation ${type} in the journal is unknown`);
  }
}
