import { assert } from '../../base/assert.ts';
import type { BufferPool } from './buffer-pool.ts';
import {
  chunkFlag,
  chunkHeaderBytes,
  chunkType,
  simpleReplyBytes,
  simpleReplyMagic,
  stringBytesMax,
  structuredReplyMagic,
} from './protocol.ts';

/** What a reply must repeat of its request. */
export interface Cookie {
  readonly cookieHigh: number;
  readonly cookieLow: number;
}

/** Sends `segments` in order, and calls `sent` when nobody needs their memory any more. */
export type Send = (segments: readonly Uint8Array[], bytes: number, sent: () => void) => void;

/** Bytes of one slab, in which small replies are gathered. */
export const slabBytes = 128 * 1024;

const encoder = new TextEncoder();

/**
 * Gathers replies and sends them together: everything that one piece of input led to leaves in one
 * system call. Small replies are written one behind the other into a slab; large data travels as a
 * buffer of its own, uncopied.
 */
export class ReplyQueue {
  readonly #send: Send;
  readonly #pool: BufferPool;
  #slab = new Slab();
  /** Retired slabs that are free again; few, as little is unsent at a time. */
  readonly #spare: Slab[] = [];
  #segments: Uint8Array[] = [];
  #segmentBytes = 0;
  #retired: Slab[] = [];
  #buffers: Uint8Array[] = [];
  #unsentBytes = 0;

  constructor(pool: BufferPool, send: Send) {
    this.#pool = pool;
    this.#send = send;
  }

  /** Bytes handed to `send` and not yet out of our memory. */
  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  /** Bytes gathered since the last flush. */
  get gatheredBytes(): number {
    return this.#segmentBytes + this.#slab.used - this.#slab.flushed;
  }

  /**
   * `length` bytes of the slab behind `header` ones, to be filled and then made part of the queue
   * by `offeredData` or `simple`; queueing anything else instead takes the offer back.
   */
  offer(header: number, length: number): Uint8Array {
    const { used } = this.#slab;
    if (used % 4 !== 0) {
      // Checksums and copies work on words: data begins at one.
      this.#closeRegion();
      this.#slab.used = this.#slab.flushed = used - (used % 4) + 4;
    }
    const at = this.#room(header + length) + header;
    return this.#slab.bytes.subarray(at, at + length);
  }

  /** A simple reply; with the `length` bytes offered behind {@link simpleReplyBytes}, if any. */
  simple(cookie: Cookie, error: number, length = 0): void {
    const at = this.#room(simpleReplyBytes + length);
    const view = this.#slab.view;
    view.setUint32(at, simpleReplyMagic);
    view.setUint32(at + 4, error);
    view.setUint32(at + 8, cookie.cookieHigh);
    view.setUint32(at + 12, cookie.cookieLow);
    this.#slab.used = at + simpleReplyBytes + length;
  }

  /** A final data chunk around the `length` bytes offered behind {@link dataHeaderBytes}. */
  offeredData(cookie: Cookie, offset: number, length: number): void {
    assert(this.#slab.used + dataHeaderBytes + length <= slabBytes, 'the data was offered');
    const at = this.#chunk(cookie, chunkType.offsetData, chunkFlag.done, 8, 8 + length);
    this.#uint64(at, offset);
    this.#slab.used += length;
  }

  /**
   * A data chunk with the first `length` bytes of `buffer`, which goes back to the pool once sent.
   */
  data(cookie: Cookie, offset: number, buffer: Uint8Array, length: number, done: boolean): void {
    const at = this.#chunk(cookie, chunkType.offsetData, done ? chunkFlag.done : 0, 8, 8 + length);
    this.#uint64(at, offset);
    this.pooled(buffer, length);
  }

  hole(cookie: Cookie, offset: number, length: number, done: boolean): void {
    const at = this.#chunk(cookie, chunkType.offsetHole, done ? chunkFlag.done : 0, 12, 12);
    this.#uint64(at, offset);
    this.#slab.view.setUint32(at + 8, length);
  }

  /** The last chunk of a reply that has said everything already. */
  none(cookie: Cookie): void {
    this.#chunk(cookie, chunkType.none, chunkFlag.done, 0, 0);
  }

  error(cookie: Cookie, error: number, message: string): void {
    assert(error !== 0, 'an error chunk has an error');
    const text = encoder.encode(message).subarray(0, stringBytesMax);
    const length = 6 + text.length;
    const at = this.#chunk(cookie, chunkType.error, chunkFlag.done, length, length);
    this.#slab.view.setUint32(at, error);
    this.#slab.view.setUint16(at + 4, text.length);
    this.#slab.bytes.set(text, at + 6);
  }

  /** Descriptors are pairs of length and flags. */
  status(cookie: Cookie, contextId: number, descriptors: Uint32Array, done: boolean): void {
    const payload = 4 + descriptors.length * 4;
    const at = this.#chunk(cookie, chunkType.blockStatus, done ? chunkFlag.done : 0, 4, payload);
    this.#slab.view.setUint32(at, contextId);
    const bytes = new Uint8Array(descriptors.length * 4);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < descriptors.length; i++) view.setUint32(i * 4, descriptors[i]);
    this.#closeRegion();
    this.#push(bytes);
  }

