import type { Catalog } from '../catalog/catalog.ts';
import type { Column, ConstantExpression, Expression } from '../plan/expression.ts';
import type { Plan } from '../plan/plan.ts';
import type { Span } from '../sql/ast/node.ts';
import type { Schema } from '../value/batch.ts';
import { nullType, type SqlType } from '../value/type.ts';

/** Where table functions and files get their columns from: the engine knows, binding does not. */
export interface SourceResolver {
  /**
   * The columns that a call gives, or undefined if there is no such function. Files come as the
   * function of their format: `read_csv`, `read_parquet`, …
   */
  tableFunction(
    name: string,
    args: readonly ConstantExpression[],
    named: ReadonlyMap<string, ConstantExpression>,
  ): Schema | undefined;
  /** Names of table functions, for hints. */
  tableFunctionNames(): readonly string[];
  /** The function that reads a file by its name: `read_csv` for `a.csv`. */
  fileFunction(path: string): string | undefined;
}

export interface BindOptions {
  readonly catalog: Catalog;
  readonly sources?: SourceResolver;
  /** Types of `$1`, `$2`, … where the caller knows them; others are taken from their use. */
  readonly parameterTypes?: readonly (SqlType | undefined)[];
  /** Start of the statement in microseconds since 1970 UTC, for current_date and now(). */
  readonly now?: bigint;
}

/** What is shared while one statement is bound. */
export class BindContext {
  readonly catalog: Catalog;
  readonly sources: SourceResolver | undefined;
  readonly #options: BindOptions;
  /** Types of the parameters met so far; `null` where nothing is known yet. */
  readonly parameterTypes: SqlType[] = [];
  /** Parameters that became VARCHAR only because nothing says what they are. */
  readonly undecided = new Set<number>();
  /** Numbers of named parameters, in the order in which they were met. */
  readonly parameterNames: string[] = [];
  /** Where each parameter is met first, by its number. */
  readonly parameterSpans: Span[] = [];
  /** Views being expanded, to refuse ones that refer to themselves. */
  readonly views: string[] = [];
  #nextColumn = 0;
  #nextWith = 0;

  constructor(options: BindOptions) {
    this.catalog = options.catalog;
    this.sources = options.sources;
    this.#options = options;
    options.parameterTypes?.forEach((type, i) => {
      this.parameterTypes[i] = type ?? nullType;
    });
  }

  /** Read only where a statement asks for the time: a caller can tell by that whether it does. */
  get now(): bigint | undefined {
    return this.#options.now;
  }

  column(name: string, type: SqlType, nullable: boolean): Column {
    return { id: this.#nextColumn++, name, type, nullable };
  }

  /**
   * The column an expression's value goes to: its own, under that name, if it is just a column of
   * `input`. A column from outside gets another one, so that both can be told apart in a join.
   */
  columnFor(expression: Expression, name: string, input: Plan): Column {
    if (
      expression.kind === 'column' &&
      input.columns.some(({ id }) => id === expression.column.id)
    ) {
      const { column } = expression;
      return column.name === name ? column : { ...column, name };
    }
    return this.column(name, expression.type, expression.nullable);
  }

  nextWith(): number {
    return this.#nextWith++;
  }
}
