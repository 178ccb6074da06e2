/** `read_csv(path, …)`, `read_parquet(path)` and so on, which FROM 'file' stands for. */
import { QuernError, sqlState } from '../base/error.ts';
import type { BatchStream } from '../value/batch.ts';
import type { FileFormat } from './file-formats.ts';
import type { FileSystem } from './files.ts';
import { checkArguments, textArgument } from './source-arguments.ts';
import type { SourceCall, TableFunction } from './sources.ts';

export function fileSource(files: FileSystem, format: FileFormat): TableFunction {
  const pathOf = (call: SourceCall): string => {
    checkArguments(call, ['path', ...format.options], format.reader);
    const path = textArgument(call, 0, 'path');
    if (path === undefined || call.args.length > 1) {
      throw new QuernError(
        sqlState.invalidParameterValue,
        `${format.reader} takes the path of a file; options have names`,
      );
    }
    return path;
  };
  const read = (call: SourceCall, from = files): Promise<BatchStream> => {
    const path = pathOf(call);
    const options = new Map([...call.named].map(([name, { value }]) => [name, value]));
    options.delete('path');
    return format.read(from, path, options);
  };
  const { open } = format;
  return {
    name: format.reader,
    fileEndings: format.endings,
    schema: async (call) => {
      if (format.schema !== undefined) return format.schema(files, pathOf(call));
      // Threads are for rows.
      const { open, openRandom, write } = files;
      const { schema, batches } = await read(call, { open, openRandom, write });
      await discard(batches);
      return schema;
    },
    read: (call) => read(call),
    ...(open && { open: (call, memory) => open(files, pathOf(call), memory) }),
  };
}

/** Ends a stream before its first batch. */
async function discard(batches: BatchStream['batches']): Promise<void> {
  await batches[Symbol.asyncIterator]().return?.();
}
