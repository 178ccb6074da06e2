import { generateRefreshSets } from '../../tpc/node/refresh.ts';
import { defineCommand } from '../command.ts';
import { untilInterrupted } from '../interrupt.ts';
import { optionTable } from '../options.ts';
import { showProgress } from '../progress.ts';
import { UsageError } from '../usage-error.ts';

const options = optionTable({
  scale: {
    type: 'number',
    short: 's',
    value: 'N',
    default: 1,
    summary: 'Scale factor of the data that the sets belong to',
  },
  sets: { type: 'integer', short: 'U', value: 'N', default: 1, summary: 'How many sets' },
  first: { type: 'integer', value: 'N', default: 1, summary: 'The first one' },
  out: { type: 'text', short: 'o', value: 'DIR', summary: 'Directory for the files' },
  'insert-segments': {
    type: 'integer',
    short: 'i',
    value: 'N',
    summary: 'Cut the orders of a set, and their lines, into N files',
  },
  'delete-segments': {
    type: 'integer',
    short: 'd',
    value: 'N',
    summary: 'Cut the keys to delete into N files',
  },
  threads: { type: 'integer', value: 'N', min: 1, max: 1024, summary: 'Threads that generate' },
  overwrite: { type: 'flag', summary: 'Replace files that exist' },
});

const details = `A set has orders to insert (RF1), with their lines, and keys of orders to delete
(RF2). The files and their names are those of dbgen -U: orders.tbl.u1, lineitem.tbl.u1, delete.1.

Example:
  quern tpch refresh --scale 10 --sets 4 --out data
`;

export const tpchRefreshCommand = defineCommand({
  name: 'tpch refresh',
  summary: 'Write refresh sets of TPC-H',
  options,
  details,
  async run({ options, io }) {
    const { out } = options;
    if (out === undefined) throw new UsageError('--out DIR is missing');
    return untilInterrupted((signal) =>
      showProgress(io, (onProgress) =>
        generateRefreshSets({
          scale: options.scale,
          sets: options.sets,
          first: options.first,
          out,
          insertSegments: options['insert-segments'],
          deleteSegments: options['delete-segments'],
          threads: options.threads,
          overwrite: options.overwrite,
          signal,
          onProgress,
        }),
      ),
    );
  },
});
