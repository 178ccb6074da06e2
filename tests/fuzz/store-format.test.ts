import { test } from 'node:test';
import { QuernError } from '../../src/base/error.ts';
import { Random } from '../../src/base/random.ts';
import { BlockFile } from '../../src/store/block/block-file.ts';
import { ChecksumSealer } from '../../src/store/block/sealer.ts';
import { ByteReader, ByteWriter } from '../../src/store/bytes.ts';
import { decodeDoomed, decodeEntry, encodeEntry } from '../../src/store/catalog.ts';
import { MemoryDevice } from '../../src/store/device/memory.ts';
import { decodeOperation, encodeOperation } from '../../src/store/journal/operation.ts';
import { readAnyRecord } from '../../src/store/journal/record.ts';
import { bytesOf, readHeader, writeHeader } from '../../src/store/layout.ts';
import { chooseSuperblock } from '../../src/store/superblock.ts';
import { decodeExtent, encodeExtent } from '../../src/store/tree/extent.ts';
import { MapNode } from '../../src/store/tree/map-node.ts';
import { VolumeNode } from '../../src/store/tree/volume-node.ts';

const text = new TextEncoder().encode('some bytes');

/** Valid bytes and who reads them: the fuzzer changes the bytes. */
function targets(): { name: string; bytes: Uint8Array; read: (bytes: Uint8Array) => unknown }[] {
  const extent = encodeExtent({
    compression: 1,
    length: 20000,
    storedLength: 9000,
    birth: 7,
    low: 1,
    high: 2,
    runs: [
      { id: 100, count: 2 },
      { id: 500, count: 1 },
    ],
  });
  const operations = new ByteWriter();
  const value = extent;
  encodeOperation(operations, { type: 'put', object: 3, key: text, value, places: [5, 6] });
  encodeOperation(operations, {
    type: 'write',
    object: 1,
    index: 9,
    id: 40,
    place: 41,
    birth: 3,
    checks: Uint32Array.of(1, 2, 3, 4),
  });
  encodeOperation(operations, {
    type: 'branch',
    source: 'a',
    snapshot: 'b',
    object: 2,
    name: 'c',
    time: 1,
  });
  const entry = encodeEntry({
    kind: 'volume',
    objectId: 5,
    size: 1 << 20,
    root: { id: 1, birth: 2, low: 3, high: 4 },
    created: 1000,
    guid: new Uint8Array(16),
    origin: 'x@y',
  });
  const node = new MapNode(0, 1, [text, text], [text, extent], []);
  node.id = 77;
  const leaf = node.serialize();
  return [
    { name: 'extent', bytes: extent, read: decodeExtent },
    { name: 'catalog entry', bytes: entry, read: decodeEntry },
    { name: 'doomed tree', bytes: entry, read: decodeDoomed },
    { name: 'operations', bytes: operations.take(), read: readOperations },
    { name: 'node', bytes: bytesOf(leaf), read: readNode },
    { name: 'superblock', bytes: bytesOf(leaf), read: readSuperblock },
    { name: 'record', bytes: recordBlock(), read: readRecordBlock },
  ];
}

function readOperations(bytes: Uint8Array): void {
  for (const reader = new ByteReader(bytes); !reader.done; ) decodeOperation(reader);
}

function readNode(bytes: Uint8Array): void {
  const words = new Uint32Array(bytes.slice().buffer, 0, Math.floor(bytes.length / 4));
  const header = words.length < 14 ? undefined : readHeader(words);
  if (header === undefined) return;
  MapNode.parse(words, header)?.children(() => {});
  if (words.length === 1024) VolumeNode.parse(words, header)?.children(() => {});
}

function deviceOf(bytes: Uint8Array): MemoryDevice {
  const device = new MemoryDevice();
  device.write(bytes, 0);
  return device;
}

function readSuperblock(bytes: Uint8Array): void {
  chooseSuperblock(deviceOf(bytes));
}

function recordBlock(): Uint8Array {
  const words = new Uint32Array(1024);
  const header = { type: 4, level: 0, id: 1, birth: 1, owner: 0, position: 0 };
  writeHeader(words, { ...header, count: 1, used: 100 });
  return bytesOf(words);
}

function readRecordBlock(bytes: Uint8Array): void {
  // A sealer that believes everything: what is behind the checksum must hold by itself.
  const sealer = new ChecksumSealer(1);
  sealer.open = () => true;
  readAnyRecord(new BlockFile(deviceOf(bytes), sealer), 0);
}

test('whatever bytes stand in a store, its parsers give a value or an error of their own', () => {
  const random = new Random(1);
  for (const { name, bytes, read } of targets()) {
    for (let round = 0; round < 20000; round++) {
      const changed = bytes.slice(0, random.chance(0.1) ? random.int(0, bytes.length) : undefined);
      for (let i = random.int(1, 4); i > 0 && changed.length > 0; i--) {
        // The beginnings of structures are where counts and lengths are.
        const limit = random.chance(0.5) ? Math.min(changed.length, 140) : changed.length;
        const value = random.pick([0, 1, 0x7f, 0x80, 0xff, random.int(0, 255)]);
        changed[random.int(0, limit - 1)] = value;
      }
      try {
        read(changed);
      } catch (error) {
        if (!(error instanceof QuernError))
          throw new Error(`${name}, round ${round}`, { cause: error });
      }
    }
  }
});
