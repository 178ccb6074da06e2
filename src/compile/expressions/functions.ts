import type { CallExpression } from '../../plan/expression.ts';
import type { Scope } from '../query.ts';
import type { Value } from '../value.ts';
import { type Build, notSupported } from './build.ts';
import { codeFunctions } from './codes.ts';
import { compileExpression } from './compile.ts';
import { dateFunctions } from './dates.ts';
import { distanceFunctions } from './distances.ts';
import { doubleFunctions } from './doubles.ts';
import { formatFunctions } from './formats.ts';
import { intervalFunctions } from './intervals.ts';
import { movingFunctions } from './moving.ts';
import { regexFunctions } from './regexes.ts';
import { stringFunctions } from './strings.ts';
import { compileJoined, textFunctions } from './texts.ts';
import { timeFormatFunctions } from './time-format.ts';
import { wholeFunctions } from './whole.ts';

/** The code of functions by their names in plans. */
const functions: ReadonlyMap<string, Build> = new Map(
  Object.entries({
    ...stringFunctions,
    ...textFunctions,
    ...regexFunctions,
    ...codeFunctions,
    ...distanceFunctions,
    ...formatFunctions,
    concat_ws: compileJoined,
    ...wholeFunctions,
    ...doubleFunctions,
    ...dateFunctions,
    ...movingFunctions,
    ...timeFormatFunctions,
    ...intervalFunctions,
  }),
);

export function compileFunction(expression: CallExpression, scope: Scope): Value {
  const build = functions.get(expression.name);
  if (build === undefined) notSupported(`function ${expression.name}`);
  const args = expression.args.map((arg) => compileExpression(arg, scope));
  return build(args, expression, scope);
}
