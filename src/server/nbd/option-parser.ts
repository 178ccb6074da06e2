import { ByteQueue } from './byte-queue.ts';
import {
  clientFlagsBytes,
  NbdProtocolError,
  optionHeaderBytes,
  optionMagicHigh,
  optionMagicLow,
} from './protocol.ts';

/** Data of an option beyond this is read over and the option refused: no honest client needs it. */
export const optionDataBytesMax = 128 * 1024;

export interface ClientFlagsMessage {
  readonly kind: 'flags';
  readonly flags: number;
}

export interface OptionMessage {
  readonly kind: 'option';
  readonly option: number;
  /** undefined: there was more than {@link optionDataBytesMax}. */
  readonly data: Uint8Array | undefined;
}

export type HandshakeMessage = ClientFlagsMessage | OptionMessage;

/** Cuts what a client sends before transmission into messages. Knows no socket. */
export class OptionParser {
  readonly #queue = new ByteQueue();
  #state: 'flags' | 'header' | 'data' | 'skip';
  #option = 0;
  #data = new Uint8Array(0);
  #collected = 0;
  #left = 0;

  /** After an upgrade to TLS a client does not send its flags again. */
  constructor(start: 'flags' | 'header' = 'flags') {
    this.#state = start;
  }

  get waitingBytes(): number {
    return this.#queue.length;
  }

  push(piece: Uint8Array): void {
    this.#queue.push(piece);
  }

  /** What arrived behind the last message: the beginning of the transmission phase. */
  drain(): Uint8Array[] {
    return this.#queue.drain();
  }

  /** The next message; undefined if it has not wholly arrived. Throws {@link NbdProtocolError}. */
  next(): HandshakeMessage | undefined {
    if (this.#state === 'flags') {
      if (this.#queue.length < clientFlagsBytes) return undefined;
      this.#state = 'header';
      return { kind: 'flags', flags: viewOf(this.#queue.take(clientFlagsBytes)).getUint32(0) };
    }
    if (this.#state === 'header' && !this.#header()) return undefined;
    if (this.#state === 'skip') {
      this.#left -= this.#queue.skip(this.#left);
      if (this.#left > 0) return undefined;
      this.#state = 'header';
      return { kind: 'option', option: this.#option, data: undefined };
    }
    this.#collected += this.#queue.takeInto(this.#data, this.#collected);
    if (this.#collected < this.#data.length) return undefined;
    this.#state = 'header';
    return { kind: 'option', option: this.#option, data: this.#data };
  }

  #header(): boolean {
    if (this.#queue.length >= 8) {
      const isOption =
        this.#queue.peekUint32(0) === optionMagicHigh &&
        this.#queue.peekUint32(4) === optionMagicLow;
      if (!isOption) throw new NbdProtocolError('an option does not begin with IHAVEOPT');
    }
    if (this.#queue.length < optionHeaderBytes) return false;
    const header = viewOf(this.#queue.take(optionHeaderBytes));
    this.#option = header.getUint32(8);
    const length = header.getUint32(12);
    if (length > optionDataBytesMax) {
      this.#state = 'skip';
      this.#left = length;
    } else {
      this.#state = 'data';
      this.#data = new Uint8Array(length);
      this.#collected = 0;
    }
    return true;
  }
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
