import { type Column, call, columnRef, conjuncts, type Expression } from '../../plan/expression.ts';
import { columnIds, isCovered, usedColumns } from '../../plan/free-columns.ts';
import type { Join, Plan } from '../../plan/plan.ts';
import { booleanType, sameType } from '../../value/type.ts';

/** An input of a region of joins. */
export interface Relation {
  plan: Plan;
  readonly columns: ReadonlySet<number>;
}

/** A semi or anti join: it filters rows of the region by whether `right` has a match. */
export interface Reducer {
  readonly type: 'semi' | 'anti';
  right: Plan;
  /** Conjuncts over columns of the region and of `right`. */
  readonly condition: readonly Expression[];
  /** Conjuncts over `right` alone, to be pushed into it. */
  readonly rightOnly: readonly Expression[];
  /** Columns of the region that the condition needs. */
  readonly needs: ReadonlySet<number>;
}

/** A region of inner joins as a graph: relations, predicates between them, and reducers. */
export class JoinGraph {
  readonly relations: Relation[] = [];
  readonly reducers: Reducer[] = [];
  predicates: Expression[] = [];

  addRelation(plan: Plan): void {
    this.relations.push({ plan, columns: columnIds(plan) });
  }

  addPredicate(predicate: Expression): void {
    this.predicates.push(predicate);
  }

  addReducer(join: Join): void {
    const rightIds = columnIds(join.right);
    const condition: Expression[] = [];
    const rightOnly: Expression[] = [];
    const needs = new Set<number>();
    for (const part of join.condition === undefined ? [] : conjuncts(join.condition)) {
      const ofRight = usedColumns(part).size > 0 && isCovered(part, rightIds);
      (ofRight ? rightOnly : condition).push(part);
      for (const id of usedColumns(part).keys()) if (!rightIds.has(id)) needs.add(id);
    }
    const type = join.type as 'semi' | 'anti';
    this.reducers.push({ type, right: join.right, condition, rightOnly, needs });
  }

  /**
   * From a = b and b = c follows a = c, and from a = b and b < 5 follows a < 5: both give the join
   * order more to choose from.
   */
  deriveEqualities(): void {
    const classes = new EquivalenceClasses();
    for (const predicate of this.predicates) {
      const sides = columnEquality(predicate);
      if (sides !== undefined) classes.unite(sides[0], sides[1]);
    }
    const seen = new Set(this.predicates.map(equalityKey).filter((key) => key !== undefined));
    for (const members of classes.groups()) {
      for (let i = 0; i < members.length; i++) {
        for (let j = i + 1; j < members.length; j++) {
          const equality = call('eq', [columnRef(members[i]), columnRef(members[j])], booleanType);
          const key = equalityKey(equality) as string;
          if (seen.has(key) || this.#sameRelation(members[i], members[j])) continue;
          seen.add(key);
          this.predicates.push(equality);
        }
      }
    }
    this.#spreadConstants(classes);
  }

  #sameRelation(a: Column, b: Column): boolean {
    return this.relations.some(({ columns }) => columns.has(a.id) && columns.has(b.id));
  }

  #spreadConstants(classes: EquivalenceClasses): void {
    for (const predicate of [...this.predicates]) {
      if (predicate.kind !== 'call' || predicate.args.length !== 2) continue;
      const [left, right] = predicate.args;
      if (left.kind !== 'column' || right.kind !== 'constant') continue;
      for (const other of classes.others(left.column)) {
        this.predicates.push({ ...predicate, args: [columnRef(other), right] });
      }
    }
  }

  /** Removes and answers the predicates that need only these columns. */
  takePredicates(columns: { has(id: number): boolean }): Expression[] {
    const taken: Expression[] = [];
    this.predicates = this.predicates.filter((predicate) => {
      const covered = usedColumns(predicate).size > 0 && isCovered(predicate, columns);
      if (covered) taken.push(predicate);
      return !covered;
    });
    return taken;
  }
}

/** The two columns that an equality sets equal. */
function columnEquality(predicate: Expression): [Column, Column] | undefined {
  if (predicate.kind !== 'call' || predicate.name !== 'eq') return undefined;
  const [a, b] = predicate.args;
  if (a.kind !== 'column' || b.kind !== 'column' || !sameType(a.type, b.type)) return undefined;
  return [a.column, b.column];
}

function equalityKey(predicate: Expression): string | undefined {
  const sides = columnEquality(predicate);
  if (sides === undefined) return undefined;
  const [a, b] = sides.map((column) => column.id).sort((x, y) => x - y);
  return `${a}=${b}`;
}

class EquivalenceClasses {
  readonly #classOf = new Map<number, Column[]>();

  unite(a: Column, b: Column): void {
    const first = this.#classOf.get(a.id) ?? [a];
    const second = this.#classOf.get(b.id) ?? [b];
    if (first === second) return;
    const united = [...first, ...second];
    for (const column of united) this.#classOf.set(column.id, united);
  }

  groups(): Set<Column[]> {
    return new Set(this.#classOf.values());
  }

  others(column: Column): Column[] {
    return (this.#classOf.get(column.id) ?? []).filter((other) => other !== column);
  }
}
