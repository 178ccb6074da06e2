import type { ViewRegister } from './block/blocks.ts';

/** The transactions of the open views. */
export class Views implements ViewRegister {
  /** Ascending. */
  #transactions: number[] = [];

  open(transaction: number): void {
    this.#transactions.push(transaction);
  }

  close(transaction: number): void {
    this.#transactions.splice(this.#transactions.lastIndexOf(transaction), 1);
  }

  get count(): number {
    return this.#transactions.length;
  }

  newest(): number {
    return this.#transactions.at(-1) ?? -1;
  }

  needs(birth: number, death: number): boolean {
    return this.#transactions.some((t) => birth <= t && t < death);
  }
}
