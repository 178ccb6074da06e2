import type { Scope } from '../query.ts';
import type { Value } from '../value.ts';
import type { Cell } from './cells.ts';

/** Takes one group: the values of its keys, loaded when they are used, and its accumulators. */
export type EmitGroup = (
  scope: Scope,
  groups: readonly (() => Value)[],
  cells: readonly Cell[],
) => void;

/** A way to find the group of a row: fed by one pipeline, the source of the next. */
export interface Groups {
  /** Code that takes the row of `scope` into its group, whose keys are `groups`. */
  update(scope: Scope, groups: readonly Value[]): void;
  /** Merges what the workers have, then gives every group once. */
  produce(emit: EmitGroup): void;
}
