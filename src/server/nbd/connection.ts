import type { Duplex } from 'node:stream';
import { createServer as createTlsServer, TLSSocket, type TlsOptions } from 'node:tls';
import { assert } from '../../base/assert.ts';
import type { ServerEvent } from '../server-event.ts';
import type { Receiver } from './adopt-socket.ts';
import type { BlockExport, ExportCatalog } from './block-export.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { NbdMetrics } from './nbd-metrics.ts';
import { Negotiation, type Outcome, type TlsMode } from './negotiation.ts';
import { OptionParser, viewOf } from './option-parser.ts';
import {
  greetingBytes,
  greetingMagicHigh,
  greetingMagicLow,
  handshakeFlag,
  NbdProtocolError,
  optionMagicHigh,
  optionMagicLow,
} from './protocol.ts';
import { Transmission, type TransmissionHost } from './transmission.ts';

export interface ConnectionOptions {
  readonly catalog: ExportCatalog;
  readonly pool: BufferPool;
  readonly metrics: NbdMetrics;
  readonly tlsMode: TlsMode;
  readonly tls: TlsOptions | undefined;
  /** Milliseconds a client has for an option, and for the whole of the TLS handshake. */
  readonly handshakeTimeoutMs: number;
  /** Told what cost a client its connection, and of failures that are bugs. */
  readonly onError: (error: unknown) => void;
  readonly onEvent: (event: ServerEvent) => void;
  readonly onClose: (connection: Connection) => void;
}

/** Options one client may send: more is not negotiation but a way to keep a server busy. */
const optionsMax = 4096;

