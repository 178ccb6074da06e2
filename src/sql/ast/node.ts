/**
 * What all nodes of the syntax tree share. Nodes are immutable plain objects told apart by `kind`;
 * every node of a kind has all of its properties (absent ones are `undefined` or an empty array),
 * so a tree can be compared, copied and printed without knowing how it was made.
 */

/** A half-open range of the SQL text, in UTF-16 code units from 0. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Node {
  readonly kind: string;
  readonly span: Span;
}

/**
 * A name as it was written. Names keep their case and compare without regard to it, quoted or
 * not, as in DuckDB.
 */
export interface Identifier extends Node {
  readonly kind: 'identifier';
  readonly name: string;
  /** Whether it stood in double quotes, so that it is never taken for a keyword. */
  readonly quoted: boolean;
}

/** A possibly qualified name of a table, view, schema or function: `catalog.schema.table`. */
export interface QualifiedName extends Node {
  readonly kind: 'qualifiedName';
  /** One to three parts, the innermost last. */
  readonly parts: readonly Identifier[];
}

/** The dotted text of a name, for messages. */
export function nameText(name: QualifiedName): string {
  return name.parts.map((part) => part.name).join('.');
}
