import { QuernError, sqlState } from '../base/error.ts';
import type { Column, Expression } from '../plan/expression.ts';
import { children } from '../plan/expression.ts';
import { inputs, type Plan } from '../plan/plan.ts';
import { eachExpression } from '../plan/rewrite.ts';
import type { SqlType } from '../value/type.ts';

/**
 * Columns that one plan may be given. Each level of correlated subqueries copies what is around it,
 * so that a few levels with set operations in them can make a plan that nobody waits for.
 */
const newColumnsMax = 100_000;

/** Makes columns and common tables that are new to a plan. */
export class OptimizerContext {
  #nextColumn = 0;
  readonly #columnLimit: number;
  #nextWith = 0;
  readonly #claimed = new Set<number>();

  constructor(plan: Plan) {
    this.#scan(plan);
    this.#columnLimit = this.#nextColumn + newColumnsMax;
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
    if (this.#nextColumn >= this.#columnLimit) {
      throw new QuernError(
        sqlState.programLimitExceeded,
        'the statement has too many correlated subqueries within each other',
        { hint: 'Move the inner ones to common tables (WITH) or joins.' },
      );
    }
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
