import { assert } from '../../base/assert.ts';
import { bitCount, bitsOf, type JoinClass, type JoinShape } from './join-shape.ts';

/** The rows of a relation that pass its predicates: the values of its join columns, by name. */
export interface FilteredRelation {
  readonly rowCount: number;
  /** NULL is -1. */
  readonly columns: ReadonlyMap<string, Int32Array>;
}

/**
 * Exact counts of joins without making their rows. The relations and their classes of equal columns
 * form a tree, along which counts for each key are sent (after Yannakakis, "Algorithms for Acyclic
 * Database Schemes", VLDB 1981); what was sent once is kept for other sets with the same part.
 */
export class TrueCounts {
  readonly #shape: JoinShape;
  readonly #relations: readonly FilteredRelation[];
  readonly #sent = new Map<string, Float64Array>();
  /** Keys are below this. */
  readonly #keysMax: number;

  constructor(shape: JoinShape, relations: readonly FilteredRelation[], keysMax: number) {
    this.#shape = shape;
    this.#relations = relations;
    this.#keysMax = keysMax;
  }

  /** Rows of the join of a connected set. */
  count(set: number): number {
    if (bitCount(set) === 1) return this.#relations[bitsOf(set)[0]].rowCount;
    // From the class that most have in common: each of its members answers for its own side.
    const [root] = [...this.#shape.classes].sort(
      (a, b) => bitCount(b.mask & set) - bitCount(a.mask & set),
    );
    let total = 0;
    for (const count of this.#product(root, set, -1)) total += count;
    return total;
  }

  /** For each value of a class, the rows of all sides of `set` that meet in it, but for one. */
  #product(of: JoinClass, set: number, but: number): Float64Array {
    const product = new Float64Array(this.#keysMax).fill(1);
    for (const { relation } of of.members) {
      if (relation === but || !(set & (1 << relation))) continue;
      const sent = this.#send(relation, of, set);
      for (let key = 0; key < product.length; key++) product[key] *= sent[key];
    }
    return product;
  }

  /** For each value of a class, the rows that a relation and what lies behind it give. */
  #send(relation: number, to: JoinClass, set: number): Float64Array {
    const behind = this.#behind(relation, to, set);
    const key = `${relation} ${this.#shape.classes.indexOf(to)} ${behind}`;
    const known = this.#sent.get(key);
    if (known !== undefined) return known;
    const { rowCount, columns } = this.#relations[relation];
    const weights = new Float64Array(rowCount).fill(1);
    for (const other of this.#shape.classes) {
      const member = other.members.find((item) => item.relation === relation);
      if (other === to || member === undefined || !(other.mask & behind)) continue;
      const product = this.#product(other, behind, relation);
      const values = columns.get(member.column);
      assert(values !== undefined, 'join columns were read');
      for (let row = 0; row < rowCount; row++) {
        weights[row] *= values[row] < 0 ? 0 : product[values[row]];
      }
    }
    const own = to.members.find((item) => item.relation === relation);
    const keys = own && columns.get(own.column);
    assert(keys !== undefined, 'join columns were read');
    const counts = new Float64Array(this.#keysMax);
    for (let row = 0; row < rowCount; row++) if (keys[row] >= 0) counts[keys[row]] += weights[row];
    this.#sent.set(key, counts);
    return counts;
  }

  /** What can be reached from a relation other than through the class. */
  #behind(relation: number, to: JoinClass, set: number): number {
    let reached = 1 << relation;
    for (let before = 0; before !== reached; ) {
      before = reached;
      for (const item of this.#shape.classes) {
        if (item !== to && item.mask & reached) reached |= item.mask & set;
      }
    }
    return reached & ~(1 << relation);
  }
}
