import type { BlockExport } from './block-export.ts';
import { type BufferPool, mediumBufferBytes } from './buffer-pool.ts';
import { DescriptorList } from './descriptor-list.ts';
import { allocationContext, allocationFlag } from './protocol.ts';
import type { Cookie, ReplyQueue } from './reply-queue.ts';

/** The most one data chunk carries, and so what a large read holds in memory at a time. */
const pieceBytesMax = mediumBufferBytes;
/** More alternations of data and holes than this in one request are sent as data. */
const extentsMax = 1024;

export interface ReadContext {
  readonly blocks: BlockExport;
  readonly pool: BufferPool;
  readonly replies: ReplyQueue;
  /** Resolves when the queue of replies is short enough for more; false if the client is gone. */
  ready(): Promise<boolean> | true;
}

export interface ReadRequest extends Cookie {
  readonly offset: number;
  readonly length: number;
}

/** Reads the whole range into one buffer of the pool; zeroes are spelled out. */
async function readWhole(context: ReadContext, request: ReadRequest): Promise<Uint8Array> {
  const { blocks, pool } = context;
  const { offset, length } = request;
  const buffer = pool.tryAcquire(length) ?? (await pool.acquire(length));
  const target = buffer.subarray(0, length);
  try {
    let result = blocks.tryRead(offset, target);
    if (result === 'miss') result = await blocks.read(offset, target);
    if (result === 'zero') target.fill(0);
    return buffer;
  } catch (error) {
    pool.release(buffer);
    throw error;
  }
}

/** Answers with one simple reply. An error before it throws; there can be none behind it. */
export async function readSimple(context: ReadContext, request: ReadRequest): Promise<void> {
  const buffer = await readWhole(context, request);
  context.replies.simple(request, 0);
  context.replies.pooled(buffer, request.length);
}

/** Answers with one data chunk: what the flag DF asks for. */
export async function readUnfragmented(context: ReadContext, request: ReadRequest): Promise<void> {
  const buffer = await readWhole(context, request);
  context.replies.data(request, request.offset, buffer, request.length, true);
}

/**
 * Answers with chunks of data and of holes. Throws on an error; chunks that are queued by then stay
 * valid beside the error chunk that the caller sends.
 */
export async function readFragmented(context: ReadContext, request: ReadRequest): Promise<void> {
  const { offset, length } = request;
  const end = offset + length;
  const extents = new DescriptorList(length, extentsMax);
  const status = context.blocks.status(allocationContext, offset, length, extents);
  if (status !== undefined) await status;
  let at = offset;
  const words = extents.words;
  for (let i = 0; i < words.length; i += 2) {
    const extentEnd = at + words[i];
    if ((words[i + 1] & allocationFlag.zero) !== 0) {
      context.replies.hole(request, at, extentEnd - at, extentEnd === end);
    } else if (!(await readData(context, request, at, extentEnd))) {
      return;
    }
    at = extentEnd;
  }
  if (at < end) await readData(context, request, at, end);
}

/** Sends [from, to) in pieces; false if the client went away meanwhile. */
async function readData(
  context: ReadContext,
  request: ReadRequest,
  from: number,
  to: number,
): Promise<boolean> {
  const { blocks, pool, replies } = context;
  const end = request.offset + request.length;
  for (let at = from; at < to; ) {
    const length = Math.min(pieceBytesMax, to - at);
    const ready = context.ready();
    if (ready !== true && !(await ready)) return false;
    const buffer = pool.tryAcquire(length) ?? (await pool.acquire(length));
    const target = buffer.subarray(0, length);
    try {
      let result = blocks.tryRead(at, target);
      if (result === 'miss') result = await blocks.read(at, target);
      if (result === 'zero') {
        pool.release(buffer);
        replies.hole(request, at, length, at + length === end);
      } else {
        replies.data(request, at, buffer, length, at + length === end);
      }
    } catch (error) {
      pool.release(buffer);
      throw error;
    }
    at += length;
  }
  return true;
}
