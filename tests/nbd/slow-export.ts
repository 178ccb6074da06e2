import type {
  BlockExport,
  ReadResult,
  StatusCollector,
  ZeroOptions,
} from '../../src/server/nbd/block-export.ts';

/**
 * Puts a gate before an export: nothing is answered at once, and everything waits until the test
 * opens the gate for it. That is what a volume on a slow disk looks like.
 */
export class SlowExport implements BlockExport {
  readonly #inner: BlockExport;
  readonly #gate: (what: string, offset: number) => Promise<void>;
  closed = 0;

  constructor(inner: BlockExport, gate: (what: string, offset: number) => Promise<void>) {
    this.#inner = inner;
    this.#gate = gate;
  }

  get size(): number {
    return this.#inner.size;
  }

  get readOnly(): boolean {
    return this.#inner.readOnly;
  }

  get preferredBlockSize(): number {
    return this.#inner.preferredBlockSize;
  }

  get description(): string {
    return this.#inner.description;
  }

  tryRead(): 'miss' {
    return 'miss';
  }

  async read(offset: number, target: Uint8Array): Promise<ReadResult> {
    await this.#gate('read', offset);
    return this.#inner.read(offset, target);
  }

  tryWrite(): boolean {
    return false;
  }

  async write(offset: number, data: Uint8Array, durable: boolean): Promise<void> {
    await this.#gate('write', offset);
    await this.#inner.write(offset, data, durable);
  }

  async zero(offset: number, length: number, options: ZeroOptions): Promise<void> {
    await this.#gate('zero', offset);
    await this.#inner.zero(offset, length, options);
  }

  async trim(offset: number, length: number, durable: boolean): Promise<void> {
    await this.#gate('trim', offset);
    await this.#inner.trim(offset, length, durable);
  }

  async flush(): Promise<void> {
    await this.#gate('flush', 0);
    await this.#inner.flush();
  }

  async prefetch(offset: number, length: number): Promise<void> {
    await this.#gate('prefetch', offset);
    await this.#inner.prefetch(offset, length);
  }

  async contexts(): Promise<readonly string[]> {
    return this.#inner.contexts();
  }

  async status(
    context: string,
    offset: number,
    length: number,
    collector: StatusCollector,
  ): Promise<void> {
    await this.#gate('status', offset);
    await this.#inner.status(context, offset, length, collector);
  }

  close(): void {
    this.closed++;
  }
}
