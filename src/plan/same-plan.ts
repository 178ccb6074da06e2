import { freeColumns } from './free-columns.ts';
import type { Plan } from './plan.ts';

/**
 * Whether two plans are the same computation on the same outer columns and tables: the same tree,
 * but for the ids of the columns and shared rows that each makes itself.
 */
export function samePlan(a: Plan, b: Plan): boolean {
  const outer = [freeColumns(a), freeColumns(b)];
  const columns = new Renaming(outer.flatMap((free) => [...free.keys()]));
  return new Comparison(columns, new Renaming([])).same(a, b);
}

/** Which id of the one stands for which of the other, both ways. */
class Renaming {
  readonly #there = new Map<number, number>();
  readonly #back = new Map<number, number>();

  constructor(fixed: readonly number[]) {
    for (const id of fixed) this.same(id, id);
  }

  /** Whether `b` is what `a` stands for; the first one seen is. */
  same(a: number, b: number): boolean {
    const [there, back] = [this.#there.get(a), this.#back.get(b)];
    if (there !== undefined || back !== undefined) return there === b && back === a;
    this.#there.set(a, b);
    this.#back.set(b, a);
    return true;
  }
}

type Fields = Readonly<Record<string, unknown>>;

class Comparison {
  readonly #columns: Renaming;
  readonly #shared: Renaming;

  constructor(columns: Renaming, shared: Renaming) {
    this.#columns = columns;
    this.#shared = shared;
  }

  same(a: unknown, b: unknown): boolean {
    if (Array.isArray(a) && Array.isArray(b)) {
      return a.length === b.length && a.every((item, i) => this.same(item, b[i]));
    }
    if (!isFields(a) || !isFields(b)) return Object.is(a, b);
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    // A column is the only thing with an id that is of no kind.
    const ids = 'kind' in a ? this.#shared : this.#columns;
    for (const key of keys) {
      if (key === 'id' && typeof a[key] === 'number' && typeof b[key] === 'number') {
        if (!ids.same(a[key], b[key])) return false;
      } else if (!(key === 'table' ? Object.is(a[key], b[key]) : this.same(a[key], b[key]))) {
        return false;
      }
    }
    return true;
  }
}

/** An object of fields alone: no bytes, and nothing with a life of its own. */
function isFields(value: unknown): value is Fields {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
