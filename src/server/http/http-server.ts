import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Duplex, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { TlsOptions } from 'node:tls';
import { safeParse } from 'valibot';
import { QuernError } from '../../base/error.ts';
import type { ServerEvent } from '../server-event.ts';
import type { HttpMetrics } from './http-metrics.ts';
import { IdempotencyTable, type RequestArchive, type StoredResponse } from './idempotency.ts';
import { describeRoutes } from './open-api.ts';
import { ProblemError, problemOf } from './problem.ts';
import { type Match, matchRoute, type Route } from './route.ts';
import type { TokenTable } from './tokens.ts';

export interface HttpServerOptions {
  readonly routes: readonly Route[];
  readonly title: string;
  readonly version: string;
  /** Without tokens everyone who can reach the server may do everything: for loopback only. */
  readonly tokens?: TokenTable | undefined;
  /** Where requests with an idempotency key are remembered beyond the life of the server. */
  readonly archive?: RequestArchive | undefined;
  /** Speak HTTPS, with these. */
  readonly tls?: TlsOptions | undefined;
  /** Clients at a time; later ones are turned away. Default 256. */
  readonly connectionsMax?: number | undefined;
  /** Milliseconds a client has to send the head of a request, or its JSON. Default 20 000. */
  readonly requestTimeoutMs?: number | undefined;
  readonly metrics?: HttpMetrics | undefined;
  /** Told of every request. */
  readonly onEvent?: ((event: ServerEvent) => void) | undefined;
  /** Told of errors that are nobody's wish. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

const bodyBytesMax = 64 * 1024;
const keyCharactersMax = 255;
const idleTimeoutMs = 5 * 60_000;
const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Serves routes as JSON over HTTP, with the OpenAPI document of them at `/v1/openapi.json`. */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: Server;
  #idempotency: IdempotencyTable | undefined;
  /** The sockets on which a response is under way. */
  readonly #answering = new WeakSet<Duplex>();
  readonly #document: string;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    const { title, version } = options;
    this.#document = JSON.stringify(describeRoutes(options.routes, { title, version }));
    const timeout = options.requestTimeoutMs ?? 20_000;
    // A backup may take hours to come in, so there is no limit to a whole request; a connection on
    // which nothing moves is closed all the same, and JSON has a limit of its own.
    const limits = {
      requestTimeout: 0,
      headersTimeout: timeout,
      connectionsCheckingInterval: Math.max(100, timeout / 10),
    };
    const answer = (request: IncomingMessage, response: ServerResponse) => {
      void this.#answer(request, response);
    };
    const { tls } = options;
    this.#server =
      tls === undefined
        ? createServer(limits, answer)
        : createTlsServer({ ...limits, ...tls }, answer);
    this.#server.timeout = idleTimeoutMs;
    this.#server.maxConnections = options.connectionsMax ?? 256;
    this.#server.on('clientError', (error, socket) => {
      // In the middle of an answer there is no room for another one.
      if (this.#answering.has(socket)) socket.destroy();
      else refuse(error, socket);
    });
  }

  async listen(host: string | undefined, port: number): Promise<AddressInfo> {
    this.#idempotency = await IdempotencyTable.open(this.#options.archive);
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
    return this.#server.address() as AddressInfo;
  }

  /** Finishes what is under way. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#watch(request, response);
    this.#answering.add(request.socket);
    response.once('close', () => this.#answering.delete(request.socket));
    try {
      await this.#dispatch(request, response);
    } catch (error) {
      const problem = problemOf(error);
      if (problem.status === 500 && !isLeaving(error)) this.#options.onError?.(error);
      // Half a stream cannot become a problem: the client must see that it broke off.
      if (response.headersSent) response.destroy();
      else {
        // Nobody waits for the rest of a body that was not wanted.
        if (!request.complete) response.setHeader('connection', 'close');
        if (problem.status === 401) response.setHeader('www-authenticate', 'Bearer');
        send(response, problemResponse(error));
      }
    }
  }

  /** Counts and reports the request when it is over, however it ends. */
  #watch(request: IncomingMessage, response: ServerResponse): void {
    const { metrics, onEvent, routes } = this.#options;
    if (metrics === undefined && onEvent === undefined) return;
    const began = performance.now();
    const { method = '' } = request;
    const [path] = (request.url ?? '/').split('?');
    response.once('close', () => {
      const seconds = (performance.now() - began) / 1000;
      const match = matchRoute(routes, method, path);
      const status = response.statusCode;
      metrics?.observe('route' in match ? match.route.id : 'none', status, seconds);
      const complete = response.writableFinished;
      onEvent?.({ event: 'http', method, path: path.slice(0, 500), status, complete, seconds });
    });
  }

  async #dispatch(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#checkHost(request);
    const { method = '', url = '/' } = request;
    const { pathname, searchParams } = parseUrl(url);
    if (method === 'GET' && pathname === '/v1/openapi.json') {
      send(response, { status: 200, type: 'application/json', body: this.#document });
      return;
    }
    const match = matchRoute(this.#options.routes, method, pathname);
    if ('allowed' in match) {
      if (match.allowed.length === 0) throw new ProblemError('not-found');
      response.setHeader('allow', match.allowed.join(', '));
      throw new ProblemError('method-not-allowed');
    }
    const who = this.#authorize(request, match.route);
    const query = check(match.route.query, Object.fromEntries(searchParams), 'query');
    const text = await readBody(request, match.route, this.#options.requestTimeoutMs ?? 20_000);
    const work = (begunBefore?: number) => perform(match, query, text, request, begunBefore);
    if (match.route.result.text !== undefined) {
      send(response, { ...match.route.result.text, body: `${await work()}` });
      return;
    }
    if (match.route.result.stream === true) {
      await sendStream(response, await work());
      return;
    }
    const respond = (begunBefore?: number) => jsonResponse(match.route, () => work(begunBefore));
    const key = idempotencyKey(request);
    const repeatable = key !== undefined && method !== 'GET' && match.route.streamBody !== true;
    if (!repeatable || this.#idempotency === undefined) {
      send(response, await respond());
      return;
    }
    const what = `${method} ${url}\n${text}`;
    send(response, await this.#idempotency.respond(who, key, what, respond));
  }

  /** Returns who asks: the token, or nobody in particular. */
  #authorize(request: IncomingMessage, route: Route): string {
    const { tokens } = this.#options;
    if (tokens === undefined || route.scope === undefined) return '';
    const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    const granted = token === undefined ? undefined : tokens.scopesOf(token);
    if (token === undefined || granted === undefined) throw new ProblemError('unauthorized');
    if (!granted.has(route.scope)) {
      throw new ProblemError('forbidden', `the scope ${route.scope} is needed`);
    }
    return token;
  }

  /**
   * Without tokens a web page that the user happens to visit could speak to us through the user's
   * own browser, under a name that it lets point here. It cannot choose the name it is told by.
   */
  #checkHost(request: IncomingMessage): void {
    if (this.#options.tokens !== undefined) return;
    const name = (request.headers.host ?? '').replace(/:\d+$/, '');
    if (!loopbackNames.has(name) || request.headers.origin !== undefined) {
      throw new ProblemError('misdirected', 'without tokens only local programs are served');
    }
  }
}

async function perform(
  { route, params }: Match,
  query: unknown,
  text: string,
  request: IncomingMessage,
  begunBefore: number | undefined,
): Promise<unknown> {
  const body = route.body === undefined ? undefined : check(route.body, parseJson(text), 'body');
  const call = { params, query, body, request };
  try {
    return await route.handle(call);
  } catch (error) {
    const { doneBefore } = route;
    if (begunBefore === undefined || doneBefore === undefined) throw error;
    if (!(error instanceof QuernError) || error.code !== doneBefore.code) throw error;
    const result = await doneBefore.result(call);
    // What is older than the request was made by another one.
    if (result !== undefined && Date.parse(result.created) < begunBefore) throw error;
    return result;
  }
}

function idempotencyKey({ headers }: IncomingMessage): string | undefined {
  const key = headers['idempotency-key'];
  if (typeof key !== 'string') return undefined;
  if (key.length === 0 || key.length > keyCharactersMax) {
    const limits = `1 to ${keyCharactersMax} characters`;
    throw new ProblemError('bad-request', `an idempotency key has ${limits}`);
  }
  return key;
}

function check(schema: Route['query'], value: unknown, what: string): unknown {
  if (schema === undefined) return undefined;
  const result = safeParse(schema, value);
  if (result.success) return result.output;
  const errors = result.issues.map((issue) => {
    const field = (issue.path ?? []).map(({ key }) => String(key)).join('.');
    return { field, message: issue.message };
  });
  throw new ProblemError('bad-request', `the ${what} is not as the API describes it`, errors);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ProblemError('bad-request', 'the body is no JSON');
  }
}

/** The text of a JSON body; '' where there is none, or the handler reads it as a stream. */
async function readBody(
  request: IncomingMessage,
  route: Route,
  timeoutMs: number,
): Promise<string> {
  if (route.streamBody === true) {
    // Bytes do not come from a form of a web page either.
    checkType(request, 'application/octet-stream');
    return '';
  }
  if (request.method === 'GET' || request.method === 'DELETE') {
    request.resume();
    return '';
  }
  checkType(request, 'application/json');
  const pieces: Buffer[] = [];
  let length = 0;
  const timer = setTimeout(() => request.destroy(), timeoutMs);
  try {
    // Not to be destroyed when reading ends early: the client is to hear why.
    for await (const piece of request.iterator({ destroyOnReturn: false })) {
      length += piece.length;
      if (length > bodyBytesMax) throw new ProblemError('too-large');
      pieces.push(piece);
    }
  } finally {
    clearTimeout(timer);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces));
  } catch {
    throw new ProblemError('bad-request', 'the body is no UTF-8');
  }
}

