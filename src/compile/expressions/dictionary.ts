import { evaluate } from '../../plan/evaluate.ts';
import type { Expression } from '../../plan/expression.ts';
import { children } from '../../plan/expression.ts';
import { isEvaluable } from '../../plan/functions/index.ts';
import { type Expr, i32, i64 } from '../../wasm/index.ts';
import type { Scope } from '../query.ts';
import type { BoolValue, CodeValue } from '../value.ts';
import { columnsOf } from './compile.ts';

/**
 * A predicate on one dictionary-coded column, decided once for each entry of the dictionary: any
 * combination of comparisons, LIKE and functions becomes a test of the code.
 */
export function compileDictionaryPredicate(
  expression: Expression,
  scope: Scope,
): BoolValue | undefined {
  if (expression.type.kind !== 'boolean') return undefined;
  const value = codedColumn(expression, scope);
  if (value === undefined) return undefined;
  const outcome = (text: string | null) =>
    evaluate(expression, { column: () => text, parameter: () => null });
  const outcomes = value.dictionary.values.map(outcome);
  const x = codeTest(
    scope,
    value,
    outcomes.map((o) => o === true),
  );
  const unknown = outcomes.some((o) => o === null);
  if (value.isNull === undefined && !unknown) return { form: 'bool', x, isNull: undefined };
  const ofNull = value.isNull === undefined ? false : outcome(null);
  const isUnknown = unknown
    ? codeTest(
        scope,
        value,
        outcomes.map((o) => o === null),
      )
    : i32.const(0);
  if (value.isNull === undefined) return { form: 'bool', x, isNull: isUnknown };
  return {
    form: 'bool',
    x: i32.select(value.isNull, ofNull === true ? 1 : 0, x),
    isNull: i32.select(value.isNull, ofNull === null ? 1 : 0, isUnknown),
  };
}

/**
 * The value of the only column that an expression reads, if that is dictionary-coded text and the
 * expression can be evaluated for each of its entries.
 */
export function codedColumn(expression: Expression, scope: Scope): CodeValue | undefined {
  const columns = [...columnsOf(expression)];
  if (columns.length !== 1 || columns[0].type.kind !== 'varchar') return undefined;
  if (!isDecidable(expression)) return undefined;
  const value = scope.column(columns[0]);
  return value.form === 'code' ? value : undefined;
}

function isDecidable(expression: Expression): boolean {
  if (expression.kind === 'parameter') return false;
  if (expression.kind === 'call' && !isEvaluable(expression.name)) return false;
  return children(expression).every(isDecidable);
}

/** A run of codes [from, to) that alone pass, or undefined when they are not adjacent. */
export function passingRun(passes: readonly boolean[]): { from: number; to: number } | undefined {
  const from = passes.indexOf(true);
  if (from < 0) return { from: 0, to: 0 };
  const to = passes.lastIndexOf(true) + 1;
  for (let i = from; i < to; i++) if (!passes[i]) return undefined;
  return { from, to };
}

/** An i32: whether the code is one of those that pass. */
function codeTest(scope: Scope, value: CodeValue, passes: readonly boolean[]): Expr {
  const run = passingRun(passes);
  if (run !== undefined) {
    const { from, to } = run;
    if (from === to) return i32.const(0);
    if (to - from === passes.length) return i32.const(1);
    if (to - from === 1) return i32.eq(value.x, from);
    const shifted = from === 0 ? value.x : i32.sub(value.x, from);
    return i32.ltU(shifted, to - from);
  }
  if (passes.length <= 64) {
    let bits = 0n;
    passes.forEach((pass, code) => {
      if (pass) bits |= 1n << BigInt(code);
    });
    const shifted = i64.shrU(i64.const(BigInt.asIntN(64, bits)), i64.extendI32U(value.x));
    return i32.and(i32.wrapI64(shifted), 1);
  }
  const table = new Uint8Array(Math.ceil(passes.length / 8));
  passes.forEach((pass, code) => {
    if (pass) table[code >> 3] |= 1 << (code & 7);
  });
  const offset = scope.query.constantBytes(table);
  const byte = i32.load8U(i32.add(scope.pipeline.frame, i32.shrU(value.x, 3)), offset);
  return i32.and(i32.shrU(byte, i32.and(value.x, 7)), 1);
}
