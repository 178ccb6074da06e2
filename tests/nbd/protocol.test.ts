import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { MemoryExport, StaticCatalog } from '../../src/server/nbd/memory-export.ts';
import {
  allocationContext,
  chunkType,
  command,
  commandFlag,
  errorNumber,
  handshakeFlag,
  info,
  option,
  optionReply,
  payloadBytesMax,
  payloadBytesTaken,
  transmissionFlag,
} from '../../src/server/nbd/protocol.ts';
import { NbdServer } from '../../src/server/nbd/server.ts';
import { infoData, metaContextData, RawClient, requestBytes } from './raw-client.ts';

const folder = mkdtempSync(join(tmpdir(), 'quern-nbd-'));
const path = join(folder, 'socket');
const size = 65 * 1024 * 1024;
const disk = new MemoryExport(size, { description: 'a disk' });
disk.mark('monday');
const odd = new MemoryExport(1001);
const readOnly = new MemoryExport(4096, { readOnly: true });
const catalog = new StaticCatalog([
  ['disk', disk],
  ['odd', odd],
  ['read-only', readOnly],
]);
const server = new NbdServer({ catalog });

before(() => server.listen({ kind: 'unix', path }));
after(async () => {
  await server.close(0);
  rmSync(folder, { recursive: true });
});

test('EXPORT_NAME: size, flags, and zeroes unless they were declined', async () => {
  for (const [flags, padding] of [
    [handshakeFlag.fixedNewstyle, 124],
    [handshakeFlag.fixedNewstyle | handshakeFlag.noZeroes, 0],
    [0, 124],
  ] as const) {
    const client = await RawClient.greet(path, flags);
    client.sendOption(option.exportName, Buffer.from('odd'));
    const reply = await client.read(10 + padding);
    assert.equal(reply.readBigUInt64BE(0), 1001n);
    const advertised = reply.readUInt16BE(8);
    assert.equal(advertised & transmissionFlag.hasFlags, 1);
    assert.equal(advertised & transmissionFlag.sendDontFragment, 0, 'DF needs structured replies');
    assert.ok(reply.subarray(10).every((byte) => byte === 0));
    assert.equal(await client.outcome({ type: command.flush }), errorNumber.none);
    client.close();
  }
});

test('EXPORT_NAME of nothing ends the connection', async () => {
  const client = await RawClient.greet(path);
  client.sendOption(option.exportName, Buffer.from('no such disk'));
  assert.equal((await client.ended()).length, 0);
});

test('unknown client flags end the connection', async () => {
  const client = await RawClient.greet(path, 0x80000001);
  assert.equal((await client.ended()).length, 0);
});

test('LIST: one reply for each export', async () => {
  const client = await RawClient.greet(path);
  const replies = await client.option(option.list);
  assert.deepEqual(
    replies.map(({ type }) => type),
    [optionReply.server, optionReply.server, optionReply.server, optionReply.ack],
  );
  assert.equal(replies[0].data.toString('utf8', 4), 'diska disk');
  assert.equal(
    (await client.option(option.list, Buffer.from('x')))[0].type,
    optionReply.errInvalid,
  );
  client.close();
});

test('INFO and GO say the same', async () => {
  const client = await RawClient.greet(path);
  await client.option(option.structuredReply);
  const wanted = [info.name, info.description, info.blockSize, 999];
  const told = await client.option(option.info, infoData('disk', wanted));
  const gone = await client.option(option.go, infoData('disk', wanted));
  const plain = (replies: typeof told) => replies.map(({ type, data }) => [type, data]);
  assert.deepEqual(plain(told), plain(gone));
  assert.equal(told.at(-1)!.type, optionReply.ack);
  const [exportInfo, name, description, blockSize] = told;
  assert.equal(exportInfo!.data.readBigUInt64BE(2), BigInt(size));
  assert.equal(name!.data.toString('utf8', 2), 'disk');
  assert.equal(description!.data.toString('utf8', 2), 'a disk');
  assert.deepEqual(
    [2, 6, 10].map((at) => blockSize!.data.readUInt32BE(at)),
    [1, 4096, payloadBytesMax],
  );
  client.close();
});

