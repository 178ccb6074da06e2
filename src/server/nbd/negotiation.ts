import { assert } from '../../base/assert.ts';
import type { BlockExport, ExportCatalog } from './block-export.ts';
import { errorMessageOf } from './error-map.ts';
import type { OptionMessage } from './option-parser.ts';
import { viewOf } from './option-parser.ts';
import { OptionReader } from './option-reader.ts';
import {
  handshakeFlag,
  info,
  NbdProtocolError,
  option,
  optionReply,
  optionReplyHeaderBytes,
  optionReplyMagicHigh,
  optionReplyMagicLow,
  payloadBytesMax,
  transmissionFlag,
} from './protocol.ts';

/** Whether clients may, must or cannot speak TLS. */
export type TlsMode = 'off' | 'allowed' | 'required';

export interface NegotiationOptions {
  readonly catalog: ExportCatalog;
  readonly tls: TlsMode;
  /** TLS runs already: this is the negotiation after the upgrade. */
  readonly secure: boolean;
  /** The client's flags of before the upgrade. */
  readonly clientFlags: number;
}

/** What comes after a reply to an option. */
export type Outcome =
  | { readonly kind: 'continue' }
  | { readonly kind: 'close' }
  | { readonly kind: 'startTls' }
  | {
      readonly kind: 'transmit';
      /** As the client named it: '' is the default export. */
      readonly name: string;
      readonly blocks: BlockExport;
      readonly structured: boolean;
      readonly contexts: readonly string[];
    };

const proceed: Outcome = { kind: 'continue' };
const close: Outcome = { kind: 'close' };

/** Metadata contexts one client may select. */
const contextsMax = 16;

const encoder = new TextEncoder();

/**
 * The option haggling of one connection: what was agreed on so far, and the reply to each option.
 * Its replies go to `send`; it knows no socket.
 */
export class Negotiation {
  readonly #options: NegotiationOptions;
  readonly #send: (bytes: Uint8Array) => void;
  #clientFlags: number;
  #structured = false;
  #contextsExport: string | undefined;
  #contexts: readonly string[] = [];
  #shuttingDown = false;

  constructor(options: NegotiationOptions, send: (bytes: Uint8Array) => void) {
    this.#options = options;
    this.#clientFlags = options.clientFlags;
    this.#send = send;
  }

  get clientFlags(): number {
    return this.#clientFlags;
  }

  shutDown(): void {
    this.#shuttingDown = true;
  }

  setClientFlags(flags: number): void {
    if ((flags & ~(handshakeFlag.fixedNewstyle | handshakeFlag.noZeroes)) !== 0) {
      throw new NbdProtocolError(`unknown client flags 0x${flags.toString(16)}`);
    }
    this.#clientFlags = flags;
  }

