import { conjunction } from '../../plan/expression.ts';
import type { Join } from '../../plan/plan.ts';
import { type Expr, i32, type Local } from '../../wasm/index.ts';
import { compileCondition, compileExpression } from '../expressions/compile.ts';
import { estimatedRows } from '../properties.ts';
import type { Query, Scope } from '../query.ts';
import type { Value } from '../value.ts';
import { bitOf, directHead, type Index } from './directory.ts';
import type { LookUp } from './join-keys.ts';

/** The flags of keys that match nothing when they are NULL. */
export function nullFlags(keys: readonly Value[], { nullSafe }: LookUp): Expr[] {
  const flags = keys.map((key, i) => (nullSafe[i] ? undefined : key.isNull));
  return flags.filter((flag) => flag !== undefined);
}

/** The keys where none of those flags is set. */
export function presentKeys(keys: readonly Value[], { nullSafe }: LookUp): Value[] {
  return keys.map((key, i) => (nullSafe[i] ? key : { ...key, isNull: undefined }));
}

/** Whether a row of the probe side can have no match, whatever the other side has. */
export function matchlessFlag(
  keys: readonly Value[],
  lookUp: LookUp,
  scope: Scope,
): Local | undefined {
  const flags = nullFlags(keys, lookUp);
  const before = conjunction(lookUp.before);
  if (before !== undefined) flags.push(i32.eqz(compileCondition(before, scope)));
  return flags.length === 0
    ? undefined
    : scope.f.let(
        flags.reduce((a, b) => i32.or(a, b)),
        'matchless',
      );
}

/** If no more rows than this share have a match, they are collected before they are worked on. */
const gatheredShareMax = 0.1;
/** Of fewer rows, the columns stay in the cache. */
const gatheredRowsMin = 2 ** 17;

/**
 * Whether the scan that is the probe side had better look for matches before anything else is done
 * with its rows: where a look at an array tells, and few of many rows have any.
 */
export function isGathered(join: Join, query: Query): boolean {
  const { left, type } = join;
  if (left.kind !== 'scan' || (type !== 'inner' && type !== 'semi')) return false;
  // Rows of the scan are counted before they are probed.
  if (query.options.countRows) return false;
  const rows = estimatedRows(left);
  return rows >= gatheredRowsMin && estimatedRows(join) < rows * gatheredShareMax;
}

/** 1 if the index has the key of a row of the probe side, else 0. */
export function mayMatch(
  lookUp: LookUp,
  index: Extract<Index, { kind: 'bitmap' | 'direct' }>,
  scope: Scope,
): Expr {
  const keys = lookUp.left.map((key) => compileExpression(key, scope));
  const matchless = matchlessFlag(keys, lookUp, scope);
  const key = presentKeys(keys, lookUp)[index.key];
  const look = (at: Scope): Expr => {
    if (index.kind === 'bitmap') return bitOf(at, key, index);
    return i32.ne(directHead(at, key, index), 0);
  };
  if (matchless === undefined) return look(scope);
  // The bits of a NULL key may lie outside its range: it must not be looked up.
  const { f } = scope;
  const found = f.let(i32.const(0), 'found');
  f.if(i32.eqz(matchless), () => f.set(found, look(scope.child())));
  return found;
}