test('bad options are answered, and the client may go on', async () => {
  const client = await RawClient.greet(path);
  const errorOf = async (which: number, data?: Uint8Array) =>
    (await client.option(which, data)).at(-1)!.type;
  assert.equal(await errorOf(4), optionReply.errUnsupported, 'PEEK_EXPORT was withdrawn');
  assert.equal(await errorOf(11), optionReply.errUnsupported, 'EXTENDED_HEADERS');
  assert.equal(await errorOf(0xdeadbeef, Buffer.alloc(3)), optionReply.errUnsupported);
  assert.equal(await errorOf(option.startTls), optionReply.errPolicy);
  assert.equal(await errorOf(option.go, infoData('nothing')), optionReply.errUnknown);
  assert.equal(await errorOf(option.go, Buffer.alloc(3)), optionReply.errInvalid);
  assert.equal(await errorOf(option.go, Buffer.alloc(7)), optionReply.errInvalid);
  assert.equal(await errorOf(option.go, infoData('a\0b')), optionReply.errInvalid);
  assert.equal(await errorOf(option.info, infoData('x'.repeat(4097))), optionReply.errInvalid);
  const invalidUtf8 = Buffer.concat([Buffer.from([0, 0, 0, 1, 0xff, 0, 0])]);
  assert.equal(await errorOf(option.info, invalidUtf8), optionReply.errInvalid);
  assert.equal(await errorOf(option.structuredReply, Buffer.alloc(1)), optionReply.errInvalid);
  assert.equal(await errorOf(option.list, Buffer.alloc(1 << 20)), optionReply.errTooBig);
  assert.equal(await errorOf(option.go, infoData('disk')), optionReply.ack);
  client.close();
});

test('ABORT is acknowledged and ends the connection', async () => {
  const client = await RawClient.greet(path);
  assert.equal((await client.option(option.abort, Buffer.from('bye')))[0].type, optionReply.ack);
  await client.ended();
});

test('metadata contexts: listed, selected, replaced, forgotten', async () => {
  const client = await RawClient.greet(path);
  const ask = async (which: number, queries: string[], name = 'disk') =>
    (await client.option(which, metaContextData(name, queries))).map(({ type, data }) =>
      type === optionReply.metaContext ? data.toString('utf8', 4) : type,
    );
  const { listMetaContext, setMetaContext } = option;
  assert.deepEqual(await ask(setMetaContext, [allocationContext]), [optionReply.errInvalid]);
  await client.option(option.structuredReply);
  const changed = 'x-quern:changed:monday';
  assert.deepEqual(await ask(listMetaContext, []), [allocationContext, changed, optionReply.ack]);
  assert.deepEqual(await ask(listMetaContext, ['base:']), [allocationContext, optionReply.ack]);
  assert.deepEqual(await ask(listMetaContext, ['x-quern:']), [changed, optionReply.ack]);
  assert.deepEqual(await ask(listMetaContext, ['qemu:dirty-bitmap:x']), [optionReply.ack]);
  assert.deepEqual(await ask(setMetaContext, ['base:', 'x-other:y']), [optionReply.ack]);
  assert.deepEqual(await ask(setMetaContext, ['no colon']), [optionReply.errInvalid]);
  assert.deepEqual(await ask(setMetaContext, [changed], 'nothing'), [optionReply.errUnknown]);
  assert.deepEqual(await ask(setMetaContext, [changed]), [changed, optionReply.ack]);
  assert.deepEqual(await ask(setMetaContext, []), [optionReply.ack]);
  await client.option(option.go, infoData('disk'));
  const error = await client.outcome({ type: command.blockStatus, length: 4096 });
  assert.equal(error, errorNumber.invalid, 'the last selection was empty');
  client.close();
});

test('a selection for one export is none for another', async () => {
  const client = await RawClient.greet(path);
  await client.option(option.structuredReply);
  await client.option(option.setMetaContext, metaContextData('disk', [allocationContext]));
  await client.option(option.go, infoData('odd'));
  const error = await client.outcome({ type: command.blockStatus, length: 10 });
  assert.equal(error, errorNumber.invalid);
  client.close();
});

