import { createHash } from 'node:crypto';
import { ProblemError } from './problem.ts';

/** Keys remembered; the oldest go first. */
const keysMax = 10_000;
const lifetimeMs = 24 * 3600_000;

export interface StoredResponse {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** What is known of a request that came with a key. */
export interface RequestRecord {
  /** Hash of all that makes the request. */
  readonly fingerprint: string;
  /** When it came first, milliseconds since 1970. */
  readonly time: number;
  /** Absent: it was begun, and nobody knows how it ended. */
  readonly response?: StoredResponse | undefined;
}

/** Where records outlive the server. Every method resolves when its effect is durable. */
export interface RequestArchive {
  load(): Promise<Map<string, RequestRecord>>;
  save(id: string, record: RequestRecord): Promise<void>;
  forget(ids: readonly string[]): Promise<void>;
}

/**
 * Remembers the responses to requests that came with an `Idempotency-Key`, so that a client that
 * did not hear the answer can ask again without doing it twice. That a request was begun is durable
 * before it is done, and the response before it is sent; so a restart between any two of these
 * steps loses neither the answer nor the knowledge that it may have been done already.
 */
export class IdempotencyTable {
  readonly #archive: RequestArchive | undefined;
  /** In the order in which they came. */
  #records = new Map<string, RequestRecord>();
  readonly #underWay = new Map<
    string,
    { fingerprint: string; response: Promise<StoredResponse> }
  >();

  private constructor(archive: RequestArchive | undefined) {
    this.#archive = archive;
  }

  /** Without an archive the table lives as long as the server. */
  static async open(archive?: RequestArchive): Promise<IdempotencyTable> {
    const table = new IdempotencyTable(archive);
    if (archive === undefined) return table;
    const records = [...(await archive.load())].sort(([, a], [, b]) => a.time - b.time);
    table.#records = new Map(records);
    return table;
  }

  /**
   * `who` keeps the keys of different tokens apart; `what` is all that makes the request. `work` is
   * told whether an earlier server may have done it already.
   */
  async respond(
    who: string,
    key: string,
    what: string,
    work: (begunBefore: number | undefined) => Promise<StoredResponse>,
  ): Promise<StoredResponse> {
    const id = hashOf(`${who}\0${key}`);
    const fingerprint = hashOf(what);
    const known = this.#underWay.get(id) ?? this.#records.get(id);
    if (known !== undefined) {
      if (known.fingerprint !== fingerprint) throw new ProblemError('key-reused');
      if (known.response !== undefined) return known.response;
    }
    const begunBefore = this.#records.get(id)?.time;
    const response = this.#respond(id, fingerprint, begunBefore, work);
    this.#underWay.set(id, { fingerprint, response });
    try {
      return await response;
    } finally {
      this.#underWay.delete(id);
    }
  }

  async #respond(
    id: string,
    fingerprint: string,
    begunBefore: number | undefined,
    work: (begunBefore: number | undefined) => Promise<StoredResponse>,
  ): Promise<StoredResponse> {
    const begun = { fingerprint, time: begunBefore ?? Date.now() };
    await this.#save(id, begun);
    const response = await work(begunBefore);
    // Trouble of the server's own is worth another try.
    if (response.status >= 500) await this.#forget([id]);
    else await this.#save(id, { ...begun, response });
    await this.#forget(this.#outdated());
    return response;
  }

  async #save(id: string, record: RequestRecord): Promise<void> {
    this.#records.delete(id);
    this.#records.set(id, record);
    await this.#archive?.save(id, record);
  }

  async #forget(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    for (const id of ids) this.#records.delete(id);
    await this.#archive?.forget(ids);
  }

  #outdated(): string[] {
    const ids: string[] = [];
    let excess = this.#records.size - keysMax;
    for (const [id, { time }] of this.#records) {
      if (excess-- <= 0 && Date.now() - time < lifetimeMs) break;
      if (!this.#underWay.has(id)) ids.push(id);
    }
    return ids;
  }
}

/** Keys may be secrets of the client and tokens are: neither is kept. */
function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
