import { assert } from '../../base/assert.ts';
import { QuernError } from '../../base/error.ts';
import type { BlockExport, MaybePromise } from './block-export.ts';
import { type BufferPool, mediumBufferBytes } from './buffer-pool.ts';
import { DescriptorList } from './descriptor-list.ts';
import { errorMessageOf, errorNumberOf } from './error-map.ts';
import { commandLimit, type NbdMetrics } from './nbd-metrics.ts';
import {
  command,
  commandFlag,
  errorNumber,
  simpleReplyBytes,
  statusDescriptorsMax,
} from './protocol.ts';
import {
  type ReadContext,
  type ReadRequest,
  readFragmented,
  readSimple,
  readUnfragmented,
} from './read-command.ts';
import { type RequestHeader, refusalMessage, refusalOf } from './refusal.ts';
import { dataHeaderBytes, ReplyQueue, type Send } from './reply-queue.ts';
import { RequestParser } from './request-parser.ts';

/** What was agreed on before transmission. */
export interface TransmissionOptions {
  readonly blocks: BlockExport;
  readonly structured: boolean;
  /** The names of the selected metadata contexts; a context's id is its index. */
  readonly contexts: readonly string[];
}

/** What the transmission asks of the connection that carries it. */
export interface TransmissionHost {
  readonly pool: BufferPool;
  readonly metrics: NbdMetrics;
  send: Send;
  /** No more input, please; a little may still come. */
  pause(): void;
  resume(): void;
  /** Everything is answered and sent, and the client (or the shutdown) wants the end. */
  finished(): void;
  /** The client, who waited for us, can go on. */
  progressed(): void;
  /** The stream cannot be continued. */
  failed(error: unknown): void;
  /** An export threw what is no answer to a client but a matter for us. The stream goes on. */
  report(error: unknown): void;
}

/** Requests of one connection that may be under way at a time; further ones wait in the socket. */
const inFlightMax = 128;
/** Bytes those may read and write, beyond which no further one is taken. */
const inFlightBytesMax = 16 * 1024 * 1024;
/** Replies that wait for the client beyond this stop the taking of further requests. */
const unsentBytesMax = 4 * 1024 * 1024;
/** Replies are sent once they are this much, even if more is about to follow. */
const flushAtBytes = 256 * 1024;
/** Data of a WRITE beyond this is written in parts as it comes. */
const partBytesMax = mediumBufferBytes;
/** Reads up to this are answered at once and in one piece, if no waiting is needed. */
const inlineReadBytesMax = 64 * 1024;
/** Of those, what is larger than this does not go into the slab of replies. */
const slabReadBytesMax = 32 * 1024;

/** A request that outlives its turn: the parser's fields move on, this stays. */
type Pending = RequestHeader & ReadRequest;

/**
 * The transmission phase of one connection: takes requests from the parser, has the export do them,
 * many at a time, and queues replies in the order in which they are done.
 */
export class Transmission {
  readonly #blocks: BlockExport;
  readonly #structured: boolean;
  readonly #contexts: readonly string[];
  readonly #host: TransmissionHost;
  readonly #parser = new RequestParser();
  readonly #replies: ReplyQueue;
  readonly #reading: ReadContext;
  #inFlight = 0;
  #inFlightBytes = 0;
  #paused = false;
  #flushScheduled = false;
  #processing = false;
  /** A payload waits for memory, or for a part of it to be written. */
  #starved = false;
  /** Why a part of the WRITE that is coming in could not be written. */
  #partError: unknown;
  #collecting: Uint8Array | undefined;
  /** When the input that is being worked on came, by `performance.now()`. */
  #startedAt = 0;
  /** Requests that were answered at once since then, by command. */
  readonly #answered = new Uint32Array(commandLimit);
  #state: 'open' | 'ending' | 'closed' = 'open';
  #shuttingDown = false;
  readonly #waitingForIdle: (() => void)[] = [];
  readonly #waitingForRoom: ((ready: boolean) => void)[] = [];

