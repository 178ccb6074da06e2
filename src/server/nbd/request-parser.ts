import { assert } from '../../base/assert.ts';
import { ByteQueue } from './byte-queue.ts';
import { command, NbdProtocolError, requestHeaderBytes, requestMagic } from './protocol.ts';

/**
 * - 'starved': more bytes are needed;
 * - 'payload': the header of a WRITE is here and its data is not, or not in one piece: the caller
 *   says where the data goes (`accept`) or that it does not want it (`discard`);
 * - 'part': what was accepted is full and not all of the data; the caller takes it out of
 * `payload`,
 *   and 'payload' comes again for the rest;
 * - 'request': a whole request is here, its fields are in the parser until the next step.
 */
export type ParserStep = 'starved' | 'payload' | 'part' | 'request';

/** A part of a payload that is smaller is not worth a system call of its own. */
const roomBytesMin = 64 * 1024;

type State = 'header' | 'payload' | 'collect' | 'discard';

/**
 * Cuts the client's stream into requests. Knows no socket: bytes come in through `push`, and `next`
 * takes one step. Of a large payload, what has not come yet may be put where `room` says instead.
 * The fields of the current request are properties, so that a request costs no allocation. Memory
 * is what was pushed and not yet parsed, plus the one buffer given to `accept`.
 */
export class RequestParser {
  flags = 0;
  type = 0;
  /** The cookie is opaque; two halves spare us a bigint. */
  cookieHigh = 0;
  cookieLow = 0;
  /** Exact up to 2^53; larger ones are rounded, and beyond the end of any export. */
  offset = 0;
  length = 0;
  /**
   * The data of a WRITE, or its last part: a view of the piece it came in or of the accepted
   * buffer; else undefined.
   */
  payload: Uint8Array | undefined;
  /** Where in the request's data `payload` begins. */
  payloadAt = 0;

  readonly #queue = new ByteQueue();
  readonly #header = new Uint8Array(requestHeaderBytes);
  #state: State = 'header';
  #target: Uint8Array | undefined;
  /** How much of the target is filled; when data is read over, how much of all has come. */
  #collected = 0;
  /** Of the data, what was handed out in parts. */
  #handedOut = 0;

  /** Bytes that arrived and are not part of a request handed out. */
  get waitingBytes(): number {
    return this.#queue.length;
  }

  push(piece: Uint8Array): void {
    this.#queue.push(piece);
  }

  /** Copies what waits, so that the pushed pieces may be used again. */
  keepWaiting(): void {
    this.#queue.own();
  }

  /** Throws {@link NbdProtocolError} when what comes is not a request. */
  next(): ParserStep {
    switch (this.#state) {
      case 'header':
        return this.#nextHeader();
      case 'payload':
        return this.#nextPayload();
      case 'collect':
        return this.#nextCollect();
      case 'discard':
        return this.#nextDiscard();
    }
  }

  /** Bytes of the data that were not handed out yet. */
  get payloadLeft(): number {
    return this.length - this.#handedOut;
  }

  /** After 'payload': collects the data, or its next part, in `target`. */
  accept(target: Uint8Array): void {
    assert(this.#state === 'payload', 'a payload is accepted once it was announced');
    assert(target.length > 0 && target.length <= this.payloadLeft, 'a target is of what is left');
    this.#state = 'collect';
    this.#target = target;
    this.#collected = 0;
  }

  /**
   * Where the next bytes belong, if nothing waits before them and they are many; else undefined.
   */
  room(): Uint8Array | undefined {
    const target = this.#target;
    if (target === undefined || this.#queue.length > 0) return undefined;
    return target.length - this.#collected < roomBytesMin
      ? undefined
      : target.subarray(this.#collected);
  }

  /** So many bytes stand at the beginning of what {@link room} gave. */
  filled(count: number): void {
    assert(this.#state === 'collect' && this.#queue.length === 0, 'there was room');
    this.#collected += count;
    assert(this.#collected <= this.length, 'no more comes than there is room for');
  }

  /** After 'payload': reads over the data, or its rest; the request then comes without it. */
  discard(): void {
    assert(this.#state === 'payload', 'a payload is discarded once it was announced');
    this.#state = 'discard';
    this.payload = undefined;
    this.#collected = this.#handedOut;
  }

  #nextHeader(): ParserStep {
    if (this.#queue.length < requestHeaderBytes) {
      // A stream that cannot become a request is refused before the peer sends the rest of it.
      if (this.#queue.length >= 4) this.#checkMagic(this.#queue.peekUint32(0));
      return 'starved';
    }
    let bytes = this.#queue.takeView(requestHeaderBytes);
    if (bytes === undefined) {
      this.#queue.takeInto(this.#header, 0);
      bytes = this.#header;
    }
    this.#checkMagic(uint32(bytes, 0));
    this.flags = (bytes[4] << 8) | bytes[5];
    this.type = (bytes[6] << 8) | bytes[7];
    this.cookieHigh = uint32(bytes, 8);
    this.cookieLow = uint32(bytes, 12);
    this.offset = uint32(bytes, 16) * 0x100000000 + uint32(bytes, 20);
    this.length = uint32(bytes, 24);
    this.payload = undefined;
    this.payloadAt = 0;
    this.#handedOut = 0;
    if (this.type !== command.write || this.length === 0) return 'request';
    this.#state = 'payload';
    return this.#nextPayload();
  }

  #nextPayload(): ParserStep {
    const left = this.payloadLeft;
    if (this.#queue.length < left) return 'payload';
    const view = this.#queue.takeView(left);
    if (view === undefined) return 'payload';
    this.#handOut(view);
    return 'request';
  }

  #nextCollect(): ParserStep {
    const target = this.#target!;
    this.#collected += this.#queue.takeInto(target, this.#collected);
    if (this.#collected < target.length) return 'starved';
    this.#target = undefined;
    this.#handOut(target);
    return this.#state === 'header' ? 'request' : 'part';
  }

  #handOut(data: Uint8Array): void {
    this.payload = data;
    this.payloadAt = this.#handedOut;
    this.#handedOut += data.length;
    this.#state = this.#handedOut === this.length ? 'header' : 'payload';
  }

  #nextDiscard(): ParserStep {
    this.#collected += this.#queue.skip(this.length - this.#collected);
    if (this.#collected < this.length) return 'starved';
    this.#state = 'header';
    return 'request';
  }

  #checkMagic(magic: number): void {
    if (magic === requestMagic) return;
    throw new NbdProtocolError(`a request begins with 0x${magic.toString(16).padStart(8, '0')}`);
  }
}

function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}
