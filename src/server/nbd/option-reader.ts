import { viewOf } from './option-parser.ts';
import { stringBytesMax } from './protocol.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads the data of an option field by field; every method gives undefined once a rule is broken.
 */
export class OptionReader {
  readonly #data: Uint8Array;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  get atEnd(): boolean {
    return this.#at === this.#data.length;
  }

  uint16(): number | undefined {
    if (this.#data.length - this.#at < 2) return undefined;
    this.#at += 2;
    return viewOf(this.#data).getUint16(this.#at - 2);
  }

  uint32(): number | undefined {
    if (this.#data.length - this.#at < 4) return undefined;
    this.#at += 4;
    return viewOf(this.#data).getUint32(this.#at - 4);
  }

  /** A string with its length before it. */
  lengthAndString(): string | undefined {
    const length = this.uint32();
    return length === undefined ? undefined : this.string(length);
  }

  /** The string that is all that is left. */
  rest(): string | undefined {
    return this.string(this.#data.length - this.#at);
  }

  string(length: number): string | undefined {
    if (length > this.#data.length - this.#at || length > stringBytesMax) return undefined;
    const bytes = this.#data.subarray(this.#at, this.#at + length);
    this.#at += length;
    if (bytes.includes(0)) return undefined;
    try {
      return decoder.decode(bytes);
    } catch {
      return undefined;
    }
  }
}
