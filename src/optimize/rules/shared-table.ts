import { makeSelection } from '../../plan/build.ts';
import type { Column } from '../../plan/expression.ts';
import type { Plan, With } from '../../plan/plan.ts';
import { columnSubstitution, type Substitution } from '../../plan/substitute.ts';
import { uniquePlaces } from '../../plan/uniqueness.ts';
import type { OptimizerContext } from '../context.ts';
import { refreshPlan } from './refresh.ts';

/** A part of a plan that is read in several places, and computed once: a common table. */
export class SharedTable {
  readonly #context: OptimizerContext;
  readonly #plan: Plan;
  readonly #name: string;
  readonly #id: number;
  readonly #unique: readonly number[];

  constructor(context: OptimizerContext, plan: Plan, name: string) {
    this.#context = context;
    this.#plan = plan;
    this.#name = name;
    this.#id = context.nextWith();
    this.#unique = uniquePlaces(plan);
  }

  /** The rows under the columns that the part gave, for the place where it was. */
  original(): Plan {
    return this.#reference(this.#plan.columns);
  }

  /** The rows under new columns, and what to put in the place of the old ones. */
  copy(): { plan: Plan; by: Substitution } {
    const columns = this.#plan.columns.map(({ name, type, nullable }) => {
      return this.#context.column(name, type, nullable);
    });
    return { plan: this.#reference(columns), by: columnSubstitution(this.#plan.columns, columns) };
  }

  #reference(columns: readonly Column[]): Plan {
    const unique = this.#unique.map((place) => columns[place].id);
    return { kind: 'withReference', id: this.#id, name: this.#name, columns, unique };
  }

  /** A plan that has the table for those below `body` who read it. */
  define(body: Plan): With {
    // A column is made in one place only: the original ones by a reference. References go by the
    // places of columns, which no change of the order of joins below may change.
    const copy = refreshPlan(this.#context, this.#plan, new Set());
    const definition = makeSelection(copy, copy.columns);
    const { columns } = body;
    return { kind: 'with', id: this.#id, name: this.#name, definition, body, columns };
  }
}