for (const structured of [false, true]) {
  const kind = structured ? 'structured' : 'simple';
  test(`reads and writes of every size and alignment, ${kind} replies`, async () => {
    const client = await RawClient.open(path, 'disk', { structured });
    const base = structured ? 8_000_000 : 0;
    for (const length of [1, 511, 4096, 65_536, 65_537, 1 << 20, 5_000_001]) {
      const offset = base + (length % 97);
      const data = Buffer.alloc(length, `${length} bytes `);
      assert.equal(await client.outcome({ type: command.write, offset, data }), 0);
      assert.ok(
        data.equals(await client.readRange(offset, length)),
        `${length} bytes at ${offset}`,
      );
    }
    const zeroes = { type: command.writeZeroes, offset: base + 100, length: 4_000_000 };
    assert.equal(await client.outcome(zeroes), 0);
    const after = await client.readRange(base, 4_000_200);
    assert.ok(after.subarray(100, 4_000_100).every((byte) => byte === 0));
    assert.ok(after.subarray(4_000_100).every((byte) => byte !== 0));
    client.close();
  });
}

test('the largest request is 64 MiB; a larger one is refused and read over', async () => {
  const client = await RawClient.open(path, 'disk');
  const data = Buffer.alloc(payloadBytesTaken, 'large');
  assert.equal(await client.outcome({ type: command.write, offset: 0, data }), 0);
  assert.ok(data.equals(await client.readRange(0, payloadBytesTaken)));
  const larger = Buffer.alloc(payloadBytesTaken + 1);
  const write = await client.outcome({ type: command.write, data: larger });
  assert.equal(write, errorNumber.overflow);
  const read = await client.outcome({ type: command.read, length: payloadBytesTaken + 1 });
  assert.equal(read, errorNumber.overflow);
  await client.outcome({ type: command.trim, length: size });
  client.close();
});

test('sparse reads: holes are told, DF spells them out', async () => {
  const client = await RawClient.open(path, 'disk');
  await client.outcome({ type: command.trim, length: size });
  const data = Buffer.alloc(65_536, 1);
  await client.outcome({ type: command.write, offset: 65_536, data });
  const request = { type: command.read, length: 4 * 65_536 };
  const chunks = await client.request(request);
  assert.deepEqual(
    chunks.map(({ type, done, payload }) => [type, done, payload.readBigUInt64BE(0)]),
    [
      [chunkType.offsetHole, false, 0n],
      [chunkType.offsetData, false, 65_536n],
      [chunkType.offsetHole, true, 131_072n],
    ],
  );
  const whole = await client.request({ ...request, flags: commandFlag.dontFragment });
  assert.equal(whole.length, 1);
  assert.equal(whole[0].payload.length, 8 + request.length);
  const small = { type: command.read, length: 4096 };
  assert.equal((await client.request(small))[0].type, chunkType.offsetHole);
  const smallWhole = await client.request({ ...small, flags: commandFlag.dontFragment });
  assert.equal(smallWhole[0].type, chunkType.offsetData);
  client.close();
});

test('block status: extents, REQ_ONE, changed since a snapshot', async () => {
  const contexts = [allocationContext, 'x-quern:changed:monday'];
  const client = await RawClient.open(path, 'disk', { contexts });
  await client.outcome({ type: command.trim, length: size });
  disk.mark('monday');
  await client.outcome({ type: command.write, offset: 65_536, data: Buffer.alloc(65_536, 1) });
  const status = async (flags: number, offset: number, length: number) =>
    (await client.request({ type: command.blockStatus, flags, offset, length })).map(
      ({ payload }) =>
        Array.from({ length: payload.length / 4 }, (_, i) => payload.readUInt32BE(i * 4)),
    );
  assert.deepEqual(await status(0, 0, 1 << 20), [
    [0, 65_536, 3, 65_536, 0, (1 << 20) - 131_072, 3],
    [1, 65_536, 0, 65_536, 1, (1 << 20) - 131_072, 0],
  ]);
  assert.deepEqual(await status(commandFlag.requestOne, 70_000, 1 << 20), [
    [0, 131_072 - 70_000, 0],
    [1, 131_072 - 70_000, 1],
  ]);
  const invalid = { type: command.blockStatus, offset: size - 1, length: 2 };
  assert.equal(await client.outcome(invalid), errorNumber.invalid);
  assert.equal(
    await client.outcome({ type: command.blockStatus, offset: 0, length: 0 }),
    errorNumber.invalid,
  );
  client.close();
});

