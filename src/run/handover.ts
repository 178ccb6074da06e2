/** Thrown in the producer when nobody wants more. */
export const unwanted = new Error('nobody wants more');

/**
 * One item at a time from a producer that pushes to a consumer that pulls: the producer goes on
 * when the consumer asks for the next item, so that there are never two.
 */
export class Handover<T> {
  #item: { readonly value: T } | undefined;
  #end: { readonly error?: unknown } | undefined;
  #isUnwanted = false;
  #wakeConsumer = () => {};
  #wakeProducer = () => {};

  /** Gives an item; resolves when the consumer is done with it. Rejects if it wants no more. */
  async push(value: T): Promise<void> {
    if (this.#isUnwanted) throw unwanted;
    this.#item = { value };
    const taken = new Promise<void>((resolve) => {
      this.#wakeProducer = resolve;
    });
    this.#wakeConsumer();
    await taken;
    if (this.#isUnwanted) throw unwanted;
  }

  /** No more items come; with an error the consumer gets it. */
  end(failure: { readonly error?: unknown } = {}): void {
    this.#end = failure;
    this.#wakeConsumer();
  }

  /** The items; leaving the loop tells the producer. */
  async *items(): AsyncGenerator<T> {
    try {
      for (;;) {
        if (this.#item === undefined && this.#end === undefined) {
          await new Promise<void>((resolve) => {
            this.#wakeConsumer = resolve;
          });
        }
        if (this.#item !== undefined) {
          yield this.#item.value;
          this.#item = undefined;
          this.#wakeProducer();
        } else if (this.#end !== undefined) {
          if ('error' in this.#end) throw this.#end.error;
          return;
        }
      }
    } finally {
      this.#isUnwanted = true;
      this.#wakeProducer();
    }
  }
}
