import { QuernError } from '../base/error.ts';
import { commandHelp, groupHelp } from './help.ts';
import { complain, type Io, write } from './io.ts';
import { type OptionTable, type OptionValues, parseOptions } from './options.ts';
import { UsageError } from './usage-error.ts';

/** A command: what its help says, its options, and what it does. */
export interface Command<T extends OptionTable = OptionTable> {
  /** With its group: `tpch generate`. */
  name: string;
  /** One line, without a full stop. */
  summary: string;
  /** The positional arguments as help shows them: `[FILE]`. */
  positionals?: string;
  positionalsMax?: number;
  options: T;
  /** What help says below the options: examples, formats, limits. */
  details?: string;
  /** Returns the exit code. */
  run(call: { options: OptionValues<T>; positionals: string[]; io: Io }): Promise<number>;
}

/** Commands under a common first word. Their modules are loaded only when called. */
export interface CommandGroup {
  name: string;
  summary: string;
  commands: Record<string, { summary: string; load: () => Promise<Command> }>;
}

export function defineCommand<const T extends OptionTable>(command: Command<T>): Command {
  return command as unknown as Command;
}

/** Parses the arguments and runs the command, or prints its help. */
export async function runCommand(command: Command, args: string[], io: Io): Promise<number> {
  const table = { ...command.options, help: helpOption };
  const { options, positionals } = parseOptions(table, args);
  if (options.help) {
    await write(io.stdout, commandHelp(command));
    return 0;
  }
  const max = command.positionalsMax ?? 0;
  if (positionals.length > max) {
    throw new UsageError(`unexpected argument '${positionals[max]}'`);
  }
  return command.run({ options, positionals, io });
}

const helpOption = { type: 'flag', short: 'h', summary: 'Show this help' } as const;

export async function runGroup(group: CommandGroup, args: string[], io: Io): Promise<number> {
  const [name = '--help', ...rest] = args;
  if (name === '--help' || name === '-h') {
    await write(args.length === 0 ? io.stderr : io.stdout, groupHelp(group));
    return args.length === 0 ? 2 : 0;
  }
  const entry = Object.hasOwn(group.commands, name) ? group.commands[name] : undefined;
  if (entry === undefined) {
    const known = Object.keys(group.commands).join(', ');
    throw new UsageError(`unknown command '${group.name} ${name}'; there is ${known}`);
  }
  return runCommand(await entry.load(), rest, io);
}

/** Says on stderr what went wrong and gives the exit code for it: 2 for wrong usage, else 1. */
export function reportError(error: unknown, io: Io): number {
  if (error instanceof UsageError) {
    complain(io, `error: ${error.message} (quern --help shows how)`);
    return 2;
  }
  if (error instanceof QuernError) {
    complain(io, `error: ${error.message}`);
    const told = error.hint === undefined || error.message.includes(error.hint);
    if (!told) complain(io, `hint: ${error.hint}`);
    return 1;
  }
  const system = error as NodeJS.ErrnoException;
  if (system?.syscall !== undefined) {
    complain(io, `error: ${system.message}`);
    return 1;
  }
  // A bug of ours: where it happened is what a report needs.
  complain(io, error instanceof Error ? (error.stack ?? error.message) : String(error));
  return 1;
}
