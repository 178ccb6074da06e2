import { QuernError } from '../../base/error.ts';
import { evaluate } from '../../plan/evaluate.ts';
import type { ConstantValue, Expression } from '../../plan/expression.ts';
import { isFloat, type SqlType } from '../../value/type.ts';
import { type Expr, f64, i32, i64 } from '../../wasm/index.ts';
import type { Scope } from '../query.ts';
import { fitsI64, rangeOf } from '../range.ts';
import type { CodeValue, Value } from '../value.ts';
import { nullOf } from './constant.ts';
import { codedColumn } from './dictionary.ts';

/** A dictionary with more entries is not worth the time that evaluating them takes. */
const entriesMax = 4096;
/** Nor are texts that together are longer. */
const bytesMax = 1 << 18;

/**
 * A function of one dictionary-coded column, evaluated once for each entry of the dictionary: the
 * code becomes an index into a table of its values. Undefined where that is not possible, also
 * where an entry is an error, which must not be raised before the row that has it.
 */
export function compileLookup(expression: Expression, scope: Scope): Value | undefined {
  if (expression.kind !== 'call' && expression.kind !== 'cast' && expression.kind !== 'case') {
    return undefined;
  }
  const found = codedColumn(expression, scope);
  if (found === undefined || found.dictionary.count > entriesMax) return undefined;
  const inputs: (string | null)[] = [...found.dictionary.values];
  // What the function makes of NULL stands behind the entries.
  if (found.isNull !== undefined) inputs.push(null);
  const outcomes = outcomesOf(expression, inputs);
  return outcomes && new LookupTable(outcomes, found, scope).value(expression.type);
}

function outcomesOf(
  expression: Expression,
  inputs: readonly (string | null)[],
): ConstantValue[] | undefined {
  try {
    return inputs.map((input) =>
      evaluate(expression, { column: () => input, parameter: () => null }),
    );
  } catch (error) {
    if (error instanceof QuernError) return undefined;
    throw error;
  }
}

const encoder = new TextEncoder();

class LookupTable {
  readonly #outcomes: readonly ConstantValue[];
  readonly #scope: Scope;
  readonly #index: Expr;

  constructor(outcomes: readonly ConstantValue[], code: CodeValue, scope: Scope) {
    this.#outcomes = outcomes;
    this.#scope = scope;
    const { isNull } = code;
    const index = isNull === undefined ? code.x : i32.select(isNull, code.dictionary.count, code.x);
    this.#index = scope.f.let(index, 'entry');
  }

  value(type: SqlType): Value | undefined {
    if (this.#outcomes.every((outcome) => outcome === null)) return nullOf(type);
    if (type.kind === 'varchar') return this.#texts();
    if (isFloat(type)) return this.#doubles();
    return this.#integers();
  }

  /** Where the entry of this row lies, in a table of `width` bytes an entry. */
  #entry(bytes: Uint8Array, width: number): Expr {
    const { query, pipeline } = this.#scope;
    const table = i32.add(pipeline.frame, query.constantBytes(bytes));
    return i32.add(table, i32.mul(this.#index, width));
  }

  #isNull(): Expr | undefined {
    if (!this.#outcomes.includes(null)) return undefined;
    const flags = Uint8Array.from(this.#outcomes, (outcome) => (outcome === null ? 1 : 0));
    return i32.load8U(this.#entry(flags, 1));
  }

  #integers(): Value | undefined {
    let [min, max] = [0n, 0n];
    let any = false;
    const words = new BigInt64Array(this.#outcomes.length);
    for (const [i, outcome] of this.#outcomes.entries()) {
      if (outcome === null) continue;
      if (typeof outcome !== 'bigint') return undefined;
      min = any && min < outcome ? min : outcome;
      max = any && max > outcome ? max : outcome;
      any = true;
      words[i] = outcome;
    }
    const range = rangeOf(min, max);
    if (!fitsI64(range)) return undefined;
    const x = i64.load(this.#entry(new Uint8Array(words.buffer), 8));
    return { form: 'int', x, range, isNull: this.#isNull() };
  }

  #doubles(): Value {
    const values = Float64Array.from(this.#outcomes, (outcome) => Number(outcome ?? 0));
    const x = f64.load(this.#entry(new Uint8Array(values.buffer), 8));
    return { form: 'float', x, isNull: this.#isNull() };
  }

  /** For each entry where its text begins in the heap behind the table, and its length. */
  #texts(): Value | undefined {
    const texts = this.#outcomes.map((outcome) => encoder.encode((outcome as string) ?? ''));
    const size = texts.reduce((sum, text) => sum + text.length, 0);
    if (size > bytesMax) return undefined;
    const heap = new Uint8Array(size);
    const words = new Uint32Array(texts.length * 2);
    let at = 0;
    texts.forEach((text, i) => {
      heap.set(text, at);
      words[2 * i] = at;
      words[2 * i + 1] = text.length;
      at += text.length;
    });
    const { f, query, pipeline } = this.#scope;
    const entry = f.let(this.#entry(new Uint8Array(words.buffer), 8), 'place');
    const start = i32.add(pipeline.frame, query.constantBytes(heap));
    const x = i32.add(start, i32.load(entry));
    return { form: 'string', x, y: i32.load(entry, 4), isNull: this.#isNull() };
  }
}
