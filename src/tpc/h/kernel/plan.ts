import type { StreamConstant } from '../constants.ts';
import type { TableName } from '../scale.ts';
import type { Column } from './columns.ts';
import type { KernelConfig } from './config.ts';

/**
 * What a kernel is, besides its module: plain data that can be sent to workers. Addresses are
 * relative to the start of an arena unless said otherwise.
 */
export interface KernelPlan {
  readonly config: KernelConfig;
  /** What every worker needs of the memory for itself, a multiple of 64 KiB. */
  readonly arenaBytes: number;
  /** Constant tables, to be put at the image's place in the memory. */
  readonly image: Uint8Array;
  /** 64 KiB and some for the making of text. */
  readonly scratch: number;
  /** Where string columns are made, and their offsets. */
  readonly strings: number;
  readonly stringOffsets: number;
  readonly groups: readonly GroupPlan[];
}

/** Tables that are generated together: orders and lineitem, every other one alone. */
export interface GroupPlan {
  readonly name: GroupName;
  /** The exported function that fills the columns; see `generate` in runtime.ts. */
  readonly generate: string;
  /** The exported function that moves long streams on, where there are any. */
  readonly walk?: string;
  readonly streams: readonly StreamSlot[];
  readonly tables: readonly TablePlan[];
}

/** Named after its first table. */
export type GroupName = TableName;

export interface StreamSlot extends StreamConstant {
  readonly slot: number;
  /** A 64-bit stream, which cannot be skipped ahead within a part. */
  readonly long: boolean;
}

export interface TablePlan {
  readonly name: TableName;
  /** The exported function that writes text, if that is the output. */
  readonly format: string;
  /** Where text goes, and how much there is room for, in units. */
  readonly text: { readonly address: number; readonly units: number };
  readonly comment: { readonly offset: Column; readonly length: Column };
  /** What the columns of the table are made of, in order, if that is the output. */
  readonly columns: readonly ColumnPlan[];
}

/** How a column of the table comes from the arena. */
export type ColumnPlan =
  | { readonly form: 'fixed'; readonly column: Column; readonly signed: boolean }
  | { readonly form: 'dictionary'; readonly column: Column; readonly words: DictionaryName }
  /** `strings` is the exported function that writes the texts and their offsets. */
  | { readonly form: 'string'; readonly strings: string };

/** The dictionaries that columns are coded with; see dictionaries.ts. */
export type DictionaryName =
  | 'brand'
  | 'clerk'
  | 'container'
  | 'lineStatus'
  | 'manufacturer'
  | 'marketSegment'
  | 'nation'
  | 'orderPriority'
  | 'orderStatus'
  | 'partType'
  | 'region'
  | 'returnFlag'
  | 'shipInstruction'
  | 'shipMode';
