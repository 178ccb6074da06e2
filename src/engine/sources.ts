/** Table functions: where rows come from that are not in a table. */
import type { SourceResolver } from '../bind/context.ts';
import type { ConstantExpression } from '../plan/expression.ts';
import type { Table } from '../table/table.ts';
import type { BatchStream, Schema } from '../value/batch.ts';
import type { FileMemory } from './parquet/file-table.ts';

/** The arguments of a call in FROM, all constant. Names are in lower case. */
export interface SourceCall {
  readonly args: readonly ConstantExpression[];
  readonly named: ReadonlyMap<string, ConstantExpression>;
}

/** Something that can stand in FROM: a generator, or the reader of a file format. */
export interface TableFunction {
  readonly name: string;
  /** Endings of the files it reads, in lower case, without the dot. */
  readonly fileEndings?: readonly string[];
  /** The columns that a call gives. */
  schema(call: SourceCall): Schema | Promise<Schema>;
  read(call: SourceCall): BatchStream | Promise<BatchStream>;
  /**
   * For sources that give parts of their rows for less than all: opens them as a table whose rows
   * are read while they are scanned.
   */
  open?(call: SourceCall, memory: FileMemory): Promise<OpenedTable>;
}

/** A table over rows that lie elsewhere. */
export interface OpenedTable {
  table(): Table;
  /** The table as it is best for a statement that reads these columns of it. */
  tableFor(ordinals: ReadonlySet<number>): Promise<Table>;
  close(): Promise<void>;
}

export class SourceRegistry {
  readonly #functions = new Map<string, TableFunction>();
  readonly #byEnding = new Map<string, string>();

  constructor(functions: Iterable<TableFunction>) {
    for (const table of functions) {
      this.#functions.set(table.name, table);
      for (const ending of table.fileEndings ?? []) this.#byEnding.set(ending, table.name);
    }
  }

  get(name: string): TableFunction | undefined {
    return this.#functions.get(name);
  }

  names(): readonly string[] {
    return [...this.#functions.keys()];
  }

  /** The function that reads a file of that name. */
  forFile(path: string): string | undefined {
    const ending = /\.([^./\\]+)$/.exec(path)?.[1];
    return ending === undefined ? undefined : this.#byEnding.get(ending.toLowerCase());
  }
}

/**
 * Looks sources up for the binder, which does not wait: where the columns of a source are not known
 * yet it throws {@link SchemaNeeded}, and the statement is bound again when they are.
 */
export class StatementSources implements SourceResolver {
  readonly #known: SourceRegistry;
  readonly #schemas = new Map<string, Schema>();
  /** Whether the statement has any: what it gives may then change without the catalog changing. */
  used = false;

  constructor(known: SourceRegistry) {
    this.#known = known;
  }

  tableFunction(
    name: string,
    args: readonly ConstantExpression[],
    named: ReadonlyMap<string, ConstantExpression>,
  ): Schema | undefined {
    const source = this.#known.get(name);
    if (source === undefined) return undefined;
    this.used = true;
    const key = callKey(name, args, named);
    const schema = this.#schemas.get(key);
    if (schema !== undefined) return schema;
    throw new SchemaNeeded(async () => {
      this.#schemas.set(key, await source.schema({ args, named }));
    });
  }

  tableFunctionNames(): readonly string[] {
    return this.#known.names();
  }

  fileFunction(path: string): string | undefined {
    return this.#known.forFile(path);
  }
}

function callKey(
  name: string,
  args: readonly ConstantExpression[],
  named: ReadonlyMap<string, ConstantExpression>,
): string {
  const show = ({ value, type }: ConstantExpression) => [String(value), type];
  return JSON.stringify([name, args.map(show), [...named].map(([key, arg]) => [key, show(arg)])]);
}

/** Thrown through the binder: find out the columns, then bind again. */
export class SchemaNeeded extends Error {
  readonly load: () => Promise<void>;

  constructor(load: () => Promise<void>) {
    super('the columns of a source are not known yet');
    this.load = load;
  }
}

/** Runs `bind` until the columns of all its sources are known. */
export async function withSchemas<T>(bind: () => T): Promise<T> {
  for (;;) {
    try {
      return bind();
    } catch (error) {
      if (!(error instanceof SchemaNeeded)) throw error;
      await error.load();
    }
  }
}
