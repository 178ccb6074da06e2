import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../base/random.ts';
import { OptionParser, optionDataBytesMax } from './option-parser.ts';
import { command, NbdProtocolError } from './protocol.ts';
import { RequestParser } from './request-parser.ts';

interface Seen {
  type: number;
  flags: number;
  offset: number;
  length: number;
  cookie: number[];
  data: string | undefined;
}

function header(type: number, flags: number, offset: number, length: number, cookie: number) {
  const bytes = Buffer.alloc(28);
  bytes.writeUInt32BE(0x25609513, 0);
  bytes.writeUInt16BE(flags, 4);
  bytes.writeUInt16BE(type, 6);
  bytes.writeUInt32BE(cookie, 8);
  bytes.writeUInt32BE((cookie ^ 0xffff) >>> 0, 12);
  bytes.writeBigUInt64BE(BigInt(offset), 16);
  bytes.writeUInt32BE(length, 24);
  return bytes;
}

/** Feeds `stream` in pieces that end where `cut` says; payloads of odd length are declined. */
function parse(stream: Uint8Array, cut: () => number): Seen[] {
  const parser = new RequestParser();
  const seen: Seen[] = [];
  for (let at = 0; at < stream.length; ) {
    const end = Math.min(stream.length, at + cut());
    parser.push(stream.slice(at, end));
    at = end;
    for (let step = parser.next(); step !== 'starved'; step = parser.next()) {
      if (step === 'payload') {
        if (parser.length % 2 === 0) parser.accept(new Uint8Array(parser.length));
        else parser.discard();
        continue;
      }
      const { type, flags, offset, length, cookieHigh, cookieLow, payload } = parser;
      const data =
        payload === undefined || length % 2 === 1
          ? undefined
          : Buffer.from(payload).toString('hex');
      seen.push({ type, flags, offset, length, cookie: [cookieHigh, cookieLow], data });
    }
  }
  return seen;
}

test('requests come out the same, wherever the stream is cut', () => {
  const random = new Random(7);
  const below = (limit: number) => random.u32() % limit;
  const expected: Seen[] = [];
  const pieces: Uint8Array[] = [];
  for (let i = 0; i < 200; i++) {
    const type = below(3) === 0 ? below(9) : command.write;
    const flags = below(65536);
    const offset = below(1 << 30) * 2 ** below(20);
    const length = type === command.write ? below(300) : random.u32();
    const cookie = random.u32();
    pieces.push(header(type, flags, offset, length, cookie));
    const data = Buffer.alloc(type === command.write ? length : 0, i + 1);
    pieces.push(data);
    const kept = type === command.write && length > 0 && length % 2 === 0;
    expected.push({
      type,
      flags,
      offset,
      length,
      cookie: [cookie, (cookie ^ 0xffff) >>> 0],
      data: kept ? data.toString('hex') : undefined,
    });
  }
  const stream = Buffer.concat(pieces);
  assert.deepEqual(
    parse(stream, () => stream.length),
    expected,
  );
  assert.deepEqual(
    parse(stream, () => 1),
    expected,
  );
  for (let run = 0; run < 20; run++)
    assert.deepEqual(
      parse(stream, () => 1 + below(400)),
      expected,
    );
});

test('a stream that cannot become a request is refused after four bytes', () => {
  const parser = new RequestParser();
  parser.push(Buffer.from('%`\x95', 'latin1'));
  assert.equal(parser.next(), 'starved');
  parser.push(Buffer.from('!'));
  assert.throws(() => parser.next(), NbdProtocolError);
});

test('options: an oversized one is read over without being kept', () => {
  const option = (which: number, length: number) => {
    const bytes = Buffer.alloc(16);
    bytes.write('IHAVEOPT', 'latin1');
    bytes.writeUInt32BE(which, 8);
    bytes.writeUInt32BE(length, 12);
    return bytes;
  };
  const parser = new OptionParser();
  parser.push(Buffer.from([0, 0, 0, 3]));
  assert.deepEqual(parser.next(), { kind: 'flags', flags: 3 });
  const length = optionDataBytesMax + 1;
  parser.push(option(9, length));
  for (let left = length; left > 0; left -= 1000) {
    assert.equal(parser.next(), undefined);
    parser.push(Buffer.alloc(Math.min(left, 1000)));
    assert.ok(parser.waitingBytes <= 1016, 'nothing piles up');
  }
  assert.deepEqual(parser.next(), { kind: 'option', option: 9, data: undefined });
  parser.push(option(3, 2));
  parser.push(Buffer.from('abc'));
  assert.deepEqual(parser.next(), { kind: 'option', option: 3, data: new Uint8Array([97, 98]) });
  assert.deepEqual(parser.drain().map(String), ['c']);
  parser.push(Buffer.from('NBDMAGIC'));
  assert.throws(() => parser.next(), NbdProtocolError);
});
