/** Regular expressions: constant patterns as automata, others as programs that are simulated. */
import type { CallExpression } from '../../plan/expression.ts';
import type { MatcherOptions } from '../../regex/matcher.ts';
import { matcherFor } from '../../regex/matcher.ts';
import { parseOptions } from '../../regex/options.ts';
import { parseRegex } from '../../regex/parse.ts';
import { parseReplacement, placesOf } from '../../regex/replacement.ts';
import { type Expr, i32, type Local } from '../../wasm/index.ts';
import { emitRegexReplace, type RegexFinder } from '../kernels/regex-replace.ts';
import {
  emitRegexSimulate,
  regexProgram,
  scratchAt,
  scratchBytes,
} from '../kernels/regex-simulate.ts';
import { emitRegexWalk } from '../kernels/regex-walk.ts';
import { regexFlags } from '../program.ts';
import type { Scope } from '../query.ts';
import { nullOfAny, type StringValue, type Value } from '../value.ts';
import { type Build, notSupported } from './build.ts';
import { fold } from './compile.ts';
import { decode } from './strings.ts';
import { checkLength, roomFunction } from './text-room.ts';

/** A pattern made ready: how to find it, and what that needs. */
interface Search {
  readonly finder: RegexFinder;
  /** Runs `use` with the table and the scratch memory that the finder takes. */
  within(use: (table: Expr, scratch: Expr) => void): void;
}

/** The constant text of an argument, if it is one. */
function constantArg(expression: CallExpression, index: number): string | undefined {
  const arg = expression.args[index];
  const value = arg === undefined ? '' : fold(arg)?.value;
  return typeof value === 'string' ? value : undefined;
}

function searchOf(
  expression: CallExpression,
  pattern: Value,
  options: MatcherOptions,
  scope: Scope,
): Search {
  const known = constantArg(expression, 1);
  return known === undefined
    ? dynamicSearch(decode(pattern, scope), options, scope)
    : constantSearch(known, options, scope);
}

function constantSearch(pattern: string, options: MatcherOptions, scope: Scope): Search {
  const { module } = scope.query;
  const { frame, local } = scope.pipeline;
  const matcher = matcherFor(pattern, options);
  const name = `${JSON.stringify(options)} ${pattern}`;
  const places = options.places ?? [];
  const walk = emitRegexWalk(module, name, matcher);
  if (walk !== undefined) {
    const table = i32.add(frame, scope.query.constantBytes(walk.table));
    return { finder: { name, func: walk.func, places }, within: (use) => use(table, i32.const(0)) };
  }
  const program = regexProgram(matcher.nfa);
  const table = i32.add(frame, scope.query.constantBytes(program));
  const scratch = i32.add(local, scope.query.localSlot(scratchBytes(matcher.nfa), 16));
  return { finder: simulation(name, places, scope), within: (use) => use(table, scratch) };
}

function dynamicSearch(pattern: StringValue, options: MatcherOptions, scope: Scope): Search {
  const places = options.places ?? [];
  const flags =
    (options.ignoreCase ? regexFlags.ignoreCase : 0) |
    (options.dotAll ? regexFlags.dotAll : 0) |
    (options.literal ? regexFlags.literal : 0) |
    (options.whole ? regexFlags.whole : 0) |
    places.reduce((bits, place) => bits | (1 << (regexFlags.places + place)), 0);
  const { f } = scope;
  const compiled = scope.query.regexProgram();
  return {
    finder: simulation('', places, scope),
    within: (use) => {
      const program = f.let(compiled.call(pattern.x, pattern.y, flags), 'program');
      use(program, i32.load(program, scratchAt));
    },
  };
}

function simulation(name: string, places: readonly number[], scope: Scope): RegexFinder {
  const func = emitRegexSimulate(scope.query.module, places.length);
  return { name: `simulated ${name} ${places}`, func, places };
}

/** Runs code where none of the arguments is NULL. */
function unlessNull(isNull: Expr | undefined, scope: Scope, run: () => void): void {
  if (isNull === undefined) run();
  else scope.f.if(i32.eqz(isNull), run);
}

function matches(whole: boolean): Build {
  return (args, expression, scope) => {
    const { f } = scope;
    const { ignoreCase, dotAll, literal } = parseOptions(constantArg(expression, 2) ?? '');
    const options = { whole, exists: true, ignoreCase, dotAll, literal };
    const text = decode(args[0], scope);
    const isNull = nullOfAny(args);
    const x = f.local('i32', 'matches');
    const end = f.local('i32', 'end');
    f.set(x, 0);
    const search = searchOf(expression, args[1], options, scope);
    unlessNull(isNull, scope, () => {
      search.within((table, scratch) => {
        const call = search.finder.func.callMulti(text.x, text.y, 0, table, scratch);
        f.setMulti([x, end], call);
      });
    });
    return { form: 'bool', x, isNull };
  };
}

const extract: Build = (args, expression, scope) => {
  const { f } = scope;
  const { ignoreCase, dotAll, literal } = parseOptions(constantArg(expression, 3) ?? '');
  const group = Number(fold(expression.args[2])?.value ?? 0);
  const places = [2 * group, 2 * group + 1];
  const text = decode(args[0], scope);
  const isNull = nullOfAny(args);
  const local = (name: string): Local => f.local('i32', name);
  const [x, y, found, end, to] = ['part', 'part_length', 'found', 'end', 'to'].map(local);
  const search = searchOf(expression, args[1], { ignoreCase, dotAll, literal, places }, scope);
  unlessNull(isNull, scope, () => {
    search.within((table, scratch) => {
      const call = search.finder.func.callMulti(text.x, text.y, 0, table, scratch);
      f.setMulti([found, end, x, to], call);
    });
    const isThere = i32.and(found, i32.ne(to, -1));
    f.set(y, i32.select(isThere, i32.sub(to, x), 0));
    f.set(x, i32.select(isThere, x, text.x));
  });
  return { form: 'string', x, y, isNull };
};

const replace: Build = (args, expression, scope) => {
  const { f, query, pipeline } = scope;
  const pattern = constantArg(expression, 1);
  const template = constantArg(expression, 2);
  if (template === undefined) notSupported('a replacement that is not constant');
  const { global, ...options } = parseOptions(constantArg(expression, 3) ?? '');
  const groups = pattern === undefined ? 9 : parseRegex(pattern, options).groups;
  const replacement = parseReplacement(template, groups);
  const places = placesOf(replacement);
  const text = decode(args[0], scope);
  const isNull = nullOfAny(args);
  const x = f.local('i32', 'replaced');
  const y = f.local('i32', 'replaced_length');
  const search = searchOf(expression, args[1], { ...options, places }, scope);
  const func = emitRegexReplace(query.module, search.finder, {
    replacement,
    global,
    room: roomFunction(scope),
    textSlot: query.textSlot(),
  });
  unlessNull(isNull, scope, () => {
    search.within((table, scratch) => {
      f.setMulti([x, y], func.callMulti(pipeline.local, text.x, text.y, table, scratch));
    });
  });
  return checkLength({ form: 'string', x, y, isNull }, scope);
};

export const regexFunctions: Readonly<Record<string, Build>> = {
  regexp_matches: matches(false),
  regexp_full_match: matches(true),
  regexp_extract: extract,
  regexp_replace: replace,
};
