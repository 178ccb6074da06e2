import type { BinaryOperator, UnaryOperator } from '../operators.ts';
import type { Identifier, Node, QualifiedName } from './node.ts';
import type { OrderItem, Query } from './query.ts';
import type { TypeName } from './type-name.ts';

export type Expression =
  | NullLiteral
  | BooleanLiteral
  | NumberLiteral
  | StringLiteral
  | BlobLiteral
  | TypedLiteral
  | IntervalLiteral
  | ColumnReference
  | Star
  | Parameter
  | Unary
  | Binary
  | Logical
  | Not
  | Between
  | InList
  | InSubquery
  | Like
  | IsNull
  | IsBoolean
  | IsDistinct
  | Case
  | Cast
  | Extract
  | Call
  | ScalarSubquery
  | Exists
  | Quantified
  | Row
  | ArrayLiteral
  | ArraySubquery
  | StructLiteral
  | MapLiteral
  | Lambda
  | Subscript
  | Slice
  | FieldAccess
  | Collate
  | AtTimeZone
  | DefaultValue;

export interface NullLiteral extends Node {
  readonly kind: 'nullLiteral';
}

export interface BooleanLiteral extends Node {
  readonly kind: 'booleanLiteral';
  readonly value: boolean;
}

/**
 * A number as text, underscores removed: whether it is an integer, a decimal or a double shows in
 * its form.
 */
export interface NumberLiteral extends Node {
  readonly kind: 'numberLiteral';
  readonly text: string;
}

export interface StringLiteral extends Node {
  readonly kind: 'stringLiteral';
  readonly value: string;
}

/** `X'0aff'`: an even number of hexadecimal digits, lower case. */
export interface BlobLiteral extends Node {
  readonly kind: 'blobLiteral';
  readonly digits: string;
}

/** `DATE '1998-12-01'`. */
export interface TypedLiteral extends Node {
  readonly kind: 'typedLiteral';
  readonly type: TypeName;
  readonly value: string;
}

/** `INTERVAL '90' DAY`, `INTERVAL '1 year 2 days'`, `INTERVAL (n) HOUR`. */
export interface IntervalLiteral extends Node {
  readonly kind: 'intervalLiteral';
  readonly value: Expression;
  /** Upper case and singular: `DAY`. With `to`, the larger of the two. */
  readonly unit: string | undefined;
  readonly to: string | undefined;
  /** The number of digits the unit may have, as in `DAY (3)`. */
  readonly precision: number | undefined;
}

/** `column`, `table.column`, `schema.table.column`, or a field of a struct: the binder decides. */
export interface ColumnReference extends Node {
  readonly kind: 'columnReference';
  readonly parts: readonly Identifier[];
}

/** `*` or `t.*`, with DuckDB's modifiers. Stands only in select lists, COUNT(*) and COLUMNS(*). */
export interface Star extends Node {
  readonly kind: 'star';
  readonly qualifier: QualifiedName | undefined;
  readonly exclude: readonly Identifier[];
  readonly replace: readonly StarReplacement[];
  readonly rename: readonly StarRename[];
}

export interface StarReplacement {
  readonly value: Expression;
  readonly column: Identifier;
}

export interface StarRename {
  readonly column: Identifier;
  readonly name: Identifier;
}

/** `$1`, `?` (numbered from left to right) or `$name`. */
export interface Parameter extends Node {
  readonly kind: 'parameter';
  /** From 1; undefined for a named one. */
  readonly index: number | undefined;
  readonly name: string | undefined;
}

export interface Unary extends Node {
  readonly kind: 'unary';
  readonly operator: UnaryOperator;
  readonly operand: Expression;
}

/** Arithmetic, comparison and all other operators with two operands, except AND and OR. */
export interface Binary extends Node {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
}

/** AND and OR with all operands of a chain side by side, so that long chains stay shallow. */
export interface Logical extends Node {
  readonly kind: 'logical';
  readonly operator: 'AND' | 'OR';
  readonly operands: readonly Expression[];
}

export interface Not extends Node {
  readonly kind: 'not';
  readonly operand: Expression;
}

export interface Between extends Node {
  readonly kind: 'between';
  readonly operand: Expression;
  readonly low: Expression;
  readonly high: Expression;
  readonly negated: boolean;
  readonly symmetric: boolean;
}

export interface InList extends Node {
  readonly kind: 'inList';
  readonly operand: Expression;
  readonly items: readonly Expression[];
  readonly negated: boolean;
}

export interface InSubquery extends Node {
  readonly kind: 'inSubquery';
  readonly operand: Expression;
  readonly query: Query;
  readonly negated: boolean;
}

export interface Like extends Node {
  readonly kind: 'like';
  readonly operator: 'LIKE' | 'ILIKE' | 'SIMILAR TO' | 'GLOB';
  readonly operand: Expression;
  readonly pattern: Expression;
  readonly escape: Expression | undefined;
  readonly negated: boolean;
}

export interface IsNull extends Node {
  readonly kind: 'isNull';
  readonly operand: Expression;
  readonly negated: boolean;
}

/** `IS [NOT] TRUE`, `FALSE` or `UNKNOWN` (undefined). */
export interface IsBoolean extends Node {
  readonly kind: 'isBoolean';
  readonly operand: Expression;
  readonly value: boolean | undefined;
  readonly negated: boolean;
}

export interface IsDistinct extends Node {
  readonly kind: 'isDistinct';
  readonly left: Expression;
  readonly right: Expression;
  /** True for IS NOT DISTINCT FROM: equal, or both NULL. */
  readonly negated: boolean;
}

