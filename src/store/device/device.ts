/**
 * What the store writes to: an array of bytes that grows and shrinks at its end.
 *
 * Reads and writes are synchronous. What they touch is nearly always in the page cache, where a
 * system call costs a microsecond and a trip through a thread pool five; browsers offer no other
 * kind of access to private files either. A flush does wait for hardware, so it is a promise, and
 * the store lets others work meanwhile. Where reads turn out to wait for hardware too, those who
 * can wait (volumes that are served) read later.
 *
 * The contract, which `tests/conform/block-device.ts` tests:
 * 1. A read sees every earlier write. Bytes never written, below `size`, are zero.
 * 2. A write at or beyond `size` extends the device; a gap in between reads as zeros.
 * 3. After `flush` resolves, every write and truncate that returned before `flush` was called
 *    survives a crash. Without that, each 512-byte sector of a write may or may not, in any order.
 * 4. After a flush has failed nothing is known about any write since the last good one, and a later
 *    flush proves nothing about them (Linux marks the pages clean): the store then gives up.
 * 5. A write that does not fit throws QuernError 53100 (disk full); other failures are 58030.
 */
export interface BlockDevice {
  /** What to call it in messages. */
  readonly name: string;
  readonly readOnly: boolean;
  /** Bytes. */
  size(): number;
  /** Fills `target` from `offset`; throws 58030 if the device ends before. */
  read(target: Uint8Array, offset: number): void;
  /**
   * Devices that may have to wait for hardware when they read: the same without holding anybody up.
   */
  readLater?(target: Uint8Array, offset: number): Promise<void>;
  /** Whether reads of late had to wait, so that {@link readLater} is the better choice. */
  readonly readsWait?: boolean;
  write(source: Uint8Array, offset: number): void;
  flush(): Promise<void>;
  /** Sets `size`; what lies beyond is gone, what is added reads as zeros. */
  truncate(size: number): void;
  /** Idempotent. Does not flush. */
  close(): void;
}
