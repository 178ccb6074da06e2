import { QuernError, sqlState } from '../../base/error.ts';
import type {
  ChangePage,
  ChangeQuery,
  SnapshotInfo,
  StoreUsage,
  VolumeInfo,
  VolumeService,
  VolumeSource,
  VolumeUsage,
} from './volume-service.ts';

/** The volumes of a server elsewhere, through its HTTP API. */
export class HttpVolumes implements VolumeService {
  readonly #server: string;
  readonly #token: string | undefined;

  /** `server`: the URL of its root, `http://localhost:8480`. */
  constructor(server: string, token: string | undefined) {
    this.#server = server.replace(/\/+$/, '');
    this.#token = token;
  }

  async list(): Promise<VolumeInfo[]> {
    return (await this.#call<{ volumes: VolumeInfo[] }>('GET', '/volumes')).volumes;
  }

  get(volume: string): Promise<VolumeInfo> {
    return this.#call('GET', pathOf(volume));
  }

  create(volume: string, size: number): Promise<VolumeInfo> {
    return this.#call('POST', '/volumes', { name: volume, size });
  }

  clone(volume: string, source: VolumeSource): Promise<VolumeInfo> {
    return this.#call('POST', '/volumes', { name: volume, source });
  }

  resize(volume: string, size: number): Promise<VolumeInfo> {
    return this.#call('PATCH', pathOf(volume), { size });
  }

  delete(volume: string): Promise<void> {
    return this.#call('DELETE', pathOf(volume));
  }

  async snapshots(volume: string): Promise<SnapshotInfo[]> {
    const path = `${pathOf(volume)}/snapshots`;
    return (await this.#call<{ snapshots: SnapshotInfo[] }>('GET', path)).snapshots;
  }

  takeSnapshot(volume: string, snapshot: string): Promise<SnapshotInfo> {
    return this.#call('POST', `${pathOf(volume)}/snapshots`, { name: snapshot });
  }

  deleteSnapshot(volume: string, snapshot: string): Promise<void> {
    return this.#call('DELETE', `${pathOf(volume)}/snapshots/${encodeURIComponent(snapshot)}`);
  }

  usage(): Promise<StoreUsage> {
    return this.#call('GET', '/usage');
  }

  volumeUsage(volume: string, snapshot: string | undefined): Promise<VolumeUsage> {
    const query = snapshot === undefined ? '' : `?${new URLSearchParams({ snapshot })}`;
    return this.#call('GET', `${pathOf(volume)}/usage${query}`);
  }

  changes(volume: string, { since, to, offset, limit }: ChangeQuery): Promise<ChangePage> {
    const query = new URLSearchParams({ since, offset: `${offset}`, limit: `${limit}` });
    if (to !== undefined) query.set('to', to);
    return this.#call('GET', `${pathOf(volume)}/changes?${query}`);
  }

  async *backup(volume: string, snapshot: string, since?: string): AsyncGenerator<Uint8Array> {
    const query = since === undefined ? '' : `?${new URLSearchParams({ since })}`;
    const path = `${pathOf(volume)}/snapshots/${encodeURIComponent(snapshot)}/backup${query}`;
    const response = await this.#fetch('GET', path);
    if (!response.ok) throw problemError(response, await response.text());
    if (response.body !== null) yield* response.body;
  }

  async restore(volume: string, stream: AsyncIterable<Uint8Array>): Promise<SnapshotInfo> {
    const type = 'application/octet-stream';
    const response = await this.#fetch('POST', `${pathOf(volume)}/restore`, type, stream);
    const text = await response.text();
    if (!response.ok) throw problemError(response, text);
    return JSON.parse(text);
  }

  async #call<T>(method: string, path: string, body?: object): Promise<T> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const response = await this.#fetch(method, path, 'application/json', text);
    const answer = await response.text();
    if (!response.ok) throw problemError(response, answer);
    return (answer === '' ? undefined : JSON.parse(answer)) as T;
  }

  async #fetch(
    method: string,
    path: string,
    type = 'application/json',
    body?: string | AsyncIterable<Uint8Array>,
  ): Promise<Response> {
    const headers: Record<string, string> = { 'content-type': type };
    if (this.#token !== undefined) headers['authorization'] = `Bearer ${this.#token}`;
    // A body that is a stream has to be announced as one; the types of the DOM do not know it.
    const streaming = { duplex: 'half' };
    try {
      return await fetch(`${this.#server}/v1${path}`, {
        method,
        headers,
        ...(body !== undefined && { body: body as BodyInit, ...streaming }),
      });
    } catch (cause) {
      throw new QuernError(
        sqlState.connectionException,
        `no answer from a Quern server at ${this.#server}`,
        { cause, hint: 'Start one with `quern serve FILE --http HOST:PORT`.' },
      );
    }
  }
}

function pathOf(volume: string): string {
  return `/volumes/${encodeURIComponent(volume)}`;
}

function problemError(response: Response, text: string): QuernError {
  try {
    const { title, detail, code, hint, errors = [] } = JSON.parse(text);
    const fields = errors.map(
      (e: { field: string; message: string }) => `${e.field}: ${e.message}`,
    );
    const message = [detail ?? title, ...fields].join('; ');
    return new QuernError(code ?? sqlState.connectionException, message, { hint });
  } catch {
    const message = `the server answered ${response.status} ${response.statusText}`;
    return new QuernError(sqlState.connectionException, message);
  }
}