  /** The first `length` bytes of a pooled buffer as they are, behind what was queued before. */
  pooled(buffer: Uint8Array, length: number): void {
    this.#closeRegion();
    this.#push(length === buffer.length ? buffer : buffer.subarray(0, length));
    this.#buffers.push(buffer);
  }

  /** Sends what was gathered. */
  flush(): void {
    this.#closeRegion();
    if (this.#segments.length === 0) return;
    const segments = this.#segments;
    const bytes = this.#segmentBytes;
    const buffers = this.#buffers;
    const retired = this.#retired;
    this.#segments = [];
    this.#segmentBytes = 0;
    this.#buffers = [];
    this.#retired = [];
    this.#unsentBytes += bytes;
    this.#send(segments, bytes, () => {
      this.#unsentBytes -= bytes;
      for (const buffer of buffers) this.#pool.release(buffer);
      // Slabs leave in order: all of a retired slab is out once its last part is.
      for (const slab of retired) this.#recycle(slab);
      const { used, flushed } = this.#slab;
      // With nothing on its way the slab starts afresh: the same few lines of cache, again and
      // again.
      if (this.#unsentBytes === 0 && used === flushed) this.#slab.used = this.#slab.flushed = 0;
    });
  }

  /** Drops what was gathered and not sent. */
  abandon(): void {
    for (const buffer of this.#buffers) this.#pool.release(buffer);
    this.#buffers = [];
    this.#segments = [];
    this.#segmentBytes = 0;
    this.#slab.flushed = this.#slab.used;
  }

  #recycle(slab: Slab): void {
    slab.used = 0;
    slab.flushed = 0;
    if (this.#spare.length < 4) this.#spare.push(slab);
  }

  /** Position of `count` bytes in one piece of the slab. */
  #room(count: number): number {
    assert(count <= slabBytes, 'what goes into a slab fits it');
    if (this.#slab.used + count > slabBytes) {
      this.#closeRegion();
      this.#retired.push(this.#slab);
      this.#slab = this.#spare.pop() ?? new Slab();
    }
    return this.#slab.used;
  }

  #chunk(cookie: Cookie, type: number, flags: number, inSlab: number, length: number): number {
    const at = this.#room(chunkHeaderBytes + inSlab);
    const view = this.#slab.view;
    view.setUint32(at, structuredReplyMagic);
    view.setUint16(at + 4, flags);
    view.setUint16(at + 6, type);
    view.setUint32(at + 8, cookie.cookieHigh);
    view.setUint32(at + 12, cookie.cookieLow);
    view.setUint32(at + 16, length);
    this.#slab.used = at + chunkHeaderBytes + inSlab;
    return at + chunkHeaderBytes;
  }

  #uint64(at: number, value: number): void {
    const high = Math.floor(value / 0x100000000);
    this.#slab.view.setUint32(at, high);
    this.#slab.view.setUint32(at + 4, value - high * 0x100000000);
  }

  #closeRegion(): void {
    const { used, flushed, bytes } = this.#slab;
    if (used === flushed) return;
    this.#push(bytes.subarray(flushed, used));
    this.#slab.flushed = used;
  }

  #push(segment: Uint8Array): void {
    this.#segments.push(segment);
    this.#segmentBytes += segment.length;
  }
}

/** Bytes before the data in an OFFSET_DATA chunk. */
export const dataHeaderBytes = chunkHeaderBytes + 8;

class Slab {
  readonly bytes = new Uint8Array(slabBytes);
  readonly view = new DataView(this.bytes.buffer);
  /** Bytes written; those before `flushed` belong to segments already. */
  used = 0;
  flushed = 0;
}
