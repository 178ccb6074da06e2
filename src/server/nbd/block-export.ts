/**
 * What the server needs of the thing it serves. Offsets and lengths are bytes; the server has
 * checked that a range lies inside `size` before it calls. Methods that a cache can often answer at
 * once come in two forms: `try…`, which answers now or says that it cannot, and one that returns a
 * promise. That keeps promises off the hot path: a 4 KiB request costs about as much as two of
 * them.
 *
 * Requests of all clients run concurrently. An implementation makes each single request safe beside
 * the others (a write of half a block must not undo the write of the other half); which of two
 * overlapping writes wins, it may choose.
 *
 * A failure is thrown (or rejects) as a `QuernError`; `error-map.ts` says which error number the
 * client gets for which code.
 */
export interface BlockExport {
  /**
   * Bytes; at most 2^53 - 1. May change while clients are connected (they learn it on
   * reconnecting).
   */
  readonly size: number;
  readonly readOnly: boolean;
  /** Requests of this size and alignment are cheapest; a power of two, at least 512. */
  readonly preferredBlockSize: number;
  /** One line for people, shown by client tools. */
  readonly description: string;

  /**
   * Fills `target`, if that takes no waiting. After 'zero' or 'miss' `target` has no defined
   * content.
   */
  tryRead(offset: number, target: Uint8Array): ReadResult | 'miss';
  read(offset: number, target: Uint8Array): Promise<ReadResult>;
  /**
   * Takes over the content of `data` (which the caller reuses) if that takes no waiting; such a
   * write is visible to every later read at once and durable after the next flush.
   */
  tryWrite(offset: number, data: Uint8Array): boolean;
  /** `data` is the callee's until the promise settles. Durable before it resolves if `durable`. */
  write(offset: number, data: Uint8Array, durable: boolean): Promise<void>;
  /** Makes a range read as zeroes; a hole, unless `options.allocate`. */
  zero(offset: number, length: number, options: ZeroOptions): MaybePromise<void>;
  /** Gives space back where it can; what the range reads as afterwards is undefined. */
  trim(offset: number, length: number, durable: boolean): MaybePromise<void>;
  /**
   * Every write, zero and trim that was complete before the call, through any client, becomes
   * durable.
   */
  flush(): MaybePromise<void>;
  /** A hint that the range will be read soon. */
  prefetch(offset: number, length: number): MaybePromise<void>;

  /** The metadata contexts a client may select, by their full names. */
  contexts(): MaybePromise<readonly string[]>;
  /** Describes the range in `context` from its start, until the range or the collector is full. */
  status(
    context: string,
    offset: number,
    length: number,
    collector: StatusCollector,
  ): MaybePromise<void>;

  /** Gives up this handle. Others on the same volume stay valid. */
  close(): MaybePromise<void>;
}

export type MaybePromise<T> = T | Promise<T>;

/** 'zero' says: every byte of the range is zero, and the buffer was not filled. */
export type ReadResult = 'data' | 'zero';

export interface ZeroOptions {
  readonly durable: boolean;
  /**
   * Keep (or make) the range allocated, so that later writes to it cannot fail for want of space.
   */
  readonly allocate: boolean;
  /** Fail at once with `featureNotSupported` unless this is faster than writing the zeroes. */
  readonly fast: boolean;
}

/** Receives the descriptors of one metadata context, in order and without gaps. */
export interface StatusCollector {
  /** True once nothing more is wanted. */
  readonly full: boolean;
  /** Appends `length` bytes with `flags`; neighbours with the same flags become one descriptor. */
  add(length: number, flags: number): void;
}

/** The exports a server offers, by name. '' is the default export. */
export interface ExportCatalog {
  list(): MaybePromise<readonly ExportListing[]>;
  /**
   * A new handle on an export, to be closed by the caller; undefined if there is none of that name.
   */
  open(name: string): MaybePromise<BlockExport | undefined>;
}

export interface ExportListing {
  readonly name: string;
  readonly description: string;
}