function parseUrl(url: string): URL {
  try {
    return new URL(url, 'http://server');
  } catch {
    throw new ProblemError('bad-request', 'the target is no URL');
  }
}

/** A client that goes away in the middle is no news. */
function isLeaving(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ECONNRESET' || code === 'EPIPE';
}

/** What is not HTTP, or too much or too slow of it, ends the connection with a short answer. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const name =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? 'header-too-large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? 'timeout'
        : 'bad-request';
  const { status, title, type } = new ProblemError(name).problem;
  const body = JSON.stringify({ type, title, status });
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function checkType(request: IncomingMessage, wanted: string): void {
  const [type] = (request.headers['content-type'] ?? '').split(';');
  if (type.trim().toLowerCase() === wanted) return;
  throw new ProblemError('unsupported-media-type', `the body is to be ${wanted}`);
}

async function jsonResponse(route: Route, work: () => Promise<unknown>): Promise<StoredResponse> {
  try {
    const value = await work();
    const body = route.result.schema === undefined ? '' : JSON.stringify(value);
    return { status: route.result.status, type: 'application/json', body };
  } catch (error) {
    return problemResponse(error);
  }
}

function problemResponse(error: unknown): StoredResponse {
  const problem = problemOf(error);
  const body = JSON.stringify(problem);
  return { status: problem.status, type: 'application/problem+json', body };
}

function send(response: ServerResponse, { status, type, body }: StoredResponse): void {
  if (body !== '') response.setHeader('content-type', type);
  response.setHeader('content-length', Buffer.byteLength(body));
  response.writeHead(status).end(body);
}

async function sendStream(response: ServerResponse, stream: unknown): Promise<void> {
  response.setHeader('content-type', 'application/octet-stream');
  const source = Readable.from(stream as AsyncIterable<Uint8Array>, { objectMode: false });
  // The first piece decides: an error before it is still a problem, later ones break the stream.
  await new Promise<void>((resolve, reject) => {
    source.once('readable', resolve);
    source.once('error', reject);
    source.once('end', resolve);
  });
  await pipeline(source, response);
}
