import { createHash } from 'node:crypto';
import { ProblemError } from './problem.ts';

/** Keys remembered; the oldest go first. */
const keysMax = 10_000;

export interface StoredResponse {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/**
 * Remembers the responses to requests that came with an `Idempotency-Key`, so that a client that
 * did not hear the answer can ask again without doing it twice. For the life of the server.
 */
export class IdempotencyTable {
  readonly #entries = new Map<
    string,
    { readonly fingerprint: string; readonly response: Promise<StoredResponse> }
  >();

  /** `who` keeps the keys of different tokens apart; `what` is all that makes the request. */
  respond(
    who: string,
    key: string,
    what: string,
    work: () => Promise<StoredResponse>,
  ): Promise<StoredResponse> {
    const id = `${who}\0${key}`;
    const fingerprint = createHash('sha256').update(what).digest('hex');
    const known = this.#entries.get(id);
    if (known !== undefined) {
      if (known.fingerprint !== fingerprint) throw new ProblemError('key-reused');
      return known.response;
    }
    const response = work().then((done) => {
      // Trouble of the server's own is worth another try.
      if (done.status >= 500) this.#entries.delete(id);
      return done;
    });
    this.#entries.set(id, { fingerprint, response });
    if (this.#entries.size > keysMax) {
      const [oldest] = this.#entries.keys();
      this.#entries.delete(oldest);
    }
    return response;
  }
}
