import { writeFileSync } from 'node:fs';
import { svgReport } from '../../bench/report/svg.ts';
import { textReport } from '../../bench/report/text.ts';
import { runSuite } from '../../bench/runner.ts';
import { readTpchOptions, runTpch } from '../../bench/tpch.ts';
import { defineCommand } from '../command.ts';
import { complain, write } from '../io.ts';
import { optionTable } from '../options.ts';

const options = optionTable({
  scale: { type: 'number', value: 'SF', default: 1, min: 0.001, summary: 'Scale factor' },
  threads: { type: 'integer', value: 'N', default: 1, min: 1, summary: 'Threads of each engine' },
  runs: { type: 'integer', value: 'N', default: 5, min: 1, summary: 'Timed runs of each query' },
  cold: {
    type: 'integer',
    value: 'N',
    default: 0,
    min: 0,
    summary: 'Fresh processes for the cold time of each query and engine',
  },
  queries: { type: 'list', value: 'NUMBERS', summary: 'Queries such as 1,6 (default: all)' },
  against: {
    type: 'list',
    value: 'ENGINES',
    choices: ['duckdb'],
    summary: 'Engines to compare with, installed beside Quern',
  },
  apart: {
    type: 'flag',
    summary: 'One engine after the other, each in a process of its own: needs less memory',
  },
  texts: { type: 'text', value: 'FILE', summary: 'JSON file of other query texts, by number' },
  json: { type: 'text', value: 'FILE', summary: 'Write the results to a file' },
  svg: { type: 'text', value: 'FILE', summary: 'Write a chart of the ratios to a file' },
});

const details = `Tables are generated, loaded into memory and queried in turn by all engines, so that
all see the same machine. Results are compared before anything is timed. Medians count; "cold" is
the first run or, with --cold, the first in a process that has only loaded the tables. With --apart
an engine has the machine to itself until it is done: for tables that do not fit in it twice.
`;

export const benchTpchCommand = defineCommand({
  name: 'bench tpch',
  summary: 'Measure TPC-H queries on tables in memory',
  options,
  details,
  async run({ options, io }) {
    const benchmark = readTpchOptions({
      scale: String(options.scale),
      threads: String(options.threads),
      cold: String(options.cold),
      queries: options.queries?.join(','),
      against: options.against?.join(','),
      texts: options.texts,
      apart: options.apart,
    });
    const suite = {
      name: 'tpch',
      description: `TPC-H, scale factor ${options.scale}, ${options.threads} threads each`,
      run: (context: Parameters<typeof runTpch>[0]) => runTpch(context, benchmark),
    };
    const report = await runSuite(suite, {
      options: { scale: String(options.scale), threads: String(options.threads) },
      runs: options.runs,
      log: (text) => complain(io, `  ${text}`),
    });
    await write(io.stdout, textReport(report));
    if (options.json !== undefined) {
      writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
    }
    if (options.svg !== undefined) writeFileSync(options.svg, svgReport(report));
    return 0;
  },
});
