import { assert } from '../../src/base/assert.ts';
import { compareValues } from '../../src/plan/compare.ts';
import type {
  AggregateCall,
  ConstantValue,
  Expression,
  SortKey,
} from '../../src/plan/expression.ts';
import type { FrameBound, Window, WindowCall, WindowFrame } from '../../src/plan/plan.ts';
import type { Row } from './interpret.ts';

/** What windows need of the interpreter around them. */
export interface WindowHost {
  value(expression: Expression, row: Row): ConstantValue;
  aggregate(call: AggregateCall, rows: Row[]): ConstantValue;
  sort(rows: Row[], keys: readonly SortKey[]): Row[];
  keyText(row: Row): string;
}

/** The meaning of windows: for each row, all rows of its partition are looked at. */
export function windowRows(plan: Window, rows: readonly Row[], host: WindowHost): Row[] {
  const partitions = new Map<string, Row[]>();
  for (const row of rows) {
    const key = host.keyText(plan.partition.map((item) => host.value(item, row)));
    const list = partitions.get(key);
    if (list === undefined) partitions.set(key, [row]);
    else list.push(row);
  }
  return [...partitions.values()].flatMap((partition) => {
    const sorted = host.sort(partition, plan.order);
    return sorted.map((row, index) => [
      ...row,
      ...plan.calls.map((item) => new Place(plan, item, sorted, index, host).value()),
    ]);
  });
}

/** One call at one row. */
class Place {
  readonly #item: WindowCall;
  readonly #rows: readonly Row[];
  readonly #index: number;
  readonly #host: WindowHost;
  readonly #keys: readonly SortKey[];
  /** For each row, the number of its group of peers. */
  readonly #groups: number[];

  constructor(
    plan: Window,
    item: WindowCall,
    rows: readonly Row[],
    index: number,
    host: WindowHost,
  ) {
    this.#item = item;
    this.#rows = rows;
    this.#index = index;
    this.#host = host;
    this.#keys = plan.order.slice(0, item.keys);
    const texts = rows.map((row) =>
      host.keyText(this.#keys.map((key) => host.value(key.expression, row))),
    );
    let group = 0;
    this.#groups = texts.map((text, i) => (i > 0 && text !== texts[i - 1] ? ++group : group));
  }

  value(): ConstantValue {
    const { call, ignoreNulls } = this.#item;
    const size = this.#rows.length;
    const first = this.#groups.indexOf(this.#groups[this.#index]);
    const last = this.#groups.lastIndexOf(this.#groups[this.#index]);
    const args = call.args.map((arg) => this.#host.value(arg, this.#rows[this.#index]));
    switch (call.name) {
      case 'row_number':
        return BigInt(this.#index + 1);
      case 'rank':
        return BigInt(first + 1);
      case 'dense_rank':
        return BigInt(this.#groups[this.#index] + 1);
      case 'percent_rank':
        return size === 1 ? 0 : first / (size - 1);
      case 'cume_dist':
        return (last + 1) / size;
      case 'lag':
      case 'lead': {
        const steps = args.length < 2 ? 1n : args[1];
        if (steps === null) return null;
        const distance = Number(steps) * (call.name === 'lag' ? -1 : 1);
        return this.#shifted(distance, ignoreNulls, args[2] ?? null);
      }
      case 'first_value':
        return this.#frameValues(ignoreNulls).at(0) ?? null;
      case 'last_value':
        return this.#frameValues(ignoreNulls).at(-1) ?? null;
      case 'nth_value': {
        const n = args[1];
        if (n === null || Number(n) < 1) return null;
        return this.#frameValues(ignoreNulls)[Number(n) - 1] ?? null;
      }
      default:
        return this.#host.aggregate(
          call,
          this.#frame().map((i) => this.#rows[i]),
        );
    }
  }

  #shifted(distance: number, ignoreNulls: boolean, otherwise: ConstantValue): ConstantValue {
    const [arg] = this.#item.call.args;
    const values = this.#rows.map((row) => this.#host.value(arg, row));
    if (distance === 0) return values[this.#index];
    const step = Math.sign(distance);
    let left = Math.abs(distance);
    for (let i = this.#index + step; i >= 0 && i < values.length; i += step) {
      if (ignoreNulls && values[i] === null) continue;
      if (--left === 0) return values[i];
    }
    return otherwise;
  }

  #frameValues(ignoreNulls: boolean): ConstantValue[] {
    const [arg] = this.#item.call.args;
    const values = this.#frame().map((i) => this.#host.value(arg, this.#rows[i]));
    return ignoreNulls ? values.filter((value) => value !== null) : values;
  }

  /** Indexes of the rows in the frame. */
  #frame(): number[] {
    const frame: WindowFrame = this.#item.frame ?? {
      unit: 'range',
      start: { kind: 'unboundedPreceding' },
      end: { kind: 'currentRow' },
      exclude: 'none',
    };
    const own = this.#groups[this.#index];
    return this.#rows.flatMap((_, i) => {
      const isPeer = this.#groups[i] === own;
      const cut =
        (frame.exclude === 'currentRow' && i === this.#index) ||
        (frame.exclude === 'group' && isPeer) ||
        (frame.exclude === 'ties' && isPeer && i !== this.#index);
      const inside = this.#side(frame, frame.start, i) >= 0 && this.#side(frame, frame.end, i) <= 0;
      return inside && !cut ? [i] : [];
    });
  }

  /** Negative if row i lies before the bound, positive if behind it. */
  #side({ unit }: WindowFrame, bound: FrameBound, i: number): number {
    if (bound.kind === 'unboundedPreceding') return 1;
    if (bound.kind === 'unboundedFollowing') return -1;
    const groups = this.#groups[i] - this.#groups[this.#index];
    const rows = i - this.#index;
    if (bound.kind === 'currentRow') return unit === 'rows' ? rows : groups;
    const here = this.#rows[this.#index];
    if (!('offset' in bound)) return 0;
    const offset = this.#host.value(bound.offset, here);
    if (unit === 'range') return this.#sideOfKey(offset, i, groups);
    assert(typeof offset === 'bigint', 'a distance is a BIGINT');
    const away = Number(offset) * (bound.kind === 'preceding' ? -1 : 1);
    return (unit === 'rows' ? rows : groups) - away;
  }

  #sideOfKey(limit: ConstantValue, i: number, groups: number): number {
    const [key] = this.#keys;
    const there = this.#host.value(key.expression, this.#rows[i]);
    // The rows around a NULL are those of NULL.
    if (limit === null) return groups;
    if (there === null) return key.nullsFirst ? -1 : 1;
    const order = compareValues(there, limit);
    return key.descending ? -order : order;
  }
}
