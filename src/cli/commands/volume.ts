import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { HttpVolumes } from '../../server/volumes/http-volumes.ts';
import type { VolumeService, VolumeSource } from '../../server/volumes/volume-service.ts';
import { type Command, type CommandGroup, defineCommand } from '../command.ts';
import { type Io, write } from '../io.ts';
import { type OptionTable, optionTable } from '../options.ts';
import { UsageError } from '../usage-error.ts';

const localServer = 'http://localhost:8480';

const common = optionTable({
  server: {
    type: 'text',
    value: 'URL',
    summary: `The HTTP API of quern serve (or in the environment, QUERN_SERVER; default ${localServer})`,
  },
  token: {
    type: 'text',
    value: 'TOKEN',
    summary: 'Bearer token (or in the environment, QUERN_TOKEN)',
  },
  json: { type: 'flag', summary: 'Write JSON instead of a table' },
});

const sizeOption = { type: 'size', value: 'SIZE', summary: 'Size, such as 10GB' } as const;

interface VolumeCall {
  volumes: VolumeService;
  args: string[];
  options: Record<string, unknown>;
  io: Io;
  /** Shows rows, or one row, as the user asked. */
  show(value: object): Promise<void>;
}

/** The commands of `quern volume`. */
export const volumeGroup: CommandGroup = {
  name: 'volume',
  summary: 'Manage the volumes that quern serve offers',
  commands: {
    list: entry('list', 'List the volumes', [], {}, async ({ volumes, show }) => {
      await show(await volumes.list());
    }),
    create: entry(
      'create',
      'Make an empty volume',
      ['NAME'],
      { size: sizeOption },
      async ({ volumes, args: [name], options, show }) => {
        await show(await volumes.create(name, requiredSize(options)));
      },
    ),
    resize: entry(
      'resize',
      'Change the size of a volume',
      ['NAME'],
      { size: sizeOption },
      async ({ volumes, args: [name], options, show }) => {
        await show(await volumes.resize(name, requiredSize(options)));
      },
    ),
    snapshot: entry(
      'snapshot',
      'Keep a volume as it is now',
      ['NAME', 'SNAPSHOT'],
      {},
      async ({ volumes, args: [name, snapshot], show }) => {
        await show(await volumes.takeSnapshot(name, snapshot));
      },
    ),
    snapshots: entry(
      'snapshots',
      'List the snapshots of a volume',
      ['NAME'],
      {},
      async ({ volumes, args: [name], show }) => {
        await show(await volumes.snapshots(name));
      },
    ),
    clone: entry(
      'clone',
      'Make a writable volume of a volume or a snapshot',
      ['SOURCE[@SNAPSHOT]', 'NAME'],
      {},
      async ({ volumes, args: [source, name], show }) => {
        await show(await volumes.clone(name, parseSource(source)));
      },
    ),
    delete: entry(
      'delete',
      'Delete a volume with its snapshots, or one snapshot',
      ['NAME[@SNAPSHOT]'],
      {},
      async ({ volumes, args: [name] }) => {
        const { volume, snapshot } = parseSource(name);
        if (snapshot === undefined) await volumes.delete(volume);
        else await volumes.deleteSnapshot(volume, snapshot);
      },
    ),
    changes: entry(
      'changes',
      'List the ranges that differ from an older snapshot',
      ['NAME[@SNAPSHOT]'],
      { since: { type: 'text', value: 'SNAPSHOT', summary: 'The older snapshot' } },
      listChanges,
    ),
    backup: entry(
      'backup',
      'Write a snapshot as a stream: all of it, or what changed',
      ['NAME@SNAPSHOT'],
      {
        since: { type: 'text', value: 'SNAPSHOT', summary: 'Only what changed since this one' },
        out: { type: 'text', value: 'FILE', summary: 'Where it goes (default: stdout)' },
      },
      backUp,
    ),
    restore: entry(
      'restore',
      'Make a volume of a backup, or bring it forward by one of changes',
      ['NAME', '[FILE]'],
      {},
      restore,
    ),
    usage: entry(
      'usage',
      'Show what the file of the store, or one volume or snapshot, takes',
      ['[NAME[@SNAPSHOT]]'],
      {},
      showUsage,
    ),
  },
};

async function listChanges({ volumes, args: [name], options, show }: VolumeCall): Promise<void> {
  const { volume, snapshot: to } = parseSource(name);
  const { since } = options;
  if (typeof since !== 'string') throw new UsageError('--since SNAPSHOT is needed');
  const ranges: { offset: number; length: number }[] = [];
  let offset: number | undefined = 0;
  while (offset !== undefined) {
    const page = await volumes.changes(volume, { since, to, offset, limit: 10_000 });
    ranges.push(...page.ranges);
    offset = page.nextOffset;
  }
  await show(ranges);
}

