import type { CommandGroup } from '../command.ts';

export const tpchGroup: CommandGroup = {
  name: 'tpch',
  summary: 'Data and queries of the TPC-H benchmark',
  commands: {
    generate: {
      summary: 'Write the tables of a scale factor to files',
      load: async () => (await import('./tpch-generate.ts')).tpchGenerateCommand,
    },
    refresh: {
      summary: 'Write refresh sets: orders to insert and to delete',
      load: async () => (await import('./tpch-refresh.ts')).tpchRefreshCommand,
    },
    queries: {
      summary: 'Print the 22 queries with their parameters',
      load: async () => (await import('./tpch-queries.ts')).tpchQueriesCommand,
    },
  },
};
