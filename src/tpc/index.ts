/** `quern/tpc`: the data and queries of TPC benchmarks. README.md in this folder has examples. */
import { readTable, shareGenerator, TpchGenerator } from './h/generator.ts';
import { makeQueries } from './h/queries.ts';
import { scaleOf, tableNames } from './h/scale.ts';
import { tableSchemas } from './h/schema.ts';

export type { ReadOptions, SharedGenerator, TableStream } from './h/generator.ts';
export { TpchGenerator } from './h/generator.ts';
export type { Query, QueryOptions } from './h/queries.ts';
export type { Scale, TableName } from './h/scale.ts';

/** TPC-H. */
export const tpch = {
  /** The names of the eight tables. */
  tables: tableNames,
  /** The columns of each table. */
  schemas: tableSchemas,
  /** What a scale factor means. */
  scale: scaleOf,
  /** The 22 queries, with the parameters of the qualification run or those that a seed gives. */
  queries: makeQueries,
  /** A table as batches of columns. */
  read: readTable,
  /** For parallel use: compile once, send to workers, there make a {@link TpchGenerator} of it. */
  share: shareGenerator,
  /** A generator for this thread alone. */
  generator: (options: Omit<Parameters<typeof shareGenerator>[0], 'workers'>): TpchGenerator =>
    new TpchGenerator(shareGenerator({ ...options, workers: 1 })),
} as const;