async function showUsage({ volumes, args: [name], show }: VolumeCall): Promise<void> {
  if (name === undefined) {
    await show(await volumes.usage());
    return;
  }
  const { volume, snapshot } = parseSource(name);
  await show(await volumes.volumeUsage(volume, snapshot));
}

async function backUp({ volumes, args: [name], options, io }: VolumeCall): Promise<void> {
  const { volume, snapshot } = parseSource(name);
  const { since, out } = options;
  if (snapshot === undefined) throw new UsageError('which snapshot? NAME@SNAPSHOT');
  if (out === undefined && io.stdout.isTTY === true) {
    throw new UsageError('a backup is not for a terminal: give --out FILE or redirect it');
  }
  const stream = volumes.backup(volume, snapshot, since as string | undefined);
  const counted = withProgress(io, stream);
  if (typeof out === 'string') await pipeline(counted, createWriteStream(out));
  else await pipeline(counted, io.stdout, { end: false });
}

async function restore({ volumes, args: [name, file], io, show }: VolumeCall): Promise<void> {
  const source = file === undefined ? io.stdin : createReadStream(file);
  await show(await volumes.restore(name, withProgress(io, source)));
}

/** Counts the bytes that pass, on stderr, where someone watches. */
async function* withProgress(
  io: Io,
  stream: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const begin = performance.now();
  let bytes = 0;
  let shown = begin;
  const line = () => {
    const megabytes = bytes / 1e6;
    const seconds = (performance.now() - begin) / 1000;
    return `${megabytes.toFixed(1)} MB, ${(megabytes / seconds).toFixed(0)} MB/s`;
  };
  for await (const piece of stream) {
    bytes += piece.length;
    yield piece;
    if (io.stderr.isTTY !== true || performance.now() - shown < 200) continue;
    shown = performance.now();
    io.stderr.write(`\r${line()} `);
  }
  if (io.stderr.isTTY === true) io.stderr.write(`\r${line()}\n`);
}

/** One command of the group; positionals in square brackets may be left out. */
function entry(
  name: string,
  summary: string,
  positionals: readonly string[],
  extra: OptionTable,
  body: (call: VolumeCall) => Promise<void>,
): CommandGroup['commands'][string] {
  return { summary, load: async () => command(name, summary, positionals, extra, body) };
}

function command(
  name: string,
  summary: string,
  positionals: readonly string[],
  extra: OptionTable,
  body: (call: VolumeCall) => Promise<void>,
): Command {
  return defineCommand({
    name: `volume ${name}`,
    summary,
    positionals: positionals.join(' '),
    positionalsMax: positionals.length,
    options: { ...extra, ...common },
    run: async ({ options, positionals: args, io }) => {
      const missing = positionals[args.length];
      if (missing !== undefined && !missing.startsWith('[')) {
        throw new UsageError(`${missing} is missing`);
      }
      const { server, token, json } = options;
      const volumes = new HttpVolumes(
        (server as string | undefined) ?? process.env['QUERN_SERVER'] ?? localServer,
        (token as string | undefined) ?? process.env['QUERN_TOKEN'],
      );
      const show = (value: object) => showValue(io, value, json === true);
      await body({ volumes, args, options, io, show });
      return 0;
    },
  });
}

function requiredSize(options: Record<string, unknown>): number {
  if (typeof options['size'] !== 'number') throw new UsageError('--size SIZE is needed');
  return options['size'];
}

function parseSource(text: string): VolumeSource {
  const at = text.indexOf('@');
  if (at < 0) return { volume: text };
  return { volume: text.slice(0, at), snapshot: text.slice(at + 1) };
}

async function showValue(io: Io, value: object, json: boolean): Promise<void> {
  if (json) {
    await write(io.stdout, `${JSON.stringify(value, undefined, 2)}\n`);
    return;
  }
  const rows = (Array.isArray(value) ? value : [value]) as Record<string, unknown>[];
  if (rows.length === 0) return;
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const table = [columns, ...rows.map((row) => columns.map((name) => String(row[name] ?? '')))];
  const widths = columns.map((_, i) => Math.max(...table.map((line) => line[i].length)));
  const lines = table.map((line) => line.map((cell, i) => cell.padEnd(widths[i])).join('  '));
  await write(io.stdout, lines.map((line) => `${line.trimEnd()}\n`).join(''));
}
