import { parseArgs } from 'node:util';
import { parseByteSize } from '../base/byte-size.ts';
import { nearestName } from '../base/nearest.ts';
import { UsageError } from './usage-error.ts';

/** One option of a command, as its help shows it and as it is parsed and checked. */
export type OptionSpec = FlagSpec | TextSpec | NumberSpec | SizeSpec | ListSpec;

interface CommonSpec {
  summary: string;
  /** One letter, for `-c`. */
  short?: string;
}

interface FlagSpec extends CommonSpec {
  type: 'flag';
}

interface TextSpec extends CommonSpec {
  type: 'text';
  /** The word that stands for the value in help texts. */
  value: string;
  choices?: readonly string[];
  default?: string;
}

interface NumberSpec extends CommonSpec {
  type: 'number' | 'integer';
  value: string;
  min?: number;
  max?: number;
  default?: number;
}

/** Bytes, written as `2GB`, `512 MiB` or a plain number. */
interface SizeSpec extends CommonSpec {
  type: 'size';
  value: string;
  default?: number;
}

/** Words with commas between them; may be given several times. */
interface ListSpec extends CommonSpec {
  type: 'list';
  value: string;
  choices?: readonly string[];
}

export type OptionTable = Record<string, OptionSpec>;

type Given<S extends OptionSpec> = S extends { type: 'flag' }
  ? boolean
  : S extends { type: 'text'; choices: readonly (infer C)[] }
    ? C
    : S extends { type: 'text' }
      ? string
      : S extends { type: 'list' }
        ? string[]
        : number;

/** What parsing gives: flags are boolean, the others undefined when absent and without default. */
export type OptionValues<T extends OptionTable> = {
  [K in keyof T]: T[K] extends { type: 'flag' } | { default: string | number }
    ? Given<T[K]>
    : Given<T[K]> | undefined;
};

export interface ParsedArguments<T extends OptionTable> {
  options: OptionValues<T>;
  positionals: string[];
}

/** Keeps literal types of an option table, so that values get the narrowest type. */
export function optionTable<const T extends OptionTable>(table: T): T {
  return table;
}

/** Parses the arguments of a command; a {@link UsageError} says what is wrong with them. */
export function parseOptions<T extends OptionTable>(
  table: T,
  args: readonly string[],
): ParsedArguments<T> {
  const { values, positionals } = parseStrictly(table, args);
  const options: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(table)) {
    options[name] = readOption(name, spec, values[name]);
  }
  return { options: options as OptionValues<T>, positionals };
}

type RawValues = Record<string, string | boolean | (string | boolean)[] | undefined>;

function parseStrictly(table: OptionTable, args: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(table).map(([name, spec]) => [
      name,
      {
        type: spec.type === 'flag' ? ('boolean' as const) : ('string' as const),
        multiple: spec.type === 'list',
        ...(spec.short === undefined ? {} : { short: spec.short }),
      },
    ]),
  );
  try {
    const { values, positionals } = parseArgs({
      args: joinTexts(table, args),
      options,
      allowPositionals: true,
    });
    return { values: values as RawValues, positionals };
  } catch (error) {
    throw new UsageError(explain(error as Error & { code?: string }, args, table));
  }
}

/**
 * Joins an option and a value that starts with a dash but is plainly no option, as a SQL text that
 * starts with a comment: Node takes only `--name=value` for it.
 */
function joinTexts(table: OptionTable, args: readonly string[]): string[] {
  const joined: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const name = Object.keys(table).find((key) => {
      return table[key].type !== 'flag' && [`--${key}`, `-${table[key].short}`].includes(args[i]);
    });
    const value = args[i + 1];
    if (args[i] === '--') return [...joined, ...args.slice(i)];
    if (name !== undefined && value !== undefined && /^-.*\s/s.test(value)) {
      joined.push(`--${name}=${value}`);
      i++;
    } else {
      joined.push(args[i]);
    }
  }
  return joined;
}

/** Node's messages speak to programmers in several lines; a user gets one. */
function explain(error: Error & { code?: string }, args: readonly string[], table: OptionTable) {
  if (error.code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const unknown = /'(-[^']*)'/.exec(error.message)?.[1] ?? '';
    const given = args.find((arg) => arg.startsWith(unknown)) ?? unknown;
    return `unknown option ${given.replace(/=.*/s, '')}${nearestHint(unknown, table)}`;
  }
  const option = /'(?:-\w, )?(--?[\w-]+)[^']*'/.exec(error.message)?.[1] ?? '';
  const spec = table[option.replace(/^-+/, '')];
  if (spec !== undefined && spec.type === 'flag') return `${option} takes no value`;
  return `${option} needs a value`;
}

function nearestHint(unknown: string, table: OptionTable): string {
  const word = unknown.replace(/^-+/, '');
  const names = Object.keys(table);
  const near = names.find((name) => word.length > 1 && name.startsWith(word));
  const best = near ?? nearestName(word, names);
  return best === undefined ? '' : `; did you mean --${best}?`;
}

function readOption(name: string, spec: OptionSpec, raw: RawValues[string]): unknown {
  if (spec.type === 'flag') return raw === true;
  if (spec.type === 'list') {
    if (raw === undefined) return undefined;
    const words = (raw as string[]).flatMap((text) => text.split(','));
    const list = words.map((word) => word.trim()).filter((word) => word !== '');
    for (const word of list) checkChoice(name, word, spec.choices);
    return list;
  }
  if (raw === undefined) return spec.default;
  const text = String(raw);
  if (spec.type === 'text') return checkChoice(name, text, spec.choices);
  if (spec.type === 'size') return parseSize(name, text);
  return parseNumber(name, spec, text);
}

function checkChoice(name: string, word: string, choices: readonly string[] | undefined): string {
  if (choices === undefined || choices.includes(word)) return word;
  throw new UsageError(`--${name} ${word}: must be one of ${choices.join(', ')}`);
}

function parseNumber(name: string, spec: NumberSpec, text: string): number {
  const kind = spec.type === 'integer' ? 'a whole number' : 'a number';
  const value = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  const whole = spec.type !== 'integer' || Number.isSafeInteger(value);
  if (!Number.isFinite(value) || !whole) {
    throw new UsageError(`--${name} ${text}: must be ${kind}`);
  }
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = spec;
  if (value < min) throw new UsageError(`--${name} ${text}: must be at least ${min}`);
  if (value > max) throw new UsageError(`--${name} ${text}: must be at most ${max}`);
  return value;
}

function parseSize(name: string, text: string): number {
  const bytes = parseByteSize(text);
  if (bytes !== undefined) return bytes;
  throw new UsageError(`--${name} ${text}: must be a size such as 512MB or 2GiB`);
}
