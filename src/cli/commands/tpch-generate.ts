import { QuernError, sqlState } from '../../base/error.ts';
import { type FileFormat, fileFormats, generateTables } from '../../tpc/node/generate.ts';
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
    summary: 'Scale factor, 0.001 to 100000: gigabytes of text, more or less',
  },
  format: {
    type: 'text',
    short: 'f',
    value: 'FORMAT',
    default: 'tbl',
    summary: `How rows are written: ${fileFormats.join(', ')}`,
  },
  out: { type: 'text', short: 'o', value: 'DIR', summary: 'Directory for the files' },
  tables: { type: 'list', short: 'T', value: 'NAMES', summary: 'Only these tables' },
  parts: { type: 'integer', value: 'N', summary: 'Cut every table into N parts, a file each' },
  part: { type: 'integer', value: 'K', summary: 'Write only part K, from 1' },
  stdout: { type: 'flag', summary: 'Write the tables to stdout, one after the other' },
  compression: {
    type: 'text',
    value: 'CODEC',
    default: 'zstd',
    summary: 'Of parquet: zstd, snappy, gzip, none',
  },
  'row-group-size': {
    type: 'integer',
    value: 'ROWS',
    summary: 'Rows of a row group of parquet or a batch of arrow (default: 122880)',
  },
  threads: {
    type: 'integer',
    value: 'N',
    min: 1,
    max: 1024,
    summary: 'Threads that generate (default: all cores)',
  },
  overwrite: { type: 'flag', summary: 'Replace files that exist' },
});

const details = `The rows are byte for byte those of dbgen. Files get their names when they are
complete: an interrupted run leaves none. Parts of tbl files are named as dbgen names them,
lineitem.tbl.3.

Examples:
  quern tpch generate --scale 10 --out data
  quern tpch generate --scale 1000 --tables lineitem --parts 100 --part 7 --out data
  quern tpch generate --scale 0.01 --tables orders --stdout | head
`;

export const tpchGenerateCommand = defineCommand({
  name: 'tpch generate',
  summary: 'Write the tables of TPC-H',
  options,
  details,
  async run({ options, io }) {
    const { out, stdout, format } = options;
    if (stdout === (out !== undefined)) throw new UsageError('give either --out DIR or --stdout');
    checkFormat(format);
    return untilInterrupted((signal) =>
      showProgress(io, (onProgress) =>
        generateTables({
          scale: options.scale,
          format,
          tables: options.tables,
          out: out ?? { descriptor: 1 },
          parts: options.parts,
          part: options.part,
          compression: options.compression,
          rowGroupRows: options['row-group-size'],
          threads: options.threads,
          overwrite: options.overwrite,
          signal,
          onProgress,
        }),
      ),
    );
  },
});

function checkFormat(format: string): asserts format is FileFormat {
  if ((fileFormats as readonly string[]).includes(format)) return;
  throw new QuernError(
    sqlState.invalidParameterValue,
    `there is no format '${format}'; there are ${fileFormats.join(', ')}`,
  );
}