  constructor(options: TransmissionOptions, host: TransmissionHost) {
    this.#blocks = options.blocks;
    this.#structured = options.structured;
    this.#contexts = options.contexts;
    this.#host = host;
    this.#replies = new ReplyQueue(host.pool, (segments, bytes, sent) =>
      host.send(segments, bytes, () => {
        sent();
        this.#afterSending();
      }),
    );
    this.#reading = {
      blocks: this.#blocks,
      pool: host.pool,
      replies: this.#replies,
      ready: () => this.#ready(),
    };
  }

  /** Resolves when nothing is under way. */
  idle(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waitingForIdle.push(resolve));
  }

  /** True while memory is held that only this client can set free (by sending or by receiving). */
  get holdsMemory(): boolean {
    return this.#collecting !== undefined || this.#replies.unsentBytes > 0;
  }

  /**
   * One piece of input, the caller's again on return. Everything it leads to at once is sent at
   * once.
   */
  receive(piece: Uint8Array): void {
    if (this.#state !== 'open') return;
    this.#parser.push(piece);
    this.#process();
    this.#parser.keepWaiting();
  }

  /** Where the next bytes belong, if they are a large part of a payload: to be read right there. */
  room(): Uint8Array | undefined {
    return this.#state === 'open' ? this.#parser.room() : undefined;
  }

  /** So many bytes stand where {@link room} said. */
  filled(count: number): void {
    this.#parser.filled(count);
    if (this.#state === 'open') this.#process();
  }

  /** From now on requests are refused with ESHUTDOWN; those under way are finished. */
  shutDown(): void {
    this.#shuttingDown = true;
  }

  /** After the shutdown's grace: no more input is taken, what is under way is finished. */
  end(): void {
    if (this.#state === 'open') this.#state = 'ending';
    this.#finishIfDone();
  }

  /** The connection is gone. What is under way comes to its end, its replies go nowhere. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    // A buffer that is being waited for gives itself back when it comes.
    if (this.#collecting !== undefined) this.#host.pool.release(this.#collecting);
    this.#collecting = undefined;
    this.#replies.abandon();
    for (const resolve of this.#waitingForRoom.splice(0)) resolve(false);
  }

  #process(): void {
    if (this.#processing) return;
    this.#processing = true;
    this.#startedAt = performance.now();
    try {
      while (this.#state === 'open' && this.#mayTakeMore()) {
        const step = this.#parser.next();
        if (step === 'starved') break;
        if (step === 'payload') this.#placePayload();
        else if (step === 'part') this.#writePart();
        else this.#execute();
        if (this.#replies.gatheredBytes > flushAtBytes) this.#replies.flush();
      }
    } catch (error) {
      this.#host.failed(error);
      return;
    } finally {
      this.#processing = false;
    }
    this.#replies.flush();
    this.#observe();
    this.#regulate();
    this.#finishIfDone();
  }

  #observe(): void {
    const seconds = (performance.now() - this.#startedAt) / 1000;
    for (let type = 0; type < commandLimit; type++) {
      if (this.#answered[type] === 0) continue;
      this.#host.metrics.latency[type].observe(seconds, this.#answered[type]);
      this.#answered[type] = 0;
    }
  }

  #mayTakeMore(): boolean {
    return (
      this.#inFlight < inFlightMax &&
      this.#inFlightBytes < inFlightBytesMax &&
      this.#replies.unsentBytes < unsentBytesMax &&
      !this.#starved
    );
  }

  #regulate(): void {
    if (this.#state !== 'open') return;
    const stop = !this.#mayTakeMore();
    if (stop === this.#paused) return;
    this.#paused = stop;
    if (stop) this.#host.pause();
    else this.#host.resume();
  }

  /** A WRITE whose data has not all come: finds a place for its next part, or lets it pass by. */
  #placePayload(): void {
    const parser = this.#parser;
    if (this.#partError !== undefined || this.#refusal(parser) !== errorNumber.none) {
      parser.discard();
      return;
    }
    const length = Math.min(parser.payloadLeft, partBytesMax);
    const buffer = this.#host.pool.tryAcquire(length);
    if (buffer !== undefined) {
      this.#collecting = buffer;
      parser.accept(buffer.subarray(0, length));
      return;
    }
    this.#starved = true;
    void this.#host.pool.acquire(length).then((late) => {
      this.#starved = false;
      if (this.#state === 'closed') {
        this.#host.pool.release(late);
        return;
      }
      this.#collecting = late;
      this.#host.progressed();
      parser.accept(late.subarray(0, length));
      this.#process();
    });
  }

  /**
   * A part of a WRITE that is not the last: written now, so that nobody needs memory for more than
   * one. What comes behind it waits until it is done.
   */
  #writePart(): void {
    const parser = this.#parser;
    const data = parser.payload;
    const buffer = this.#collecting;
    assert(data !== undefined && buffer !== undefined, 'a part was collected');
    const offset = parser.offset + parser.payloadAt;
    let done = false;
    try {
      done = this.#blocks.tryWrite(offset, data);
    } catch (error) {
      this.#partError = error;
      done = true;
    }
    this.#collecting = undefined;
    if (done) {
      this.#host.pool.release(buffer);
      return;
    }
    this.#starved = true;
    this.#inFlight++;
    void attempt(() => this.#blocks.write(offset, data, false))
      .catch((error: unknown) => {
        this.#partError = error;
      })
      .then(() => {
        this.#starved = false;
        this.#host.pool.release(buffer);
        this.#leave();
        if (this.#state === 'closed') this.#replies.abandon();
        else this.#process();
      });
  }

  #refusal(request: RequestHeader): number {
    if (this.#shuttingDown) return errorNumber.shutdown;
    return refusalOf(request, this.#blocks, this.#structured, this.#contexts.length > 0);
  }

  #execute(): void {
    const parser = this.#parser;
    if (parser.type === command.disconnect) {
      this.#state = 'ending';
      return;
    }
    const { type } = parser;
    const partError = this.#partError;
    this.#partError = undefined;
    // What waits is taken out again by `#track`.
    if (type < commandLimit) this.#answered[type]++;
    const refusal = this.#refusal(parser);
    if (refusal !== errorNumber.none) {
      this.#releaseCollected();
      this.#fail(parser, refusal, refusalMessage(refusal));
      return;
    }
    if (partError !== undefined) {
      this.#failWith(parser, partError);
      return;
    }
    this.#host.metrics.bytes[type] += parser.length;
    if (type === command.read) this.#read();
    else if (type === command.write) this.#write();
    else this.#other();
  }

  #read(): void {
    const parser = this.#parser;
    const { offset, length } = parser;
    if (length === 0) {
      this.#succeed(parser);
      return;
    }
    if (length <= inlineReadBytesMax && this.#readInline(parser, offset, length)) return;
    const request = pendingOf(parser);
    if (!this.#structured) this.#track(request, readSimple(this.#reading, request), false);
    else if ((request.flags & commandFlag.dontFragment) !== 0 || length <= inlineReadBytesMax) {
      this.#track(request, readUnfragmented(this.#reading, request), false);
    } else this.#track(request, readFragmented(this.#reading, request), false);
  }

  /** The hot path: from the export's cache to the queue of replies, without a promise. */
  #readInline(request: Pending, offset: number, length: number): boolean {
    const replies = this.#replies;
    const { pool } = this.#host;
    const header = this.#structured ? dataHeaderBytes : simpleReplyBytes;
    const buffer = length > slabReadBytesMax ? pool.tryAcquire(length) : undefined;
    const target = buffer?.subarray(0, length) ?? replies.offer(header, length);
    let result: 'data' | 'zero' | 'miss';
    try {
      result = this.#blocks.tryRead(offset, target);
    } catch (error) {
      if (buffer !== undefined) pool.release(buffer);
      this.#failWith(request, error);
      return true;
    }
    const asHole = this.#structured && (request.flags & commandFlag.dontFragment) === 0;
    if (result === 'miss' || (result === 'zero' && asHole)) {
      if (buffer !== undefined) pool.release(buffer);
      if (result === 'miss') return false;
      replies.hole(request, offset, length, true);
      return true;
    }
    if (result === 'zero') target.fill(0);
    if (buffer === undefined) {
      if (this.#structured) replies.offeredData(request, offset, length);
      else replies.simple(request, 0, length);
    } else if (this.#structured) {
      replies.data(request, offset, buffer, length, true);
    } else {
      replies.simple(request, 0);
      replies.pooled(buffer, length);
    }
    return true;
  }

  #write(): void {
    const parser = this.#parser;
    const data = parser.payload;
    if (data === undefined) {
      assert(parser.length === 0, 'a write that was not refused has its data');
      this.#succeed(parser);
      return;
    }
    const durable = (parser.flags & commandFlag.fua) !== 0;
    const offset = parser.offset + parser.payloadAt;
    let done = false;
    try {
      done = !durable && this.#blocks.tryWrite(offset, data);
    } catch (error) {
      this.#releaseCollected();
      this.#failWith(parser, error);
      return;
    }
    if (done) {
      this.#releaseCollected();
      this.#succeed(parser);
      return;
    }
    const buffer = this.#collecting;
    this.#collecting = undefined;
    // Data that came in one piece is a view of what the next piece will overwrite.
    const kept = buffer === undefined ? data.slice() : data;
    const { pool } = this.#host;
    const work = attempt(() => this.#blocks.write(offset, kept, durable)).finally(() => {
      if (buffer !== undefined) pool.release(buffer);
    });
    this.#track(pendingOf(parser), work, true);
  }

  #other(): void {
    const request = pendingOf(this.#parser);
    try {
      const work =
        request.type === command.blockStatus ? this.#blockStatus(request) : this.#do(request);
      if (work === undefined) {
        if (request.type !== command.blockStatus) this.#succeed(request);
      } else this.#track(request, work, request.type !== command.blockStatus);
    } catch (error) {
      this.#failWith(request, error);
    }
  }

  #do(request: Pending): MaybePromise<void> {
    const { type, flags, offset, length } = request;
    const durable = (flags & commandFlag.fua) !== 0;
    if (type === command.flush) return this.#blocks.flush();
    if (length === 0) return undefined;
    if (type === command.cache) return this.#blocks.prefetch(offset, length);
    if (type === command.trim) return this.#blocks.trim(offset, length, durable);
    assert(type === command.writeZeroes, 'every known command is handled');
    const allocate = (flags & commandFlag.noHole) !== 0;
    const fast = (flags & commandFlag.fastZero) !== 0;
    return this.#blocks.zero(offset, length, { durable, allocate, fast });
  }

  async #blockStatus(request: Pending): Promise<void> {
    const limit = (request.flags & commandFlag.requestOne) !== 0 ? 1 : statusDescriptorsMax;
    const lists: DescriptorList[] = [];
    for (const context of this.#contexts) {
      const list = new DescriptorList(request.length, limit);
      const work = this.#blocks.status(context, request.offset, request.length, list);
      if (work !== undefined) await work;
      assert(list.words.length > 0, 'an export describes at least the start of a range');
      lists.push(list);
    }
    if (this.#state === 'closed') return;
    const last = lists.length - 1;
    lists.forEach((list, id) => {
      this.#replies.status(request, id, list.words, id === last);
    });
  }

  /** Follows work that is not done yet; `replies`: success is still to be told when it is. */
  #track(request: Pending, work: Promise<void>, replies: boolean): void {
    this.#inFlight++;
    this.#inFlightBytes += payloadBytes(request);
    this.#answered[request.type]--;
    const startedAt = this.#startedAt;
    work.then(
      () => {
        if (replies && this.#state !== 'closed') this.#succeed(request);
        this.#settled(request, startedAt);
      },
      (error: unknown) => {
        if (this.#state !== 'closed') {
          this.#failWith(request, error);
        }
        this.#settled(request, startedAt);
      },
    );
  }

  #settled(request: Pending, startedAt: number): void {
    const seconds = (performance.now() - startedAt) / 1000;
    this.#host.metrics.latency[request.type].observe(seconds);
    this.#inFlightBytes -= payloadBytes(request);
    this.#leave();
    if (this.#state === 'closed') {
      this.#replies.abandon();
      return;
    }
    // Work that ends in the same turn of the event loop is answered in one system call; a lot of
    // data is worth one of its own.
    if (this.#replies.gatheredBytes > flushAtBytes) this.#replies.flush();
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(() => {
      this.#flushScheduled = false;
      if (this.#state === 'closed') this.#replies.abandon();
      else this.#process();
    });
  }

  /** Something that was under way is over. */
  #leave(): void {
    this.#inFlight--;
    if (this.#inFlight === 0) for (const resolve of this.#waitingForIdle.splice(0)) resolve();
  }

  #afterSending(): void {
    if (this.#replies.unsentBytes < unsentBytesMax) {
      for (const resolve of this.#waitingForRoom.splice(0)) resolve(this.#state !== 'closed');
    }
    if (this.#paused && this.#state === 'open' && this.#mayTakeMore()) this.#process();
    this.#finishIfDone();
  }

  #ready(): Promise<boolean> | true {
    if (this.#state === 'closed') return Promise.resolve(false);
    if (this.#replies.unsentBytes + this.#replies.gatheredBytes < unsentBytesMax) return true;
    this.#replies.flush();
    if (this.#replies.unsentBytes < unsentBytesMax) return true;
    return new Promise((resolve) => this.#waitingForRoom.push(resolve));
  }

  #finishIfDone(): void {
    if (this.#state !== 'ending' || this.#inFlight > 0 || this.#flushScheduled) return;
    this.#replies.flush();
    if (this.#replies.unsentBytes === 0) this.#host.finished();
  }

  #succeed(request: Pending): void {
    if (this.#structured && request.type === command.read) this.#replies.none(request);
    else this.#replies.simple(request, errorNumber.none);
  }

  #fail(request: Pending, error: number, message: string): void {
    if (request.type < commandLimit) this.#host.metrics.errors[request.type]++;
    if (this.#structured) this.#replies.error(request, error, message);
    else this.#replies.simple(request, error);
  }

  #failWith(request: Pending, error: unknown): void {
    if (!(error instanceof QuernError)) this.#host.report(error);
    this.#fail(request, errorNumberOf(error), errorMessageOf(error));
  }

  #releaseCollected(): void {
    if (this.#collecting === undefined) return;
    this.#host.pool.release(this.#collecting);
    this.#collecting = undefined;
  }
}

function pendingOf(request: Pending): Pending {
  const { cookieHigh, cookieLow, flags, type, offset, length } = request;
  return { cookieHigh, cookieLow, flags, type, offset, length };
}

function payloadBytes({ type, length }: Pending): number {
  return type === command.read || type === command.write ? length : 0;
}

/** A throw becomes a rejection. */
async function attempt(work: () => Promise<void>): Promise<void> {
  await work();
}
