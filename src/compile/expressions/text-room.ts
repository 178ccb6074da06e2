import { children, type Expression } from '../../plan/expression.ts';
import { type Expr, type Func, i32, type Local, type Operand } from '../../wasm/index.ts';
import { failure } from '../program.ts';
import type { Scope } from '../query.ts';
import type { StringValue, Value } from '../value.ts';
import { failIf } from './arithmetic.ts';
import { passingRoom } from './own-text.ts';

/** Strings made at run time are taken from blocks of at least this size. */
const textBlockBytes = 65536;

/**
 * Room for so many bytes from a block of the worker's own, until the end of the execution; in a
 * program that spills, until that of the morsel.
 */
export function textRoom(scope: Scope, bytes: Expr): Expr {
  return roomFunction(scope).call(scope.pipeline.local, bytes);
}

/** (local, bytes) → the address of room for so many. */
export function roomFunction({ query, pipeline }: Scope): Func {
  const slot = query.textSlot();
  if (query.options.spill !== undefined) return passingRoom(query, pipeline, slot);
  return query.helper('text_room', (name) =>
    query.module.func(name, { params: { local: 'i32', bytes: 'i32' }, results: ['i32'] }, (f) => {
      const { local, bytes: wanted } = f.param;
      const cursor = f.let(i32.load(local, slot), 'cursor');
      const left = i32.sub(i32.load(local, slot + 4), cursor);
      f.if(i32.gtU(wanted, left), () => {
        const size = f.let(
          i32.select(i32.gtU(wanted, textBlockBytes), wanted, textBlockBytes),
          'size',
        );
        f.set(cursor, query.allocate.call(size));
        f.do(i32.store(local, i32.add(cursor, size), slot + 4));
        f.do(i32.store(local, cursor, slot + 8));
      });
      f.do(i32.store(local, i32.add(cursor, wanted), slot));
      f.return(cursor);
    }),
  );
}

/** Functions that answer a part of their argument, and make no string. */
const cutting = new Set(
  'substring left right trim ltrim rtrim split_part regexp_extract'.split(' '),
);

/** Whether a string is made anywhere within. Without recursion: this is called at any depth. */
function makesText(expression: Expression): boolean {
  const open = [expression];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const isText = next.type.kind === 'varchar';
    if (isText && next.kind === 'cast' && next.input.type.kind !== 'varchar') return true;
    if (isText && next.kind === 'call' && !cutting.has(next.name)) return true;
    open.push(...children(next));
  }
  return false;
}

/** Whether an expression that is no string itself makes some on the way. */
export function needsTemporaryTexts(expression: Expression, scope: Scope): boolean {
  // A program that spills gives all room back after each morsel.
  if (scope.query.options.spill !== undefined) return false;
  const isText = expression.type.kind === 'varchar' || expression.type.kind === 'blob';
  return !isText && !scope.isTemporary && makesText(expression);
}

/**
 * Computes an expression, and gives the room of the strings that it makes on the way back: the
 * value itself is no string. Without this a filter over many rows would fill the memory.
 */
export function withTemporaryTexts<V extends Value>(scope: Scope, compute: (inner: Scope) => V): V {
  const { f, query, pipeline } = scope;
  const { local } = pipeline;
  const slot = query.textSlot();
  const cursor = f.let(i32.load(local, slot), 'text_cursor');
  const limit = f.let(i32.load(local, slot + 4), 'text_limit');
  const inner = scope.child();
  inner.isTemporary = true;
  const value = compute(inner);
  // A block that was begun meanwhile has nothing that is still needed.
  const same = i32.eq(i32.load(local, slot + 4), limit);
  f.do(i32.store(local, i32.select(same, cursor, i32.load(local, slot + 8)), slot));
  return value;
}

/**
 * A string written by code: `write` gets room for `bytes` and answers the address behind what it
 * wrote there; the rest of the room is given back. It does not run for NULLs.
 */
export function writtenText(
  scope: Scope,
  isNull: Expr | undefined,
  bytes: Expr | number,
  write: (out: Local) => Expr,
): StringValue {
  const { f, query, pipeline } = scope;
  const x = f.local('i32', 'text');
  const y = f.local('i32', 'text_length');
  const run = () => {
    const room = typeof bytes === 'number' ? i32.const(bytes) : bytes;
    f.set(x, textRoom(scope, room));
    const end = f.let(write(x), 'text_end');
    f.set(y, i32.sub(end, x));
    f.do(i32.store(pipeline.local, end, query.textSlot()));
  };
  if (isNull === undefined) run();
  else f.if(i32.eqz(isNull), run);
  return { form: 'string', x, y, isNull };
}

/** The text of a kernel that answers address and length. It does not run for NULLs. */
export function answered(
  scope: Scope,
  isNull: Expr | undefined,
  func: Func,
  ...args: Operand[]
): StringValue {
  const { f } = scope;
  const x = f.local('i32', 'made');
  const y = f.local('i32', 'made_length');
  const run = () => f.setMulti([x, y], func.callMulti(...args));
  if (isNull === undefined) run();
  else f.if(i32.eqz(isNull), run);
  return { form: 'string', x, y, isNull };
}

/** Fails where a kernel answered that its text would be too long. */
export function checkLength(text: StringValue, scope: Scope): StringValue {
  failIf(scope, i32.eq(text.y, -1), text.isNull, failure.textTooLong);
  return text;
}

const encoder = new TextEncoder();

/** A constant text: its address, and its length in bytes. */
export function constantText(text: string, scope: Scope): { x: Expr; y: Expr } {
  const bytes = encoder.encode(text);
  const offset = scope.query.constantBytes(bytes);
  return { x: i32.add(scope.pipeline.frame, offset), y: i32.const(bytes.length) };
}
