import type { CommandGroup } from '../command.ts';

/** `quern bench …`: benchmarks that users run themselves. */
export const benchGroup: CommandGroup = {
  name: 'bench',
  summary: 'Run a benchmark, beside other engines if wanted',
  commands: {
    tpch: {
      summary: 'TPC-H queries on tables in memory',
      load: async () => (await import('./bench-tpch.ts')).benchTpchCommand,
    },
  },
};
