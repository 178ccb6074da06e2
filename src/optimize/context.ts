import type { Column, Expression } from '../plan/expression.ts';
import { children } from '../plan/expression.ts';
import { inputs, type Plan } from '../plan/plan.ts';
import { eachExpression } from '../plan/rewrite.ts';
import type { SqlType } from '../value/type.ts';

/** Makes columns and common tables that are new to a plan. */
export class OptimizerContext {
  #nextColumn = 0;
  #nextWith = 0;
  readonly #claimed = new Set<number>();

  constructor(plan: Plan) {
    this.#scan(plan);
  }

  #scan(plan: Plan): void {
    for (const column of plan.columns) this.#nextColumn = Math.max(this.#nextColumn, column.id + 1);
    if (plan.kind === 'with' || plan.kind === 'recursive') {
      this.#nextWith = Math.max(this.#nextWith, plan.id + 1);
    }
    for (const input of inputs(plan)) this.#scan(input);
    eachExpression(plan, (expression) => {
      this.#scanExpression(expression);
    });
  }

  #scanExpression(expression: Expression): void {
    if (expression.kind === 'subquery') this.#scan(expression.plan);
    for (const child of children(expression)) this.#scanExpression(child);
  }

  column(name: string, type: SqlType, nullable: boolean): Column {
    return { id: this.#nextColumn++, name, type, nullable };
  }

  /** True for the first subquery that gives this column. */
  claim({ id }: Column): boolean {
    const first = !this.#claimed.has(id);
    this.#claimed.add(id);
    return first;
  }

  nextWith(): number {
    return this.#nextWith++;
  }
}
