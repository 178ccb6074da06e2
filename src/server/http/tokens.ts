import { createHash, timingSafeEqual } from 'node:crypto';
import { QuernError, sqlState } from '../../base/error.ts';
import { type Scope, scopes } from './route.ts';

/** Who may do what: bearer tokens, kept as their hashes. */
export class TokenTable {
  readonly #entries: { readonly hash: Buffer; readonly scopes: ReadonlySet<Scope> }[] = [];

  /**
   * Reads lines `TOKEN SCOPE[,SCOPE…]`; `*` is every scope, `#` begins a comment. A token has at
   * least 16 characters.
   */
  static parse(text: string): TokenTable {
    const table = new TokenTable();
    for (const [index, line] of text.split(/\r?\n/).entries()) {
      const [token, list, ...rest] = line.replace(/#.*/, '').trim().split(/\s+/);
      if (token === '') continue;
      const granted = list === '*' ? scopes : ((list ?? '').split(',') as Scope[]);
      if (token.length < 16 || rest.length > 0 || granted.some((s) => !scopes.includes(s))) {
        throw new QuernError(
          sqlState.invalidParameterValue,
          `line ${index + 1} of the tokens: expected TOKEN SCOPE[,SCOPE], the token of at least ` +
            `16 characters, the scopes of ${scopes.join(', ')} or *`,
        );
      }
      table.#entries.push({ hash: hashOf(token), scopes: new Set(granted) });
    }
    return table;
  }

  /** The scopes of a token; undefined if it is none of ours. Takes as long for any. */
  scopesOf(token: string): ReadonlySet<Scope> | undefined {
    const hash = hashOf(token);
    let found: ReadonlySet<Scope> | undefined;
    for (const entry of this.#entries) {
      if (timingSafeEqual(entry.hash, hash)) found = entry.scopes;
    }
    return found;
  }
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