export interface Case extends Node {
  readonly kind: 'case';
  /** What each WHEN is compared with; undefined when the WHENs are conditions. */
  readonly operand: Expression | undefined;
  readonly branches: readonly CaseBranch[];
  readonly otherwise: Expression | undefined;
}

export interface CaseBranch {
  readonly when: Expression;
  readonly result: Expression;
}

/** `CAST(x AS t)`, `x::t`, and `TRY_CAST(x AS t)`, which gives NULL where the cast fails. */
export interface Cast extends Node {
  readonly kind: 'cast';
  readonly operand: Expression;
  readonly type: TypeName;
  readonly try: boolean;
}

export interface Extract extends Node {
  readonly kind: 'extract';
  /** Lower case: `year`. */
  readonly field: string;
  readonly operand: Expression;
}

/**
 * A function, aggregate or window call. The keyword forms of standard SQL become plain calls:
 * SUBSTRING(s FROM a FOR b) is `substring(s, a, b)`, POSITION(a IN b) is `strpos(b, a)`,
 * TRIM(LEADING c FROM s) is `ltrim(s, c)`, OVERLAY(s PLACING t FROM a FOR b) is `overlay(s, t, a,
 * b)`.
 */
export interface Call extends Node {
  readonly kind: 'call';
  readonly name: QualifiedName;
  readonly arguments: readonly Argument[];
  /** COUNT(*): no arguments, but a star. */
  readonly star: boolean;
  readonly distinct: boolean;
  readonly orderBy: readonly OrderItem[];
  readonly withinGroup: readonly OrderItem[];
  readonly filter: Expression | undefined;
  readonly nullTreatment: 'IGNORE' | 'RESPECT' | undefined;
  /** A window of the WINDOW clause by name, or one written in place. */
  readonly over: Identifier | WindowSpecification | undefined;
}

export interface Argument {
  /** For `name => value`. */
  readonly name: Identifier | undefined;
  readonly value: Expression;
}

export interface WindowSpecification extends Node {
  readonly kind: 'windowSpecification';
  /** The named window this one refines. */
  readonly base: Identifier | undefined;
  readonly partitionBy: readonly Expression[];
  readonly orderBy: readonly OrderItem[];
  readonly frame: WindowFrame | undefined;
}

export interface WindowFrame extends Node {
  readonly kind: 'windowFrame';
  readonly unit: 'ROWS' | 'RANGE' | 'GROUPS';
  readonly from: FrameBound;
  readonly to: FrameBound | undefined;
  readonly exclude: 'CURRENT ROW' | 'GROUP' | 'TIES' | 'NO OTHERS' | undefined;
}

export interface FrameBound {
  readonly bound:
    | 'UNBOUNDED PRECEDING'
    | 'PRECEDING'
    | 'CURRENT ROW'
    | 'FOLLOWING'
    | 'UNBOUNDED FOLLOWING';
  /** For PRECEDING and FOLLOWING with a distance. */
  readonly offset: Expression | undefined;
}

export interface ScalarSubquery extends Node {
  readonly kind: 'scalarSubquery';
  readonly query: Query;
}

export interface Exists extends Node {
  readonly kind: 'exists';
  readonly query: Query;
}

/** `x < ANY (SELECT …)`, `x = ALL (array)`; SOME is ANY. */
export interface Quantified extends Node {
  readonly kind: 'quantified';
  readonly left: Expression;
  readonly operator: BinaryOperator;
  readonly quantifier: 'ANY' | 'ALL';
  /** The subquery, or undefined when `array` is given. */
  readonly query: Query | undefined;
  readonly array: Expression | undefined;
}

/** `(a, b)` or `ROW(a)`. */
export interface Row extends Node {
  readonly kind: 'row';
  readonly items: readonly Expression[];
}

export interface ArrayLiteral extends Node {
  readonly kind: 'arrayLiteral';
  readonly items: readonly Expression[];
}

/** `ARRAY(SELECT …)`. */
export interface ArraySubquery extends Node {
  readonly kind: 'arraySubquery';
  readonly query: Query;
}

export interface StructLiteral extends Node {
  readonly kind: 'structLiteral';
  readonly entries: readonly StructEntry[];
}

export interface StructEntry {
  readonly name: string;
  readonly value: Expression;
}

export interface MapLiteral extends Node {
  readonly kind: 'mapLiteral';
  readonly entries: readonly MapEntry[];
}

export interface MapEntry {
  readonly key: Expression;
  readonly value: Expression;
}

/** `LAMBDA x, y: body`; the arrow form `x -> body` is a {@link Binary} until names are bound. */
export interface Lambda extends Node {
  readonly kind: 'lambda';
  readonly parameters: readonly Identifier[];
  readonly body: Expression;
}

export interface Subscript extends Node {
  readonly kind: 'subscript';
  readonly operand: Expression;
  readonly index: Expression;
}

export interface Slice extends Node {
  readonly kind: 'slice';
  readonly operand: Expression;
  readonly from: Expression | undefined;
  readonly to: Expression | undefined;
}

/** `(expression).field`. */
export interface FieldAccess extends Node {
  readonly kind: 'fieldAccess';
  readonly operand: Expression;
  readonly field: Identifier;
}

export interface Collate extends Node {
  readonly kind: 'collate';
  readonly operand: Expression;
  readonly collation: QualifiedName;
}

export interface AtTimeZone extends Node {
  readonly kind: 'atTimeZone';
  readonly operand: Expression;
  readonly zone: Expression;
}

/** DEFAULT in VALUES of an INSERT and in SET of an UPDATE. */
export interface DefaultValue extends Node {
  readonly kind: 'defaultValue';
}