  /**
   * Replies to one option. Throws {@link NbdProtocolError} where the protocol has no error reply.
   */
  async answer(message: OptionMessage): Promise<Outcome> {
    const { data } = message;
    if (message.option === option.abort) {
      this.#reply(option.abort, optionReply.ack);
      return close;
    }
    if (message.option === option.exportName) return this.#exportName(data);
    if (this.#shuttingDown) return this.#refuse(message.option, optionReply.errShutdown);
    if (message.option === option.startTls) return this.#startTls(data);
    if (this.#options.tls === 'required' && !this.#options.secure) {
      return this.#refuse(message.option, optionReply.errTlsRequired, 'this server requires TLS');
    }
    if (data === undefined) return this.#refuse(message.option, optionReply.errTooBig);
    try {
      switch (message.option) {
        case option.list:
          return await this.#list(data);
        case option.info:
        case option.go:
          return await this.#infoOrGo(message.option, data);
        case option.structuredReply:
          return this.#structuredReply(data);
        case option.listMetaContext:
        case option.setMetaContext:
          return await this.#metaContext(message.option, data);
        default:
          return this.#refuse(message.option, optionReply.errUnsupported);
      }
    } catch (error) {
      // The catalog could not do it; the client may try something else.
      return this.#refuse(message.option, optionReply.errPolicy, errorMessageOf(error));
    }
  }

  /** The old way in: there is no error reply, so a refusal ends the connection. */
  async #exportName(data: Uint8Array | undefined): Promise<Outcome> {
    const { tls, secure, catalog } = this.#options;
    if (this.#shuttingDown || (tls === 'required' && !secure)) return close;
    const name = data === undefined ? undefined : new OptionReader(data).rest();
    if (name === undefined) return close;
    const blocks = await catalog.open(name);
    if (blocks === undefined) return close;
    const padding = (this.#clientFlags & handshakeFlag.noZeroes) !== 0 ? 0 : 124;
    const reply = new Uint8Array(10 + padding);
    viewOf(reply).setBigUint64(0, BigInt(blocks.size));
    viewOf(reply).setUint16(8, this.#transmissionFlags(blocks));
    this.#send(reply);
    return this.#transmit(name, blocks);
  }

  #startTls(data: Uint8Array | undefined): Outcome {
    const { tls, secure } = this.#options;
    const fixed = (this.#clientFlags & handshakeFlag.fixedNewstyle) !== 0;
    if (tls === 'off') return this.#refuse(option.startTls, optionReply.errPolicy, 'TLS is off');
    if (secure || !fixed || data === undefined || data.length > 0) {
      return this.#refuse(option.startTls, optionReply.errInvalid);
    }
    this.#reply(option.startTls, optionReply.ack);
    return { kind: 'startTls' };
  }

  async #list(data: Uint8Array): Promise<Outcome> {
    if (data.length > 0) return this.#refuse(option.list, optionReply.errInvalid);
    for (const { name, description } of await this.#options.catalog.list()) {
      const nameBytes = encoder.encode(name);
      const text = encoder.encode(description);
      const reply = new Uint8Array(4 + nameBytes.length + text.length);
      viewOf(reply).setUint32(0, nameBytes.length);
      reply.set(nameBytes, 4);
      reply.set(text, 4 + nameBytes.length);
      this.#reply(option.list, optionReply.server, reply);
    }
    this.#reply(option.list, optionReply.ack);
    return proceed;
  }

  async #infoOrGo(which: number, data: Uint8Array): Promise<Outcome> {
    const reader = new OptionReader(data);
    const name = reader.lengthAndString();
    const count = reader.uint16();
    if (name === undefined || count === undefined) {
      return this.#refuse(which, optionReply.errInvalid);
    }
    const wanted = new Set<number>();
    for (let i = 0; i < count; i++) {
      const item = reader.uint16();
      if (item === undefined) return this.#refuse(which, optionReply.errInvalid);
      wanted.add(item);
    }
    if (!reader.atEnd) return this.#refuse(which, optionReply.errInvalid);
    const blocks = await this.#options.catalog.open(name);
    if (blocks === undefined) {
      return this.#refuse(which, optionReply.errUnknown, `there is no export '${name}'`);
    }
    this.#sendInfo(which, name, blocks, wanted);
    this.#reply(which, optionReply.ack);
    if (which === option.go) return this.#transmit(name, blocks);
    await blocks.close();
    return proceed;
  }

  #sendInfo(which: number, name: string, blocks: BlockExport, wanted: ReadonlySet<number>): void {
    const exportInfo = new Uint8Array(12);
    viewOf(exportInfo).setUint16(0, info.export);
    viewOf(exportInfo).setBigUint64(2, BigInt(blocks.size));
    viewOf(exportInfo).setUint16(10, this.#transmissionFlags(blocks));
    this.#reply(which, optionReply.info, exportInfo);
    if (wanted.has(info.name)) this.#sendTextInfo(which, info.name, name);
    if (wanted.has(info.description)) {
      this.#sendTextInfo(which, info.description, blocks.description);
    }
    if (!wanted.has(info.blockSize)) return;
    const sizes = new Uint8Array(14);
    viewOf(sizes).setUint16(0, info.blockSize);
    // Any alignment is served; many clients cannot keep to a larger minimum.
    viewOf(sizes).setUint32(2, 1);
    viewOf(sizes).setUint32(6, blocks.preferredBlockSize);
    viewOf(sizes).setUint32(10, payloadBytesMax);
    this.#reply(which, optionReply.info, sizes);
  }

  #sendTextInfo(which: number, type: number, text: string): void {
    const bytes = encoder.encode(text);
    const reply = new Uint8Array(2 + bytes.length);
    viewOf(reply).setUint16(0, type);
    reply.set(bytes, 2);
    this.#reply(which, optionReply.info, reply);
  }

