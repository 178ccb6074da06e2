import { connect, type Socket } from 'node:net';
import {
  clientFlagsBytes,
  command,
  greetingBytes,
  handshakeFlag,
  option,
  optionHeaderBytes,
  optionMagicHigh,
  optionMagicLow,
  optionReply,
  requestHeaderBytes,
  requestMagic,
  simpleReplyMagic,
  structuredReplyMagic,
} from '../../src/server/nbd/protocol.ts';

export interface OptionReply {
  readonly option: number;
  readonly type: number;
  readonly data: Buffer;
}

/** One chunk of a reply; a simple reply is one with `type` 'simple'. */
export interface ReplyChunk {
  readonly type: number | 'simple';
  readonly done: boolean;
  readonly cookie: bigint;
  /** Of a simple reply or an error chunk. */
  readonly error: number;
  readonly payload: Buffer;
}

export interface RequestFields {
  type: number;
  flags?: number;
  cookie?: bigint;
  offset?: number | bigint;
  length?: number;
  data?: Uint8Array;
}

/**
 * An NBD client that does what the test says and nothing else: no check, no repair, no manners. It
 * shows every reply as it came.
 */
export class RawClient {
  readonly socket: Socket;
  #pieces: Buffer[] = [];
  #length = 0;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (piece: Buffer) => {
      this.#pieces.push(piece);
      this.#length += piece.length;
      this.#wake?.();
    });
    const end = () => {
      this.#ended = true;
      this.#wake?.();
    };
    socket.on('end', end);
    socket.on('close', end);
    socket.on('error', end);
  }

  static async connect(path: string): Promise<RawClient> {
    const socket = connect(path);
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawClient(socket);
  }

  /** Connects and exchanges greetings. */
  static async greet(
    path: string,
    flags = handshakeFlag.fixedNewstyle | handshakeFlag.noZeroes,
  ): Promise<RawClient> {
    const client = await RawClient.connect(path);
    await client.read(greetingBytes);
    const reply = Buffer.alloc(clientFlagsBytes);
    reply.writeUInt32BE(flags);
    client.socket.write(reply);
    return client;
  }

  /** Connects and goes all the way to transmission. */
  static async open(
    path: string,
    name: string,
    { structured = true, contexts = [] as string[] } = {},
  ): Promise<RawClient> {
    const client = await RawClient.greet(path);
    if (structured) await client.option(option.structuredReply);
    if (contexts.length > 0) {
      await client.option(option.setMetaContext, metaContextData(name, contexts));
    }
    const replies = await client.option(option.go, infoData(name));
    if (replies.at(-1)?.type !== optionReply.ack) throw new Error(`no way into '${name}'`);
    return client;
  }

  get bytesWaiting(): number {
    return this.#length;
  }

  /** Exactly `count` bytes; an error if the server ends before. */
  async read(count: number): Promise<Buffer> {
    while (this.#length < count) {
      if (this.#ended) throw new Error('the server ended the connection');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const all = Buffer.concat(this.#pieces);
    this.#pieces = count < all.length ? [all.subarray(count)] : [];
    this.#length -= count;
    return all.subarray(0, count);
  }

  /** Resolves with what was left to read when the server has ended the connection. */
  async ended(): Promise<Buffer> {
    while (!this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return Buffer.concat(this.#pieces);
  }

  sendOption(which: number, data: Uint8Array = Buffer.alloc(0), length = data.length): void {
    const header = Buffer.alloc(optionHeaderBytes);
    header.writeUInt32BE(optionMagicHigh, 0);
    header.writeUInt32BE(optionMagicLow, 4);
    header.writeUInt32BE(which, 8);
    header.writeUInt32BE(length, 12);
    this.socket.write(Buffer.concat([header, data]));
  }

  /** All replies to one option. */
  async option(which: number, data?: Uint8Array): Promise<OptionReply[]> {
    this.sendOption(which, data);
    const replies: OptionReply[] = [];
    for (;;) {
      const reply = await this.optionReply();
      replies.push(reply);
      if (reply.type === optionReply.ack || reply.type >= 0x80000000) return replies;
    }
  }

  async optionReply(): Promise<OptionReply> {
    const header = await this.read(20);
    const data = await this.read(header.readUInt32BE(16));
    return { option: header.readUInt32BE(8), type: header.readUInt32BE(12), data };
  }

  send(fields: RequestFields): void {
    this.socket.write(requestBytes(fields));
  }

  /** The chunks of the reply to one request, with nothing else under way. */
  async request(fields: RequestFields): Promise<ReplyChunk[]> {
    this.send(fields);
    const simpleData = fields.type === command.read ? (fields.length ?? 0) : 0;
    const chunks: ReplyChunk[] = [];
    for (;;) {
      const chunk = await this.chunk(simpleData);
      chunks.push(chunk);
      if (chunk.done) return chunks;
    }
  }

  /** The error of the reply to one request; 0 is success. */
  async outcome(fields: RequestFields): Promise<number> {
    return (await this.request(fields)).reduce((error, chunk) => error || chunk.error, 0);
  }

  /** The next chunk, whosever it is; `simpleData`: what follows a successful simple reply. */
  async chunk(simpleData = 0): Promise<ReplyChunk> {
    const head = await this.read(16);
    if (head.readUInt32BE(0) === simpleReplyMagic) {
      const error = head.readUInt32BE(4);
      const payload = error === 0 ? await this.read(simpleData) : Buffer.alloc(0);
      return { type: 'simple', done: true, cookie: head.readBigUInt64BE(8), error, payload };
    }
    if (head.readUInt32BE(0) !== structuredReplyMagic) throw new Error('this is no reply');
    const payload = await this.read((await this.read(4)).readUInt32BE(0));
    const type = head.readUInt16BE(6);
    return {
      type,
      done: (head.readUInt16BE(4) & 1) !== 0,
      cookie: head.readBigUInt64BE(8),
      error: (type & 0x8000) !== 0 ? payload.readUInt32BE(0) : 0,
      payload,
    };
  }

  /** Reads a range and puts its chunks together; holes are zeroes. */
  async readRange(offset: number, length: number, flags = 0): Promise<Buffer> {
    const data = Buffer.alloc(length);
    for (const chunk of await this.request({ type: command.read, flags, offset, length })) {
      if (chunk.error !== 0) throw new Error(`read failed with ${chunk.error}`);
      if (chunk.type === 'simple') chunk.payload.copy(data);
      if (chunk.type !== 1) continue;
      chunk.payload.copy(data, Number(chunk.payload.readBigUInt64BE(0)) - offset, 8);
    }
    return data;
  }

  close(): void {
    this.socket.destroy();
  }
}

export function requestBytes(fields: RequestFields): Buffer {
  const header = Buffer.alloc(requestHeaderBytes);
  header.writeUInt32BE(requestMagic, 0);
  header.writeUInt16BE(fields.flags ?? 0, 4);
  header.writeUInt16BE(fields.type, 6);
  header.writeBigUInt64BE(fields.cookie ?? 0n, 8);
  header.writeBigUInt64BE(BigInt(fields.offset ?? 0), 16);
  header.writeUInt32BE(fields.length ?? fields.data?.length ?? 0, 24);
  return fields.data === undefined ? header : Buffer.concat([header, fields.data]);
}

/** Data of INFO and GO. */
export function infoData(name: string, wanted: readonly number[] = []): Buffer {
  const bytes = Buffer.from(name);
  const data = Buffer.alloc(6 + bytes.length + 2 * wanted.length);
  data.writeUInt32BE(bytes.length, 0);
  bytes.copy(data, 4);
  data.writeUInt16BE(wanted.length, 4 + bytes.length);
  wanted.forEach((item, index) => {
    data.writeUInt16BE(item, 6 + bytes.length + 2 * index);
  });
  return data;
}

/** Data of LIST_META_CONTEXT and SET_META_CONTEXT. */
export function metaContextData(name: string, queries: readonly string[]): Buffer {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(queries.length);
  return Buffer.concat([lengthAndString(name), count, ...queries.map(lengthAndString)]);
}

function lengthAndString(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
