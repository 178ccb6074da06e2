import { assert } from '../../base/assert.ts';
import { QuernError, sqlState } from '../../base/error.ts';
import type { CallExpression, CaseExpression, Expression } from '../../plan/expression.ts';
import { i32, type Local } from '../../wasm/index.ts';
import type { Scope } from '../query.ts';
import { type Range, unionRange } from '../range.ts';
import { halves, isPair, spill, type Value } from '../value.ts';
import { compareValues } from './comparison.ts';
import { compileCondition, compileExpression } from './compile.ts';
import { decode } from './strings.ts';

/**
 * Joins the values of alternative branches in one set of locals. The form of the result is known
 * only when all branches are: each branch therefore leaves a slot that is filled at the end.
 */
class Merge {
  readonly #scope: Scope;
  readonly #alternatives: { value: Value; store: (build: () => void) => void }[] = [];

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /** To be called where the branch ends, in its scope. */
  add(value: Value): void {
    const { f } = this.#scope;
    const slot = f.slot();
    this.#alternatives.push({ value, store: (build) => f.into(slot, build) });
  }

  finish(): Value {
    const values = this.#alternatives.map(({ value }) => value);
    const certain = values.filter((value) => !isNullConstant(value));
    const form = commonForm(certain.length === 0 ? values : certain);
    const { f } = this.#scope;
    const types = {
      int: 'i64',
      wide: 'i64',
      float: 'f64',
      bool: 'i32',
      code: 'i32',
      string: 'i32',
      interval: 'i64',
    } as const;
    const x = f.local(types[form], 'case');
    const two = form === 'wide' || form === 'string' || form === 'interval';
    const y = two ? f.local(types[form], 'case_y') : undefined;
    const nullable = values.some((value) => value.isNull !== undefined);
    const isNull = nullable ? f.local('i32', 'case_null') : undefined;
    for (const { value, store } of this.#alternatives) {
      store(() => this.#store(value, form, x, y, isNull));
    }
    return this.#result(form, x, y, isNull, certain);
  }

  #store(
    value: Value,
    form: Value['form'],
    x: Local,
    y: Local | undefined,
    isNull: Local | undefined,
  ): void {
    const { f } = this.#scope;
    if (isNull !== undefined) f.set(isNull, value.isNull ?? 0);
    if (isNullConstant(value)) {
      // In a loop the locals may hold another row's value; a NULL boolean must read 0.
      if (form === 'bool') f.set(x, 0);
      return;
    }
    if (form === 'wide') {
      assert(value.form === 'int' || value.form === 'wide', 'whole numbers merge');
      const { lo, hi } = halves(value);
      f.set(x, lo);
      if (y) f.set(y, hi);
    } else if (form === 'string') {
      const text = decode(value, this.#scope);
      f.set(x, text.x);
      if (y) f.set(y, text.y);
    } else {
      f.set(x, value.x);
      if (y && isPair(value)) f.set(y, value.y);
    }
  }

  #result(
    form: Value['form'],
    x: Local,
    y: Local | undefined,
    isNull: Local | undefined,
    values: readonly Value[],
  ): Value {
    switch (form) {
      case 'int':
        return { form, x, range: rangeOfAll(values), isNull };
      case 'wide':
        return { form, x, y: y as Local, range: rangeOfAll(values), isNull };
      case 'string':
      case 'interval':
        return { form, x, y: y as Local, isNull };
      case 'code': {
        const [first] = values;
        assert(first?.form === 'code', 'codes merge with codes');
        return { form, x, dictionary: first.dictionary, isNull };
      }
      default:
        return { form, x, isNull };
    }
  }
}

const isNullConstant = (value: Value): boolean =>
  value.isNull !== undefined && nullFlags.has(value);

/** Values made for the literal NULL, whose form says nothing. */
const nullFlags = new WeakSet<Value>();

function rangeOfAll(values: readonly Value[]): Range {
  let range: Range | undefined;
  for (const value of values) {
    if (value.form !== 'int' && value.form !== 'wide') continue;
    range = range === undefined ? value.range : unionRange(range, value.range);
  }
  return range ?? { min: 0n, max: 0n };
}

function commonForm(values: readonly Value[]): Value['form'] {
  const forms = new Set(values.map((value) => value.form));
  if (forms.size === 1) {
    const [form] = forms;
    const [first] = values;
    if (form !== 'code' || first.form !== 'code') return form;
    const same = values.every((v) => v.form === 'code' && v.dictionary === first.dictionary);
    return same ? 'code' : 'string';
  }
  if (forms.has('wide')) return 'wide';
  if (forms.has('string') || forms.has('code')) return 'string';
  throw new QuernError(sqlState.datatypeMismatch, `branches have forms ${[...forms].join(', ')}`);
}

function branchValue(expression: Expression, scope: Scope): Value {
  const value = compileExpression(expression, scope);
  if (expression.kind === 'constant' && expression.value === null) {
    const marked = { ...value };
    nullFlags.add(marked);
    return marked;
  }
  return value;
}

export function compileCase(expression: CaseExpression, scope: Scope): Value {
  const merge = new Merge(scope);
  const build = (index: number, inner: Scope): void => {
    const branch = expression.branches[index];
    if (branch === undefined) {
      merge.add(branchValue(expression.otherwise, inner));
      return;
    }
    const condition = compileCondition(branch.when, inner);
    scope.f.if(
      condition,
      () => merge.add(branchValue(branch.then, inner.child())),
      () => build(index + 1, inner.child()),
    );
  };
  build(0, scope.child());
  return merge.finish();
}

export function compileCoalesce(expression: CallExpression, scope: Scope): Value {
  const merge = new Merge(scope);
  const build = (index: number, inner: Scope): void => {
    const value = branchValue(expression.args[index], inner);
    if (index === expression.args.length - 1 || value.isNull === undefined) {
      merge.add(value);
      return;
    }
    scope.f.if(
      value.isNull,
      () => build(index + 1, inner.child()),
      () => merge.add({ ...value, isNull: undefined }),
    );
  };
  build(0, scope.child());
  const value = merge.finish();
  return value.isNull === undefined ? value : { ...value, isNull: i32.and(value.isNull, 1) };
}

/** greatest and least: of the values that are not NULL. */
export function compileExtreme(expression: CallExpression, scope: Scope): Value {
  const { f } = scope;
  const better = expression.name === 'greatest' ? 'gt' : 'lt';
  const values = expression.args.map((arg) => branchValue(arg, scope));
  const certain = values.filter((value) => !isNullConstant(value));
  const [first] = certain.length === 0 ? values : certain;
  let best = spill(f, first, 'best');
  for (const value of certain.slice(1)) {
    const current = best;
    // Nothing may be compared with a NULL: a text's address would be anything.
    const compared = compareValues(better, value, current, scope);
    const over = current.isNull === undefined ? compared : i32.if(current.isNull, 1, compared);
    const takes = value.isNull === undefined ? over : i32.if(value.isNull, 0, over);
    const merged = new Merge(scope);
    f.if(
      takes,
      () => merged.add(value),
      () => merged.add(current),
    );
    best = merged.finish();
  }
  return best;
}
