import { assert } from '../../base/assert.ts';

/**
 * Bytes that have arrived and are not yet understood, in the pieces in which they arrived. Nothing
 * is joined before it is wanted: `take` returns a view when the bytes lie in one piece, and copies
 * only what straddles a border.
 */
export class ByteQueue {
  readonly #pieces: Uint8Array[] = [];
  /** How much of the first piece has been taken. */
  #position = 0;
  #length = 0;
  /** The first pieces that are the queue's own. */
  #owned = 0;

  /** Bytes that wait. */
  get length(): number {
    return this.#length;
  }

  push(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#length += piece.length;
  }

  /** Makes what waits the queue's own, by copying the rest of each piece that is not yet. */
  own(): void {
    for (; this.#owned < this.#pieces.length; this.#owned++) {
      const at = this.#owned === 0 ? this.#position : 0;
      this.#pieces[this.#owned] = this.#pieces[this.#owned].slice(at);
      if (this.#owned === 0) this.#position = 0;
    }
  }

  /** The next `count` bytes if they lie in one piece: a view, valid as long as the piece is. */
  takeView(count: number): Uint8Array | undefined {
    assert(count > 0 && count <= this.#length, 'more taken than has arrived');
    const first = this.#pieces[0];
    if (first.length - this.#position < count) return undefined;
    const view = first.subarray(this.#position, this.#position + count);
    this.#advance(count);
    return view;
  }

  /** The next `count` bytes, as a view or as a copy. */
  take(count: number): Uint8Array {
    if (count === 0) return new Uint8Array(0);
    const view = this.takeView(count);
    if (view !== undefined) return view;
    const copy = new Uint8Array(count);
    this.takeInto(copy, 0);
    return copy;
  }

  /** Moves what has arrived into `target` from `from` until one of them ends; returns the count. */
  takeInto(target: Uint8Array, from: number): number {
    let at = from;
    while (at < target.length && this.#length > 0) {
      const first = this.#pieces[0];
      const count = Math.min(first.length - this.#position, target.length - at);
      target.set(first.subarray(this.#position, this.#position + count), at);
      this.#advance(count);
      at += count;
    }
    return at - from;
  }

  /** Drops up to `count` bytes; returns how many there were. */
  skip(count: number): number {
    let left = Math.min(count, this.#length);
    const skipped = left;
    while (left > 0) {
      const step = Math.min(this.#pieces[0].length - this.#position, left);
      this.#advance(step);
      left -= step;
    }
    return skipped;
  }

  /** A number of the next four bytes, `ahead` bytes from the front, without taking them. */
  peekUint32(ahead: number): number {
    return (
      this.#peekByte(ahead) * 0x1000000 +
      ((this.#peekByte(ahead + 1) << 16) |
        (this.#peekByte(ahead + 2) << 8) |
        this.#peekByte(ahead + 3))
    );
  }

  /** Hands over everything that waits, and is empty. */
  drain(): Uint8Array[] {
    const pieces = this.#pieces.splice(0);
    if (pieces.length > 0) pieces[0] = pieces[0].subarray(this.#position);
    this.#position = 0;
    this.#length = 0;
    this.#owned = 0;
    return pieces.filter((piece) => piece.length > 0);
  }

  #peekByte(ahead: number): number {
    let at = this.#position + ahead;
    for (const piece of this.#pieces) {
      if (at < piece.length) return piece[at];
      at -= piece.length;
    }
    assert(false, 'looked beyond what has arrived');
  }

  #advance(count: number): void {
    this.#position += count;
    this.#length -= count;
    if (this.#position === this.#pieces[0].length) {
      this.#pieces.shift();
      this.#position = 0;
      if (this.#owned > 0) this.#owned--;
    }
  }
}
