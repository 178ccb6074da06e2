import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { BufferPool } from '../../src/server/nbd/buffer-pool.ts';
import { Connection } from '../../src/server/nbd/connection.ts';
import { MemoryExport, StaticCatalog } from '../../src/server/nbd/memory-export.ts';
import { NbdMetrics } from '../../src/server/nbd/nbd-metrics.ts';
import { OptionParser, optionDataBytesMax } from '../../src/server/nbd/option-parser.ts';
import { NbdProtocolError } from '../../src/server/nbd/protocol.ts';
import { RequestParser } from '../../src/server/nbd/request-parser.ts';
import { ConversationFuzzer } from './fuzz.ts';
import { SlowExport } from './slow-export.ts';

// `QUERN_FUZZ_ROUNDS` makes it a long run; `QUERN_FUZZ_SEED` replays one round.
const rounds = Number(process.env['QUERN_FUZZ_ROUNDS'] ?? 300);
const first = Number(process.env['QUERN_FUZZ_SEED'] ?? 1);
const last = process.env['QUERN_FUZZ_SEED'] === undefined ? rounds : first;

function forEachSeed(body: (fuzzer: ConversationFuzzer) => Promise<void> | void) {
  return async () => {
    for (let seed = first; seed <= last; seed++) {
      try {
        await body(new ConversationFuzzer(seed));
      } catch (error) {
        throw new Error(`QUERN_FUZZ_SEED=${seed}: ${String(error)}`, { cause: error });
      }
    }
  };
}

test(
  'the parsers understand or refuse, whatever comes, and keep next to nothing',
  forEachSeed((fuzzer) => {
    const requests = Buffer.concat(Array.from({ length: 30 }, () => fuzzer.request()));
    for (const bytes of [fuzzer.mutate(requests), fuzzer.noise(500)]) parseRequests(fuzzer, bytes);
    const options = fuzzer.mutate(fuzzer.conversation());
    for (const bytes of [options, fuzzer.noise(500)]) parseOptions(fuzzer, bytes);
  }),
);

function parseRequests(fuzzer: ConversationFuzzer, bytes: Buffer): void {
  const parser = new RequestParser();
  try {
    for (const piece of fuzzer.pieces(bytes)) {
      parser.push(piece);
      for (let step = parser.next(); step !== 'starved'; step = parser.next()) {
        if (step !== 'payload') continue;
        if (parser.length <= 70_000) parser.accept(new Uint8Array(parser.length));
        else parser.discard();
      }
      assert.ok(parser.waitingBytes < 28, 'all that was understood was handed out');
    }
  } catch (error) {
    assert.ok(error instanceof NbdProtocolError, String(error));
  }
}

function parseOptions(fuzzer: ConversationFuzzer, bytes: Buffer): void {
  const parser = new OptionParser();
  try {
    for (const piece of fuzzer.pieces(bytes)) {
      parser.push(piece);
      for (let message = parser.next(); message !== undefined; message = parser.next()) {
        if (message.kind === 'option') assert.ok((message.data?.length ?? 0) <= optionDataBytesMax);
      }
      assert.ok(parser.waitingBytes < 16, 'all that was understood was handed out');
    }
  } catch (error) {
    assert.ok(error instanceof NbdProtocolError, String(error));
  }
}

/** Both ends of a connection in memory: what the server writes is counted and forgotten. */
class Wire extends Duplex {
  bytesSent = 0;

  override _read(): void {}

  override _write(piece: Uint8Array, _: string, done: () => void): void {
    this.bytesSent += piece.length;
    setImmediate(done);
  }
}

test(
  'a server survives what its clients send, and gives all memory back',
  forEachSeed(async (fuzzer) => {
    const pool = new BufferPool(64 * 1024 * 1024, 64 * 1024 * 1024);
    const disk = new MemoryExport(1 << 20);
    const slow = new SlowExport(disk, () => new Promise((resolve) => setImmediate(resolve)));
    const errors: unknown[] = [];
    const wire = new Wire();
    const closed = new Promise<void>((resolve) => {
      const connection = new Connection({
        catalog: new StaticCatalog([['disk', fuzzer.below(2) === 0 ? disk : slow]]),
        pool,
        metrics: new NbdMetrics(),
        onEvent: () => {},
        tlsMode: 'off',
        tls: undefined,
        handshakeTimeoutMs: 10_000,
        onError: (error) => errors.push(error),
        onClose: () => resolve(),
      });
      connection.start(wire, 'events');
    });
    for (const piece of fuzzer.pieces(fuzzer.mutate(fuzzer.conversation()))) {
      if (wire.destroyed) break;
      wire.push(piece);
      if (fuzzer.below(4) === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    // Half of the clients go as they should, the others are suddenly not there any more.
    if (fuzzer.below(2) === 0) wire.push(null);
    else setImmediate(() => wire.destroy());
    await closed;
    for (const error of errors) assert.ok(error instanceof NbdProtocolError, String(error));
    for (let i = 0; i < 100 && pool.usedBytes > 0; i++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(pool.usedBytes, 0);
  }),
);