  #structuredReply(data: Uint8Array): Outcome {
    if (data.length > 0) return this.#refuse(option.structuredReply, optionReply.errInvalid);
    this.#structured = true;
    this.#reply(option.structuredReply, optionReply.ack);
    return proceed;
  }

  async #metaContext(which: number, data: Uint8Array): Promise<Outcome> {
    const setting = which === option.setMetaContext;
    if (setting) {
      // Whatever comes of this: what was selected before no longer is.
      this.#contextsExport = undefined;
      this.#contexts = [];
    }
    if (!this.#structured) {
      return this.#refuse(which, optionReply.errInvalid, 'structured replies come first');
    }
    const request = readMetaContextRequest(data);
    if (request === undefined) return this.#refuse(which, optionReply.errInvalid);
    const blocks = await this.#options.catalog.open(request.name);
    if (blocks === undefined) {
      return this.#refuse(which, optionReply.errUnknown, `there is no export '${request.name}'`);
    }
    const available = await blocks.contexts();
    await blocks.close();
    const chosen = available.filter((context) =>
      setting
        ? request.queries.includes(context)
        : request.queries.length === 0 || request.queries.some((query) => matches(query, context)),
    );
    if (setting && chosen.length > contextsMax) return this.#refuse(which, optionReply.errTooBig);
    chosen.forEach((context, id) => {
      const text = encoder.encode(context);
      const reply = new Uint8Array(4 + text.length);
      viewOf(reply).setUint32(0, setting ? id : 0);
      reply.set(text, 4);
      this.#reply(which, optionReply.metaContext, reply);
    });
    if (setting) {
      this.#contextsExport = request.name;
      this.#contexts = chosen;
    }
    this.#reply(which, optionReply.ack);
    return proceed;
  }

  #transmit(name: string, blocks: BlockExport): Outcome {
    const contexts = this.#contextsExport === name ? this.#contexts : [];
    return { kind: 'transmit', name, blocks, structured: this.#structured, contexts };
  }

  #transmissionFlags(blocks: BlockExport): number {
    const common =
      transmissionFlag.hasFlags |
      transmissionFlag.sendFlush |
      transmissionFlag.sendFua |
      transmissionFlag.canMultiConn |
      transmissionFlag.sendCache |
      (this.#structured ? transmissionFlag.sendDontFragment : 0);
    if (blocks.readOnly) return common | transmissionFlag.readOnly;
    return (
      common |
      transmissionFlag.sendTrim |
      transmissionFlag.sendWriteZeroes |
      transmissionFlag.sendFastZero
    );
  }

  #refuse(which: number, error: number, message = ''): Outcome {
    assert(error >= 0x80000000, 'a refusal is an error reply');
    this.#reply(which, error, encoder.encode(message));
    return proceed;
  }

  #reply(which: number, type: number, data: Uint8Array = new Uint8Array(0)): void {
    const reply = new Uint8Array(optionReplyHeaderBytes + data.length);
    const view = viewOf(reply);
    view.setUint32(0, optionReplyMagicHigh);
    view.setUint32(4, optionReplyMagicLow);
    view.setUint32(8, which);
    view.setUint32(12, type);
    view.setUint32(16, data.length);
    reply.set(data, optionReplyHeaderBytes);
    this.#send(reply);
  }
}

interface MetaContextRequest {
  readonly name: string;
  readonly queries: readonly string[];
}

/**
 * undefined if the data breaks the rules: lengths that do not add up, a query without a namespace.
 */
function readMetaContextRequest(data: Uint8Array): MetaContextRequest | undefined {
  const reader = new OptionReader(data);
  const name = reader.lengthAndString();
  const count = reader.uint32();
  if (name === undefined || count === undefined) return undefined;
  const queries: string[] = [];
  for (let i = 0; i < count; i++) {
    const query = reader.lengthAndString();
    if (query === undefined || query.indexOf(':') < 1) return undefined;
    queries.push(query);
  }
  return reader.atEnd ? { name, queries } : undefined;
}

/**
 * A query that ends in a colon is a wildcard, at any level of the name: `base:`,
 * `x-quern:changed:`.
 */
function matches(query: string, context: string): boolean {
  return query.endsWith(':') ? context.startsWith(query) : context === query;
}
