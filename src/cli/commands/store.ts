import { createReadStream } from 'node:fs';
import { receive, type Store, send } from '../../store/index.ts';
import { readKeyFile } from '../../store/node/key-file.ts';
import { openStoreFile } from '../../store/node/store-file.ts';
import { type Command, type CommandGroup, defineCommand } from '../command.ts';
import { type Io, write } from '../io.ts';
import { type OptionTable, optionTable } from '../options.ts';
import { UsageError } from '../usage-error.ts';

interface StoreCall {
  store: Store;
  args: string[];
  options: Record<string, unknown>;
  io: Io;
}

const jsonOption = optionTable({
  json: { type: 'flag', summary: 'Write JSON instead of text' },
  'key-file': {
    type: 'text',
    value: 'FILE',
    summary: 'Key of an encrypted store: 32 bytes, or 64 hexadecimal digits',
  },
});

/** The commands of `quern store`, which work on a store file that nobody else is writing. */
export const storeGroup: CommandGroup = {
  name: 'store',
  summary: 'Look after a store file: verify, info, snapshots, branches, compaction, streams',
  commands: {
    info: entry('info', 'Tell what is in a store and how much space it takes', [], true, info),
    verify: entry(
      'verify',
      'Read and check everything, and name what is damaged',
      [],
      true,
      verify,
    ),
    snapshot: entry('snapshot', 'Keep an object as it is now', ['NAME@SNAPSHOT'], false, snapshot),
    branch: entry(
      'branch',
      'Make a writable copy that shares everything',
      ['SOURCE', 'NAME'],
      false,
      branch,
    ),
    delete: entry(
      'delete',
      'Delete an object (NAME) or a snapshot (NAME@SNAPSHOT)',
      ['NAME'],
      false,
      remove,
    ),
    compact: entry('compact', 'Give free space back to the file system', [], false, compact),
    send: entry(
      'send',
      'Write a snapshot, or what changed since another, as a stream',
      ['NAME@SNAPSHOT'],
      true,
      sendStream,
      {
        since: { type: 'text', value: 'SNAPSHOT', summary: 'Only what differs from this one' },
      },
    ),
    receive: entry(
      'receive',
      'Take in a stream, from a file or from standard input',
      ['NAME', '[STREAM]'],
      false,
      receiveStream,
    ),
  },
};

function entry(
  name: string,
  summary: string,
  positionals: string[],
  readOnly: boolean,
  run: (call: StoreCall) => Promise<number>,
  more: OptionTable = {},
): { summary: string; load: () => Promise<Command> } {
  const required = ['FILE', ...positionals];
  const command = defineCommand({
    name: `store ${name}`,
    summary,
    positionals: required.join(' '),
    positionalsMax: required.length,
    options: { ...jsonOption, ...more },
    async run({ options, positionals: args, io }) {
      const least = required.filter((word) => !word.startsWith('[')).length;
      if (args.length < least) throw new UsageError(`${required[args.length]} is missing`);
      const [path, ...rest] = args;
      const keyFile = options['key-file'];
      const key = typeof keyFile === 'string' ? { encryption: readKeyFile(keyFile) } : {};
      const store = await openStoreFile(path, { readOnly, create: false, ...key });
      try {
        return await run({ store, args: rest, options, io });
      } finally {
        await store.close();
      }
    },
  });
  return { summary, load: async () => command };
}

async function show(call: StoreCall, value: object, lines: string[]): Promise<void> {
  const text = call.options.json === true ? [JSON.stringify(value)] : lines;
  await write(call.io.stdout, text.map((line) => `${line}\n`).join(''));
}

async function info(call: StoreCall): Promise<number> {
  const { store } = call;
  const space = store.space();
  const usages = await store.usages();
  const objects = store.list().map((object) => ({ ...object, usage: usages.get(object.name)! }));
  const snapshots = store.snapshots().map((one) => {
    const usage = usages.get(`${one.name}@${one.snapshot}`)!;
    return { ...one, usage };
  });
  const { superblocks, recovery } = store;
  const lines = [
    `size ${space.size}, live ${space.live}, free ${space.free}, reclaimable ${space.reclaimable}`,
    ...objects.map(
      ({ kind, name, size, usage }) =>
        `${kind} ${name}: size ${size}, holds ${usage.referenced}, ${usage.exclusive} of it alone`,
    ),
    ...snapshots.map(
      ({ name, snapshot: at, usage }) =>
        `snapshot ${name}@${at}: holds ${usage.referenced}, ${usage.exclusive} of it alone`,
    ),
  ];
  await show(call, { space, objects, snapshots, superblocks, recovery }, lines);
  return 0;
}

async function verify(call: StoreCall): Promise<number> {
  const report = call.store.verify();
  const copies = call.store.superblocks.filter((copy) => copy.generation === undefined);
  for (const { place } of copies) {
    report.problems.push({
      object: 'superblock',
      problem: `the copy at block ${place} is damaged`,
    });
  }
  const lines = report.problems.map(({ object, problem }) => `${object}: ${problem}`);
  const count = `${report.nodes} tree nodes and ${report.dataBlocks} data blocks checked`;
  await show(call, report, [...lines, `${count}, ${report.problems.length} problems`]);
  return report.problems.length === 0 ? 0 : 1;
}

function splitSnapshot(name: string): [string, string] {
  const [object, at] = name.split('@', 2);
  if (at === undefined) throw new UsageError(`'${name}' does not name a snapshot (NAME@SNAPSHOT)`);
  return [object, at];
}

async function snapshot({ store, args: [name] }: StoreCall): Promise<number> {
  await store.snapshot(...splitSnapshot(name));
  return 0;
}

async function branch({ store, args: [source, name] }: StoreCall): Promise<number> {
  await store.branch(source, name);
  return 0;
}

async function remove({ store, args: [name] }: StoreCall): Promise<number> {
  if (name.includes('@')) await store.deleteSnapshot(...splitSnapshot(name));
  else await store.delete(name);
  return 0;
}

async function compact(call: StoreCall): Promise<number> {
  const report = await call.store.compact();
  const line = `${report.before} bytes before, ${report.after} after, ${report.moved} moved`;
  await show(call, report, [line]);
  return 0;
}

async function sendStream({ store, args: [name], options, io }: StoreCall): Promise<number> {
  const since = typeof options.since === 'string' ? options.since : undefined;
  for (const chunk of send(store, ...splitSnapshot(name), since)) await write(io.stdout, chunk);
  return 0;
}

async function receiveStream(call: StoreCall): Promise<number> {
  const { store, args, io } = call;
  const [name, file] = args;
  const chunks = file === undefined ? io.stdin : createReadStream(file);
  const report = await receive(store, name, chunks as AsyncIterable<Uint8Array>);
  await show(call, report, [`${name}@${report.snapshot}`]);
  return 0;
}
