import type { Delete, Insert, Truncate, Update } from './change.ts';
import type {
  AlterTable,
  CreateIndex,
  CreateSchema,
  CreateTable,
  CreateTableAs,
  CreateView,
  Drop,
} from './definition.ts';
import type { Query } from './query.ts';
import type {
  Analyze,
  Attach,
  CallStatement,
  Checkpoint,
  Copy,
  Deallocate,
  Describe,
  Detach,
  Execute,
  Explain,
  Pragma,
  Prepare,
  Reset,
  SetVariable,
  Show,
  Summarize,
  TransactionControl,
  Use,
} from './utility.ts';

export type Statement =
  | Query
  | DataChange
  | DataDefinition
  | Truncate
  | Analyze
  | Attach
  | CallStatement
  | Checkpoint
  | Copy
  | Deallocate
  | Describe
  | Detach
  | Execute
  | Explain
  | Pragma
  | Prepare
  | Reset
  | SetVariable
  | Show
  | Summarize
  | TransactionControl
  | Use;

export type DataChange = Insert | Update | Delete;

export type DataDefinition =
  | CreateTable
  | CreateTableAs
  | CreateView
  | CreateSchema
  | CreateIndex
  | Drop
  | AlterTable;
