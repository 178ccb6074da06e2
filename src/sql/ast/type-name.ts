import type { Identifier, Node } from './node.ts';

/** A type as written: which types exist is the binder's business. */
export interface TypeName extends Node {
  readonly kind: 'typeName';
  /** Upper case, words of standard SQL joined by one space: `DOUBLE PRECISION`. */
  readonly name: string;
  /** The numbers in parentheses: precision and scale, or a length. */
  readonly modifiers: readonly number[];
  /** Element types of LIST, MAP; fields of STRUCT and UNION. */
  readonly fields: readonly TypeField[];
  /** One entry for each pair of brackets: `INTEGER[][3]` has [undefined, 3]. */
  readonly dimensions: readonly (number | undefined)[];
}

export interface TypeField {
  readonly name: Identifier | undefined;
  readonly type: TypeName;
}
