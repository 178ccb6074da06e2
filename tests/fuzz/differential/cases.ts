import type { Random } from '../../../src/base/random.ts';
import type { TestCase } from './judge.ts';
import { QueryMaker } from './queries.ts';
import { ScriptMaker } from './scripts.ts';
import type { TestTable } from './tables.ts';

/** Makes random tests on a set of tables. */
export class CaseMaker {
  readonly #random: Random;
  readonly #queries: QueryMaker;
  readonly #scripts: ScriptMaker;

  constructor(random: Random, tables: readonly TestTable[]) {
    this.#random = random;
    this.#queries = new QueryMaker(random, tables);
    this.#scripts = new ScriptMaker(random, tables, this.#queries);
  }

  next(): TestCase {
    const random = this.#random;
    if (random.chance(0.08)) {
      return { kind: 'script', fragment: this.#scripts.script(), ordered: false };
    }
    if (random.chance(0.08)) {
      return { kind: 'partition', fragment: this.#queries.partition(), ordered: false };
    }
    if (random.chance(0.05)) {
      return { kind: 'rewrite', fragment: this.#queries.rewrite(), ordered: false };
    }
    const kind = random.chance(0.25) ? 'parameters' : 'query';
    return { kind, ...this.#queries.query() };
  }
}
