import { rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { assert } from '../../base/assert.ts';
import { QuernError, sqlState } from '../../base/error.ts';
import type { ServerEvent } from '../server-event.ts';
import { adoptSocket } from './adopt-socket.ts';
import type { ExportCatalog } from './block-export.ts';
import { BufferPool } from './buffer-pool.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { NbdMetrics } from './nbd-metrics.ts';
import { payloadBytesTaken } from './protocol.ts';

export interface NbdServerOptions {
  readonly catalog: ExportCatalog;
  /** Node's TLS options (see `loadTls`); without them the server speaks no TLS. */
  readonly tls?: TlsOptions | undefined;
  /** With TLS: whether clients may go without. Default: they may not. */
  readonly tlsOptional?: boolean | undefined;
  /** Clients at a time; later ones are turned away. Default 256. */
  readonly connectionsMax?: number | undefined;
  /**
   * Bytes that payloads of all clients together take at a time. Default 256 MiB, at least 64 MiB.
   */
  readonly memoryBytesMax?: number | undefined;
  /** Milliseconds a client may take for an option. Default 60 000. */
  readonly handshakeTimeoutMs?: number | undefined;
  /**
   * Milliseconds a client may hold memory that others wait for without moving a byte. Default 10
   * 000.
   */
  readonly stallTimeoutMs?: number | undefined;
  /** Told what cost a client its connection, and of failures that are bugs. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** Told of clients that come and go. */
  readonly onEvent?: ((event: ServerEvent) => void) | undefined;
}

/** `unix:PATH` or `HOST:PORT` (`[::1]:10809` for IPv6; `:10809` for every interface). */
export type NbdAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string | undefined; readonly port: number };

export function parseAddress(text: string): NbdAddress {
  if (text.startsWith('unix:') && text.length > 5) return { kind: 'unix', path: text.slice(5) };
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) {
    throw new QuernError(
      sqlState.invalidParameterValue,
      `'${text}' is no address: expected unix:PATH or HOST:PORT`,
    );
  }
  return { kind: 'tcp', host: match[1] ?? (match[2] === '' ? undefined : match[2]), port };
}

/** Serves a catalog of exports to NBD clients, on any number of addresses. */
export class NbdServer {
  readonly pool: BufferPool;
  readonly metrics = new NbdMetrics();
  readonly #options: NbdServerOptions;
  readonly #connectionOptions: ConnectionOptions;
  readonly #listeners: Server[] = [];
  readonly #connections = new Set<Connection>();
  readonly #watch: NodeJS.Timeout;
  #closing = false;

  constructor(options: NbdServerOptions) {
    const memory = options.memoryBytesMax ?? 256 * 1024 * 1024;
    assert(memory >= payloadBytesTaken, 'there is memory for the largest payload');
    this.#options = options;
    this.pool = new BufferPool(memory, payloadBytesTaken);
    this.#connectionOptions = {
      catalog: options.catalog,
      pool: this.pool,
      metrics: this.metrics,
      onEvent: options.onEvent ?? (() => {}),
      tls: options.tls,
      tlsMode: tlsModeOf(options),
      handshakeTimeoutMs: options.handshakeTimeoutMs ?? 60_000,
      onError: options.onError ?? (() => {}),
      onClose: (connection) => this.#connections.delete(connection),
    };
    this.#watch = setInterval(() => this.#endStalled(), 1000);
    this.#watch.unref();
  }

  /** Clients at this moment. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Listens, and returns the address (with the port that port 0 became). */
  async listen(address: NbdAddress): Promise<NbdAddress> {
    if (address.kind === 'unix') await removeDeadSocket(address.path);
    const options = {
      noDelay: true,
      allowHalfOpen: true,
      pauseOnConnect: true,
      // A client whose machine died must not hold its volume for ever.
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
    };
    const listener = createServer(options, (socket) => this.#accept(socket));
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      if (address.kind === 'unix') listener.listen(address.path, resolve);
      else listener.listen(address.port, address.host, resolve);
    });
    this.#listeners.push(listener);
    const bound = listener.address();
    if (address.kind === 'unix' || bound === null || typeof bound === 'string') return address;
    return { kind: 'tcp', host: address.host, port: bound.port };
  }

  /**
   * Stops: no new clients; requests under way are finished, new ones refused with ESHUTDOWN; after
   * `graceMs` what is still connected is let go.
   */
  async close(graceMs = 250): Promise<void> {
    this.#closing = true;
    clearInterval(this.#watch);
    const ended = this.#listeners.map(
      (listener) => new Promise<void>((resolve) => listener.close(() => resolve())),
    );
    for (const connection of this.#connections) connection.shutDown(graceMs);
    // A client that does not read its last replies keeps nobody waiting.
    const deadline = performance.now() + graceMs + 5000;
    while (this.#connections.size > 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    for (const connection of this.#connections) connection.destroy();
    await Promise.all(ended);
  }

  #accept(socket: Socket): void {
    if (this.#closing || this.#connections.size >= (this.#options.connectionsMax ?? 256)) {
      socket.destroy();
      return;
    }
    const connection = new Connection(this.#connectionOptions);
    this.#connections.add(connection);
    this.metrics.connections++;
    const adopted = adoptSocket(socket, connection);
    if (adopted !== undefined) {
      connection.start(adopted, 'receive');
    } else {
      connection.start(socket, 'events');
      socket.resume();
    }
  }

  #endStalled(): void {
    if (this.pool.waiting === 0) return;
    const before = performance.now() - (this.#options.stallTimeoutMs ?? 10_000);
    for (const connection of this.#connections) {
      if (!connection.isStalled(before)) continue;
      connection.destroy(
        new QuernError(sqlState.insufficientResources, 'a client held memory and stood still'),
      );
    }
  }
}

function tlsModeOf(options: NbdServerOptions): 'off' | 'allowed' | 'required' {
  if (options.tls === undefined) return 'off';
  return options.tlsOptional === true ? 'allowed' : 'required';
}

/** A socket file outlives a server that was killed; one that still answers is somebody's. */
async function removeDeadSocket(path: string): Promise<void> {
  const state = await new Promise<'alive' | 'dead' | 'absent'>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve('alive');
    });
    probe.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'ECONNREFUSED' ? 'dead' : 'absent');
    });
  });
  if (state === 'alive') {
    throw new QuernError(sqlState.objectInUse, `another server listens on '${path}'`);
  }
  if (state === 'dead') await rm(path);
}
