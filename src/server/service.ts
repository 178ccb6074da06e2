import { readFileSync } from 'node:fs';
import { QuernError, sqlState } from '../base/error.ts';
import type { Store } from '../store/index.ts';
import { readKeyFile } from '../store/node/key-file.ts';
import { openStoreFile } from '../store/node/store-file.ts';
import { HttpMetrics } from './http/http-metrics.ts';
import { HttpServer } from './http/http-server.ts';
import { metricsRoute } from './http/metrics-route.ts';
import { TokenTable } from './http/tokens.ts';
import { volumeRoutes } from './http/volume-routes.ts';
import { serviceMetrics } from './metrics/service-metrics.ts';
import { type NbdAddress, NbdServer, parseAddress } from './nbd/server.ts';
import { loadTls } from './nbd/tls.ts';
import type { ServerEvent } from './server-event.ts';
import { RequestMap } from './volumes/request-map.ts';
import { StoreCatalog } from './volumes/store-catalog.ts';
import { StoreVolumes } from './volumes/store-volumes.ts';

export interface ServiceOptions {
  /** The store; made if it does not exist. */
  readonly file: string;
  /** Addresses for NBD clients: `unix:PATH` or `HOST:PORT`. */
  readonly nbd: readonly string[];
  /** `HOST:PORT` of the HTTP API. */
  readonly http?: string | undefined;
  /** File of the bearer tokens of the HTTP API; needed beyond loopback. */
  readonly tokens?: string | undefined;
  /** Folder with the certificates of TLS for NBD, see `loadTls`. */
  readonly tlsCertificates?: string | undefined;
  /** File of pre-shared keys. */
  readonly tlsKeys?: string | undefined;
  /** Demand certificates of clients. */
  readonly tlsVerify?: boolean | undefined;
  /** Serve the HTTP API over TLS too, with those certificates. */
  readonly httpTls?: boolean | undefined;
  /** File with the key of an encrypted store; a new store is encrypted with it. */
  readonly keyFile?: string | undefined;
  /** Serve NBD clients without TLS too. */
  readonly tlsOptional?: boolean | undefined;
  readonly version: string;
  /** Told what cost a client its connection, and of failures that are bugs. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** Told of clients that come and go, and of requests to the HTTP API. */
  readonly onEvent?: ((event: ServerEvent) => void) | undefined;
}

export interface Service {
  /** Where it listens, as URLs. */
  readonly addresses: readonly string[];
  /** What its configuration leaves open to strangers, a sentence each. */
  readonly warnings: readonly string[];
  /** Finishes what is under way and closes the store. */
  close(): Promise<void>;
}

/** Opens a store and serves its volumes over NBD and HTTP. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const nbdAddresses = options.nbd.map(parseAddress);
  const httpAddress = options.http === undefined ? undefined : parseHttpAddress(options);
  const tls = tlsOf(options);
  const { tlsOptional, onError, onEvent, keyFile } = options;
  const encryption = keyFile === undefined ? {} : { encryption: readKeyFile(keyFile) };
  const store = await openStoreFile(options.file, encryption);
  const catalog = new StoreCatalog(store);
  const nbd = new NbdServer({ catalog, tls, tlsOptional, onError, onEvent });
  const http = newHttpServer(options, store, catalog, nbd);
  const addresses: string[] = [];
  const close = async () => {
    await Promise.all([nbd.close(), http.close()]);
    await store.close();
  };
  try {
    for (const address of nbdAddresses) addresses.push(nbdUrl(await nbd.listen(address), tls));
    if (httpAddress !== undefined) {
      const { port } = await http.listen(httpAddress.host, httpAddress.port);
      const scheme = options.httpTls === true ? 'https' : 'http';
      addresses.push(`${scheme}://${hostText(httpAddress.host)}:${port}/v1/volumes`);
    }
  } catch (error) {
    await close();
    throw error;
  }
  const exposed = nbdAddresses.some((address) => address.kind === 'tcp' && !isLoopback(address));
  const warnings: string[] = [];
  if (exposed && (tls === undefined || tlsOptional === true)) {
    warnings.push(
      'NBD has no passwords: whoever reaches this address can read and write every volume.',
    );
  }
  if (httpAddress !== undefined && !isLoopback(httpAddress) && options.httpTls !== true) {
    warnings.push('The HTTP API goes without TLS: tokens can be read on the way.');
  }
  return { addresses, warnings, close };
}

function newHttpServer(
  options: ServiceOptions,
  store: Store,
  catalog: StoreCatalog,
  nbd: NbdServer,
): HttpServer {
  const { version, onError, onEvent, tokens, httpTls, tlsCertificates } = options;
  const metrics = new HttpMetrics();
  const volumes = volumeRoutes(new StoreVolumes(store, catalog));
  if (httpTls === true && tlsCertificates === undefined) {
    throw new QuernError(sqlState.invalidParameterValue, 'HTTPS needs certificates');
  }
  return new HttpServer({
    routes: [...volumes, metricsRoute(() => serviceMetrics(store, nbd, metrics))],
    tls: httpTls === true ? loadTls({ certificates: tlsCertificates }) : undefined,
    metrics,
    onEvent,
    title: 'Quern volumes',
    version,
    tokens: tokens === undefined ? undefined : TokenTable.parse(readText(tokens)),
    archive: new RequestMap(store),
    onError,
  });
}

function parseHttpAddress({ http = '', tokens }: ServiceOptions): NbdAddress & { kind: 'tcp' } {
  const address = parseAddress(http);
  if (address.kind === 'unix') {
    throw new QuernError(sqlState.invalidParameterValue, 'the HTTP API listens on HOST:PORT');
  }
  if (tokens === undefined && !isLoopback(address)) {
    throw new QuernError(
      sqlState.invalidParameterValue,
      `'${http}' can be reached from elsewhere, so the HTTP API needs tokens`,
      { hint: 'Give a file of tokens, or listen on localhost.' },
    );
  }
  return address;
}

function tlsOf(options: ServiceOptions) {
  const { tlsCertificates, tlsKeys, tlsVerify } = options;
  if (tlsCertificates === undefined && tlsKeys === undefined) {
    if (tlsVerify !== true && options.tlsOptional !== true) return undefined;
    throw new QuernError(sqlState.invalidParameterValue, 'TLS needs certificates or keys');
  }
  return loadTls({
    certificates: tlsCertificates,
    preSharedKeys: tlsKeys,
    verifyClient: tlsVerify,
  });
}

function isLoopback({ host }: NbdAddress & { kind: 'tcp' }): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host ?? '');
}

/** As libnbd and qemu take it, but for the name of the export. */
function nbdUrl(address: NbdAddress, tls: unknown): string {
  const scheme = tls === undefined ? 'nbd' : 'nbds';
  if (address.kind === 'unix') return `${scheme}+unix:///?socket=${address.path}`;
  return `${scheme}://${hostText(address.host)}:${address.port}/`;
}

function hostText(host: string | undefined): string {
  if (host === undefined) return '0.0.0.0';
  return host.includes(':') ? `[${host}]` : host;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new QuernError(sqlState.undefinedFile, `cannot read '${path}'`, { cause });
  }
}
