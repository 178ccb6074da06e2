import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsOptions } from 'node:tls';
import type { ExportCatalog } from '../../../src/server/nbd/block-export.ts';
import { MemoryExport, StaticCatalog } from '../../../src/server/nbd/memory-export.ts';
import { NbdServer } from '../../../src/server/nbd/server.ts';
import { StoreCatalog } from '../../../src/server/volumes/store-catalog.ts';
import { openStoreFile } from '../../../src/store/node/store-file.ts';

/**
 * One server with one empty volume `disk`, for one test. It runs in the process of the test, so the
 * test leaves everything that waits for the server (a mounted volume!) to other processes.
 */
export interface Site extends AsyncDisposable {
  readonly folder: string;
  readonly socket: string;
  /** Of the volume, for libnbd, qemu and fio. */
  readonly uri: string;
  readonly server: NbdServer;
  /** Takes a snapshot of `disk`, and gives the address of it; undefined where there are none. */
  readonly snapshot: ((name: string) => Promise<string>) | undefined;
  /**
   * Takes a snapshot of `disk` and makes a writable volume of it; gives its address, undefined
   * where there are none.
   */
  readonly clone: ((name: string) => Promise<string>) | undefined;
  /** A second server of the same volumes on a free port, with TLS. */
  listenTls(tls: TlsOptions): Promise<number>;
}

/** What holds the volumes of a site. */
export interface Backend {
  readonly name: string;
  open(folder: string, bytes: number): Promise<OpenBackend>;
}

export interface OpenBackend {
  readonly catalog: ExportCatalog;
  snapshot?(name: string): Promise<string>;
  clone?(name: string): Promise<string>;
  close(): Promise<void>;
}

export const memoryBackend: Backend = {
  name: 'memory',
  async open(_, bytes) {
    const catalog = new StaticCatalog([['disk', new MemoryExport(bytes)]]);
    return { catalog, close: async () => {} };
  },
};

/** The store, in a file. */
export const storeBackend: Backend = {
  name: 'store',
  async open(folder, bytes) {
    const store = await openStoreFile(join(folder, 'volumes.quern'));
    await store.createVolume('disk', bytes);
    return {
      catalog: new StoreCatalog(store),
      snapshot: async (name) => {
        await store.snapshot('disk', name);
        return `disk@${name}`;
      },
      clone: async (name) => {
        await store.snapshot('disk', name);
        await store.branch(`disk@${name}`, name);
        return name;
      },
      close: () => store.close(),
    };
  },
};

export async function openSite(backend: Backend, bytes: number): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'quern-real-'));
  const onError = (error: unknown) => console.error(error);
  const volumes = await backend.open(folder, bytes);
  const { catalog } = volumes;
  const server = new NbdServer({ catalog, onError });
  const socket = join(folder, 'socket');
  await server.listen({ kind: 'unix', path: socket });
  const servers = [server];
  const uriOf = (name: string) => `nbd+unix:///${name}?socket=${socket}`;
  const takeSnapshot = volumes.snapshot?.bind(volumes);
  const makeClone = volumes.clone?.bind(volumes);
  return {
    folder,
    socket,
    uri: uriOf('disk'),
    server,
    clone: makeClone && (async (name) => uriOf(await makeClone(name))),
    snapshot: takeSnapshot && (async (name) => uriOf(await takeSnapshot(name))),
    async listenTls(tls) {
      const secure = new NbdServer({ catalog, tls });
      servers.push(secure);
      const address = await secure.listen({ kind: 'tcp', host: 'localhost', port: 0 });
      return address.kind === 'tcp' ? address.port : 0;
    },
    async [Symbol.asyncDispose]() {
      for (const each of servers) await each.close(0);
      await volumes.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
