import { Random } from '../../src/base/random.ts';
import { command, option } from '../../src/server/nbd/protocol.ts';
import { infoData, metaContextData, requestBytes } from './raw-client.ts';

/** Well-formed conversations, and ways to spoil them; all of it follows from the seed. */
export class ConversationFuzzer {
  readonly random: Random;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  below(limit: number): number {
    return Math.floor(this.random.double() * limit);
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)];
  }

  /** Client flags, options, an entry to transmission (mostly), requests. */
  conversation(): Buffer {
    const parts: Buffer[] = [Buffer.from([0, 0, 0, this.below(4)])];
    for (let i = this.below(6); i > 0; i--) parts.push(this.#option());
    if (this.below(8) > 0) parts.push(optionBytes(option.structuredReply));
    const entry = this.below(10) === 0 ? option.exportName : option.go;
    parts.push(optionBytes(entry, entry === option.go ? infoData('disk') : Buffer.from('disk')));
    for (let i = this.below(40); i > 0; i--) parts.push(this.request());
    return Buffer.concat(parts);
  }

  request(): Buffer {
    const type = this.below(12) === 0 ? this.below(65536) : this.pick(Object.values(command));
    const flags = this.below(4) === 0 ? this.below(64) : 0;
    const offset = this.pick([0, this.below(1 << 20), 2 ** this.below(60), 4096 * this.below(200)]);
    const length = this.pick([0, 1, 4096, this.below(300_000), this.random.u32()]);
    const cookie = BigInt(this.random.u32());
    if (type !== command.write) return requestBytes({ type, flags, offset, length, cookie });
    const data = Buffer.alloc(length % 70_000, this.below(256));
    return requestBytes({ type, flags, offset, cookie, data });
  }

  /** A copy with some bytes changed, doubled, dropped, or cut off; sometimes none. */
  mutate(bytes: Buffer): Buffer {
    let mutant = Buffer.from(bytes);
    for (let i = this.below(6); i > 0 && mutant.length > 0; i--) {
      const at = this.below(mutant.length);
      const count = 1 + this.below(40);
      switch (this.below(5)) {
        case 0:
          mutant[at] = this.below(256);
          break;
        case 1:
          mutant[at] ^= 1 << this.below(8);
          break;
        case 2:
          mutant = Buffer.concat([mutant.subarray(0, at), mutant.subarray(at + count)]);
          break;
        case 3:
          mutant = Buffer.concat([mutant.subarray(0, at + count), mutant.subarray(at)]);
          break;
        default:
          mutant = Buffer.from(mutant.subarray(0, at));
      }
    }
    return mutant;
  }

  noise(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }

  /** Cuts bytes into pieces, as a network would. */
  *pieces(bytes: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < bytes.length; ) {
      const count = this.below(3) === 0 ? 1 + this.below(20) : 1 + this.below(65_536);
      yield bytes.subarray(at, at + count);
      at += count;
    }
  }

  #option(): Buffer {
    const which = this.below(6) === 0 ? this.random.u32() : this.below(13);
    const data = this.pick([
      () => Buffer.alloc(0),
      () => this.noise(this.below(200)),
      () => infoData(this.pick(['disk', '', 'nothing']), [0, 1, 2, 3]),
      () => metaContextData('disk', this.pick([[], ['base:'], ['base:allocation']])),
    ])();
    return optionBytes(which === option.abort ? option.list : which, data);
  }
}

function optionBytes(which: number, data: Uint8Array = Buffer.alloc(0)): Buffer {
  const header = Buffer.from('IHAVEOPT\0\0\0\0\0\0\0\0', 'latin1');
  header.writeUInt32BE(which, 8);
  header.writeUInt32BE(data.length, 12);
  return Buffer.concat([header, data]);
}
