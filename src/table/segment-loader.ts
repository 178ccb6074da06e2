import type { RowGroup } from './layout.ts';

/** Memory for the rows of a file while a statement reads them; all of it is freed at its end. */
export interface LoadMemory {
  allocate(bytes: number): number;
  release(address: number): void;
}

/** Row groups whose segments have addresses now. */
export interface LoadedGroups {
  readonly groups: readonly RowGroup[];
  /** Frees their memory; where `keepTexts`, all but the bytes of texts, which rows may refer to. */
  release(keepTexts: boolean): void;
}

/**
 * Brings the rows of a table that lies in a file into memory, part after part, while it is scanned.
 * Such a table's row groups have no addresses of their own.
 */
export interface SegmentLoader {
  /** Loads these row groups of the table in order, those columns of them that are named. */
  load(
    groups: readonly RowGroup[],
    ordinals: readonly number[],
    memory: LoadMemory,
  ): AsyncGenerator<LoadedGroups>;
}