/** One client, from the greeting to the end: carries bytes between its stream and the protocol. */
export class Connection implements Receiver, TransmissionHost {
  readonly pool: BufferPool;
  readonly metrics: NbdMetrics;
  readonly #options: ConnectionOptions;
  #stream!: Duplex;
  #parser: OptionParser | undefined = new OptionParser();
  #negotiation: Negotiation;
  #transmission: Transmission | undefined;
  #blocks: BlockExport | undefined;
  #answering = false;
  #inputEnded = false;
  #optionCount = 0;
  #timer: NodeJS.Timeout | undefined;
  #shuttingDown = false;
  #closed = false;
  #progressAt = 0;
  /** Sends that are not over. */
  #sends = 0;
  /** Of the export that was opened last. */
  #name = '';
  #openedAt = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.pool = options.pool;
    this.metrics = options.metrics;
    this.#negotiation = this.#newNegotiation(false, 0);
  }

  /** Greets the client. What it sends comes through {@link receive}, or by `data` events. */
  start(stream: Duplex, delivery: 'receive' | 'events'): void {
    this.#stream = stream;
    this.#listen(stream, delivery);
    this.#restartTimer();
    const greeting = new Uint8Array(greetingBytes);
    const view = viewOf(greeting);
    view.setUint32(0, greetingMagicHigh);
    view.setUint32(4, greetingMagicLow);
    view.setUint32(8, optionMagicHigh);
    view.setUint32(12, optionMagicLow);
    view.setUint16(16, handshakeFlag.fixedNewstyle | handshakeFlag.noZeroes);
    stream.write(greeting);
  }

  /** Takes what the client sent; `piece` is the caller's again on return. */
  receive(piece: Uint8Array): void {
    if (this.#transmission !== undefined) {
      this.progressed();
      this.#transmission.receive(piece);
      return;
    }
    this.#parser?.push(piece.slice());
    void this.#negotiate();
  }

  /** Where the next bytes belong, if they are the data of a request. */
  room(): Uint8Array | undefined {
    return this.#transmission?.room();
  }

  /** So many bytes stand where {@link room} said. */
  filled(count: number): void {
    assert(this.#transmission !== undefined, 'only the data of requests has its place');
    this.progressed();
    this.#transmission.filled(count);
  }

  /** From now on it has its time again to move a byte. */
  progressed(): void {
    this.#progressAt = performance.now();
  }

  /** Whether it has kept memory since `before` (of `performance.now()`) without moving a byte. */
  isStalled(before: number): boolean {
    return this.#transmission?.holdsMemory === true && this.#progressAt < before;
  }

  /** Lets what is under way finish, refuses the rest, and ends after `graceMs` without it. */
  shutDown(graceMs: number): void {
    this.#shuttingDown = true;
    this.#negotiation.shutDown();
    this.#transmission?.shutDown();
    setTimeout(() => {
      if (this.#transmission !== undefined) this.#transmission.end();
      else this.#stream.destroy();
    }, graceMs);
  }

  destroy(error?: unknown): void {
    if (error !== undefined && !this.#closed) this.#options.onError(error);
    this.#stream.destroy();
  }

  send(segments: readonly Uint8Array[], _bytes: number, sent: () => void): void {
    const stream = this.#stream;
    const last = segments.length - 1;
    // Its time to take them begins when there is something to take.
    if (this.#sends++ === 0) this.progressed();
    if (last > 0) stream.cork();
    for (let i = 0; i < last; i++) stream.write(segments[i]);
    // Node calls back twice where a corked write fails at once: as a part of the batch that failed,
    // and as one that still waits.
    let over = false;
    stream.write(segments[last], () => {
      if (over) return;
      over = true;
      this.#sends--;
      this.progressed();
      sent();
    });
    if (last > 0) stream.uncork();
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  finished(): void {
    // Ends TLS first, if it runs; what the client still sends is of no interest.
    this.#stream.end();
    this.#stream.resume();
  }

  failed(error: unknown): void {
    this.destroy(error);
  }

  report(error: unknown): void {
    this.#options.onError(error);
  }

  #listen(stream: Duplex, delivery: 'receive' | 'events'): void {
    if (delivery === 'events') {
      // Not as a Buffer: its `slice` makes no copy, a trap for whoever expects a Uint8Array.
      stream.on('data', (piece: Buffer) => {
        this.receive(new Uint8Array(piece.buffer, piece.byteOffset, piece.length));
      });
    }
    stream.on('error', (error) => {
      // A client that goes away without a word is no news.
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ECONNRESET' && code !== 'EPIPE') this.destroy(error);
    });
    stream.on('end', () => {
      this.#inputEnded = true;
      if (!this.#answering) this.#endOutput();
    });
    stream.on('close', () => this.#close());
  }

  /** The client says no more. It still gets its answers. */
  #endOutput(): void {
    if (this.#transmission !== undefined) this.#transmission.end();
    else this.#stream.end();
  }

  /** Answers the options that have arrived, one after the other. */
  async #negotiate(): Promise<void> {
    if (this.#answering) return;
    this.#answering = true;
    try {
      for (;;) {
        const message = this.#parser?.next();
        if (message === undefined || this.#closed) break;
        if (message.kind === 'flags') {
          this.#negotiation.setClientFlags(message.flags);
          continue;
        }
        if (++this.#optionCount > optionsMax) throw new NbdProtocolError('too many options');
        // What comes meanwhile waits in the socket, not here.
        this.#stream.pause();
        const outcome = await this.#negotiation.answer(message);
        if (!this.#proceed(outcome)) return;
        await this.#drained();
        this.#restartTimer();
        this.#stream.resume();
      }
    } catch (error) {
      this.destroy(error);
    } finally {
      this.#answering = false;
      if (this.#inputEnded) this.#endOutput();
    }
  }

  /** Returns whether the haggling goes on. */
  #proceed(outcome: Outcome): boolean {
    switch (outcome.kind) {
      case 'continue':
        return true;
      case 'close':
        this.#parser = undefined;
        this.finished();
        return false;
      case 'startTls':
        this.#startTls();
        return false;
      case 'transmit':
        this.#transmit(outcome);
        return false;
    }
  }

  #transmit(outcome: Outcome & { kind: 'transmit' }): void {
    clearTimeout(this.#timer);
    if (this.#closed) {
      void this.#release(outcome.blocks);
      return;
    }
    this.#blocks = outcome.blocks;
    this.#name = outcome.name;
    this.#openedAt = performance.now();
    this.#options.onEvent({
      event: 'nbd-open',
      export: outcome.name,
      readOnly: outcome.blocks.readOnly,
      tls: this.#stream instanceof TLSSocket,
    });
    const transmission = new Transmission(outcome, this);
    this.#transmission = transmission;
    const early = this.#parser?.drain() ?? [];
    this.#parser = undefined;
    if (this.#shuttingDown) transmission.shutDown();
    this.#stream.resume();
    for (const piece of early) transmission.receive(piece);
  }

  /** The in-session upgrade. All that was agreed on before it is forgotten. */
  #startTls(): void {
    const plain = this.#stream;
    assert(this.#options.tls !== undefined, 'TLS is only started where it was configured');
    // Whatever stands behind STARTTLS in plain text was not written by the client that TLS will
    // prove.
    if ((this.#parser?.waitingBytes ?? 0) > 0 || plain.readableLength > 0) {
      throw new NbdProtocolError('data behind STARTTLS, before TLS');
    }
    plain.removeAllListeners('data');
    plain.removeAllListeners('end');
    // A server of its own, never listening: the one public way to have Node check a client's
    // certificate or key on a socket that exists already.
    const upgrade = createTlsServer(this.#options.tls, (secure) => this.#secured(secure));
    upgrade.on('tlsClientError', (error) => this.destroy(error));
    upgrade.emit('connection', plain);
    plain.resume();
  }

  #secured(secure: TLSSocket): void {
    this.#stream = secure;
    this.#parser = new OptionParser('header');
    this.#negotiation = this.#newNegotiation(true, this.#negotiation.clientFlags);
    this.#restartTimer();
    this.#listen(secure, 'events');
  }

  #newNegotiation(secure: boolean, clientFlags: number): Negotiation {
    const { catalog, tlsMode } = this.#options;
    return new Negotiation({ catalog, tls: tlsMode, secure, clientFlags }, (bytes) => {
      if (!this.#closed) this.#stream.write(bytes);
    });
  }

  /** Waits until a client that asks much has read the replies. */
  async #drained(): Promise<void> {
    while (this.#stream.writableNeedDrain && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#stream.once('drain', resolve);
        this.#stream.once('close', resolve);
      });
    }
  }

  #restartTimer(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    this.#timer = setTimeout(
      () => this.destroy(new NbdProtocolError('the client does not finish its handshake')),
      this.#options.handshakeTimeoutMs,
    );
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#transmission?.close();
    if (this.#transmission !== undefined) {
      const seconds = (performance.now() - this.#openedAt) / 1000;
      this.#options.onEvent({ event: 'nbd-close', export: this.#name, seconds });
    }
    void this.#release(this.#blocks).then(() => this.#options.onClose(this));
  }

  /** The export is given up when the last of its requests is through. */
  async #release(blocks: BlockExport | undefined): Promise<void> {
    try {
      await this.#transmission?.idle();
      await blocks?.close();
    } catch (error) {
      this.#options.onError(error);
    }
  }
}
