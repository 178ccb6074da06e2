import type { Command, CommandGroup } from './command.ts';
import { reportError, runCommand, runGroup } from './command.ts';
import { type Io, quitOnClosedPipe, write } from './io.ts';
import { version } from './version.ts';

type Entry =
  | { summary: string; command: () => Promise<Command> }
  | { summary: string; group: () => Promise<CommandGroup> };

/**
 * The words that may stand first on the command line. Everything else belongs to the default
 * command, which runs SQL. Modules are loaded only when their command is called: starting up must
 * not cost more than the command needs.
 */
const entries: Record<string, Entry> = {
  bench: {
    summary: 'Run a benchmark, beside other engines if wanted',
    group: async () => (await import('./commands/bench.ts')).benchGroup,
  },
  serve: {
    summary: 'Serve the volumes of a store over NBD, and manage them over HTTP',
    command: async () => (await import('./commands/serve.ts')).serveCommand,
  },
  store: {
    summary: 'Look after a store file: verify, info, snapshots, branches, compaction, streams',
    group: async () => (await import('./commands/store.ts')).storeGroup,
  },
  volume: {
    summary: 'Manage the volumes that quern serve offers',
    group: async () => (await import('./commands/volume.ts')).volumeGroup,
  },
  tpch: {
    summary: 'Data and queries of the TPC-H benchmark',
    group: async () => (await import('./commands/tpch.ts')).tpchGroup,
  },
};

const processIo: Io = { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr };

/** The `quern` command. Returns the exit code: 0, 1 for a failure, 2 for wrong usage. */
export async function main(args: string[], io: Io = processIo): Promise<number> {
  if (io === processIo) quitOnClosedPipe(io);
  try {
    return await dispatch(args, io);
  } catch (error) {
    return reportError(error, io);
  }
}

async function dispatch(args: string[], io: Io): Promise<number> {
  const [first = '', ...rest] = args;
  if (first === '--version' || first === '-v') {
    await write(io.stdout, `quern ${version()}\n`);
    return 0;
  }
  if (first === 'help') return rest.length === 0 ? showHelp(io) : dispatch([...rest, '--help'], io);
  if (first === '--help' || first === '-h') return showHelp(io);
  const entry = Object.hasOwn(entries, first) ? entries[first] : undefined;
  if (entry !== undefined && 'command' in entry) return runCommand(await entry.command(), rest, io);
  if (entry !== undefined) return runGroup(await entry.group(), rest, io);
  const { sqlCommand } = await import('./commands/sql.ts');
  return runCommand(sqlCommand, args, io);
}

async function showHelp(io: Io): Promise<number> {
  const [{ commandHelp, twoColumns }, { sqlCommand }] = await Promise.all([
    import('./help.ts'),
    import('./commands/sql.ts'),
  ]);
  const rows = Object.entries(entries).map(([name, { summary }]) => [name, summary] as const);
  await write(io.stdout, commandHelp(sqlCommand));
  if (rows.length > 0)
    await write(io.stdout, `\nCommands (quern COMMAND --help):\n${twoColumns(rows)}`);
  return 0;
}
