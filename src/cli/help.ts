import type { Command, CommandGroup } from './command.ts';
import type { OptionSpec, OptionTable } from './options.ts';

/** The help text of a command. */
export function commandHelp(command: Command): string {
  const { name, summary, positionals = '', details } = command;
  const usage = ['quern', name, '[options]', positionals].filter((word) => word !== '').join(' ');
  const parts = [
    `${summary}\n`,
    `Usage: ${usage}\n`,
    optionsHelp({
      ...command.options,
      help: { type: 'flag', short: 'h', summary: 'Show this help' },
    }),
    ...(details === undefined ? [] : [`${details.trimEnd()}\n`]),
  ];
  return parts.join('\n');
}

/** The help text of a group: its commands, a line each. */
export function groupHelp(group: CommandGroup): string {
  const rows = Object.entries(group.commands).map(
    ([name, { summary }]) => [name, summary] as const,
  );
  return `${group.summary}\n\nUsage: quern ${group.name} COMMAND [options]\n\n${twoColumns(rows)}`;
}

/** The options of a command, a line each, under a heading. */
export function optionsHelp(table: OptionTable): string {
  const rows = Object.entries(table).map(([name, spec]) => {
    const short = spec.short === undefined ? '    ' : `-${spec.short}, `;
    const value = spec.type === 'flag' ? '' : ` ${spec.value}`;
    return [`${short}--${name}${value}`, describe(spec)] as const;
  });
  return `Options:\n${twoColumns(rows)}`;
}

function describe(spec: OptionSpec): string {
  const notes: string[] = [];
  if ((spec.type === 'text' || spec.type === 'list') && spec.choices !== undefined) {
    notes.push(spec.choices.join(', '));
  }
  if ('default' in spec && spec.default !== undefined) notes.push(`default ${spec.default}`);
  return notes.length === 0 ? spec.summary : `${spec.summary} (${notes.join('; ')})`;
}

/** Rows of a word and its explanation, aligned. */
export function twoColumns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([word]) => word.length));
  return rows.map(([word, text]) => `  ${word.padEnd(width)}  ${text}\n`).join('');
}