test('what cannot be is refused with the right error, and the stream goes on', async () => {
  const client = await RawClient.open(path, 'odd');
  const beyond = 2n ** 64n - 1n;
  const byte = Buffer.alloc(1);
  const cases: [string, Parameters<RawClient['outcome']>[0], number][] = [
    ['unknown command', { type: 8 }, errorNumber.invalid],
    ['unknown command', { type: 0xffff, length: 77 }, errorNumber.invalid],
    ['unknown flag', { type: command.read, flags: 1 << 5, length: 1 }, errorNumber.invalid],
    ['flag of another', { type: command.trim, flags: commandFlag.dontFragment }, 22],
    ['DF on a write', { type: command.write, flags: commandFlag.dontFragment, data: byte }, 22],
    ['read beyond', { type: command.read, offset: 1001, length: 1 }, errorNumber.invalid],
    ['read far beyond', { type: command.read, offset: beyond, length: 1 }, errorNumber.invalid],
    ['write beyond', { type: command.write, offset: 1001, data: byte }, errorNumber.noSpace],
    ['write far beyond', { type: command.write, offset: beyond, data: byte }, errorNumber.noSpace],
    ['zeroes beyond', { type: command.writeZeroes, offset: 1000, length: 2 }, errorNumber.noSpace],
    ['trim beyond', { type: command.trim, offset: 1000, length: 2 }, errorNumber.invalid],
    ['flush of a range', { type: command.flush, length: 1 }, errorNumber.invalid],
    ['status without context', { type: command.blockStatus, length: 1 }, errorNumber.invalid],
    [
      'fast zeroes that are not',
      { type: command.writeZeroes, flags: commandFlag.fastZero | commandFlag.noHole, length: 9 },
      errorNumber.notSupported,
    ],
    ['nothing read', { type: command.read }, errorNumber.none],
    ['nothing written', { type: command.write }, errorNumber.none],
    ['nothing trimmed', { type: command.trim }, errorNumber.none],
    ['FUA on anything', { type: command.read, flags: commandFlag.fua, length: 1 }, 0],
    ['FUA on a flush', { type: command.flush, flags: commandFlag.fua }, errorNumber.none],
    ['a hint', { type: command.cache, length: 1001 }, errorNumber.none],
    ['the last byte', { type: command.write, offset: 1000, data: byte }, errorNumber.none],
  ];
  for (const [what, request, error] of cases)
    assert.equal(await client.outcome(request), error, what);
  client.close();
});

test('a read-only export refuses what writes', async () => {
  const client = await RawClient.open(path, 'read-only');
  for (const type of [command.write, command.trim, command.writeZeroes]) {
    const data = type === command.write ? Buffer.alloc(512) : undefined;
    const request = { type, length: 512, ...(data && { data }) };
    assert.equal(await client.outcome(request), errorNumber.notPermitted);
  }
  assert.equal(await client.outcome({ type: command.flush }), errorNumber.none);
  assert.equal((await client.readRange(0, 4096)).length, 4096);
  client.close();
});

test('errors without structured replies are simple, with nothing behind them', async () => {
  const client = await RawClient.open(path, 'odd', { structured: false });
  client.send({ type: command.read, offset: 5000, length: 10, cookie: 7n });
  client.send({ type: command.flush, cookie: 8n });
  const first = await client.chunk();
  const second = await client.chunk();
  assert.deepEqual(
    [first.cookie, first.error, second.cookie, second.error],
    [7n, errorNumber.invalid, 8n, 0],
  );
  client.close();
});

test('a bad request magic ends this connection, and no other', async () => {
  const [good, bad] = [await RawClient.open(path, 'disk'), await RawClient.open(path, 'disk')];
  bad.socket.write(Buffer.from('GET / HTTP/1.1\r\n'));
  await bad.ended();
  assert.equal(await good.outcome({ type: command.flush }), 0);
  good.close();
});

test('DISC: what came before is answered, then the connection ends', async () => {
  const client = await RawClient.open(path, 'disk');
  const requests = Array.from({ length: 50 }, (_, i) =>
    requestBytes({
      type: command.write,
      offset: i * 4096,
      cookie: BigInt(i),
      data: Buffer.alloc(4096),
    }),
  );
  requests.push(requestBytes({ type: command.disconnect }));
  client.socket.write(Buffer.concat(requests));
  assert.equal((await client.ended()).length, 50 * 16);
});

test('requests cut anywhere are understood', async () => {
  const client = await RawClient.open(path, 'odd', { structured: false });
  client.socket.setNoDelay(true);
  const data = Buffer.from('in small pieces');
  const bytes = requestBytes({ type: command.write, offset: 3, data });
  for (const byte of bytes) {
    client.socket.write(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal((await client.chunk()).error, 0);
  assert.deepEqual(await client.readRange(3, data.length), data);
  client.close();
});
