/**
 * Texts in programs that spill. Those made at run time last until the end of a morsel, as do those
 * of table segments; what is kept longer is copied.
 */
import { type Expr, type Func, i32, memory } from '../../wasm/index.ts';
import type { FreedArea, StateArea } from '../program.ts';
import type { Pipeline, Query, Scope } from '../query.ts';
import type { StringValue, Value } from '../value.ts';

/** Texts are taken from blocks of at least this size; each begins with the address of another. */
const blockBytes = 65536;
const headerBytes = 16;
/** Code that reads texts reads a little further. */
const endBytes = 16;

/** (local, bytes) → the address of room until the end of the morsel. */
export function passingRoom(query: Query, pipeline: Pipeline, slot: number): Func {
  const blocks = query.areaOf('passing_blocks', 4);
  const free = freeBlocks(query, slot, blocks);
  if (pipeline.name !== '') pipeline.last(() => pipeline.f.call(free, pipeline.local, 0));
  return blockRoom(query, slot, blocks);
}

/** (local, until): frees the newest blocks, down to one that stays. */
function freeBlocks(query: Query, slot: number, blocks: number): Func {
  return query.helper(`free_texts_${slot}`, (name) =>
    query.module.func(name, { params: { local: 'i32', until: 'i32' } }, (f) => {
      const { local, until } = f.param;
      const block = f.let(i32.load(local, blocks), 'block');
      const next = f.local('i32', 'next');
      f.while(i32.ne(block, until), () => {
        f.set(next, i32.load(block));
        f.call(query.release, block);
        f.set(block, next);
      });
      f.do(i32.store(local, until, blocks));
      for (const at of [slot, slot + 4]) f.do(i32.store(local, 0, at));
    }),
  );
}

/**
 * For a morsel that has no bounds: code that gives back the room of texts that were made since the
 * code before it. To be called where none of them is needed.
 */
export function passingTextsFrom({ f, pipeline, query }: Scope): () => void {
  const { local } = pipeline;
  const blocks = query.areaOf('passing_blocks', 4);
  const start = f.let(i32.load(local, blocks), 'first_texts');
  return () => {
    const newest = f.let(i32.load(local, blocks), 'newest_texts');
    // One block is kept, for it costs more than it holds to give it back and to take it each time.
    f.if(i32.ne(newest, start), () => {
      f.if(i32.ne(i32.load(newest), start), () => {
        f.call(freeBlocks(query, query.textSlot(), blocks), local, start);
      });
    });
  };
}

/**
 * (local, bytes) → an address. At `slot` the local area has the cursor and its limit, at `blocks`
 * the newest block.
 */
function blockRoom(query: Query, slot: number, blocks: number): Func {
  return query.helper(`text_room_${slot}`, (name) =>
    query.module.func(name, { params: { local: 'i32', bytes: 'i32' }, results: ['i32'] }, (f) => {
      const { local, bytes } = f.param;
      const cursor = f.let(i32.load(local, slot), 'cursor');
      f.if(i32.gtU(bytes, i32.sub(i32.load(local, slot + 4), cursor)), () => {
        const needed = f.let(i32.add(bytes, headerBytes + endBytes), 'needed');
        const size = f.let(i32.select(i32.gtU(needed, blockBytes), needed, blockBytes), 'size');
        const block = f.let(query.allocate.call(size), 'block');
        f.do(i32.store(block, i32.load(local, blocks)));
        f.do(i32.store(local, block, blocks));
        f.do(i32.store(local, i32.add(block, i32.sub(size, endBytes)), slot + 4));
        f.set(cursor, i32.add(block, headerBytes));
      });
      f.do(i32.store(local, i32.add(cursor, bytes), slot));
      f.return(cursor);
    }),
  );
}

/**
 * Where the local area tells of memory for texts: what is there is lost when others give back what
 * was allocated since.
 */
export function textAreas(query: Query): StateArea[] {
  const text = { offset: query.textSlot(), bytes: 16 };
  if (query.options.spill === undefined) return [text];
  const lifetimes = ['own', 'group'].map((lifetime) => {
    return { offset: areaOf(query, lifetime), bytes: areaBytes };
  });
  return [text, { offset: query.areaOf('passing_blocks', 4), bytes: 4 }, ...lifetimes];
}

/**
 * How long copies last: until the end of the execution; else, by a name, until they are freed. For
 * a group of rows, that is its end.
 */
type Lifetime = string;

/** A copy that lasts until the end of the execution, if it is a text in a program that spills. */
export function ownText(scope: Scope, value: Value): Value {
  const { query } = scope;
  if (query.options.spill === undefined || value.form !== 'string') return value;
  return copyOf(scope, value, undefined, 'own');
}

/**
 * The same in place of another own copy, of which nobody else knows: its bytes are used again if
 * there are enough.
 */
export function ownTextInPlace(
  scope: Scope,
  value: Value,
  old: Value,
  lifetime: Lifetime = 'own',
): Value {
  const { query } = scope;
  if (query.options.spill === undefined || value.form !== 'string') return value;
  return copyOf(scope, value, old.form === 'string' ? old : undefined, lifetime);
}

/** Code that gives back the copies of a group of rows, or others that are called so. */
export function freeGroupTexts({ f, pipeline, query }: Scope, name: Lifetime = 'group'): void {
  const { slot, blocks } = areasOf(query, name);
  f.call(freeBlocks(query, slot, blocks), pipeline.local, 0);
}

/** What a program is to free when the copies are not needed any more, in place of code for it. */
export function textsToFree(query: Query, lifetime: Lifetime): FreedArea {
  return { of: 'local', offset: areaOf(query, lifetime), bytes: areaBytes, chain: true };
}

/** Bytes with the address of the newest block, the cursor and its limit. */
const areaBytes = 12;

function areaOf(query: Query, lifetime: Lifetime): number {
  return query.areaOf(`${lifetime}_texts`, areaBytes);
}

function areasOf(query: Query, lifetime: Lifetime): { slot: number; blocks: number } {
  const blocks = areaOf(query, lifetime);
  return { blocks, slot: blocks + 4 };
}

function copyOf(
  scope: Scope,
  value: StringValue,
  old: StringValue | undefined,
  lifetime: Lifetime,
): Value {
  const { f, pipeline, query } = scope;
  const { slot, blocks } = areasOf(query, lifetime);
  const room = blockRoom(query, slot, blocks);
  const length = value.isNull ? i32.select(value.isNull, 0, value.y) : value.y;
  const bytes = f.let(length, 'bytes');
  const make = () => room.call(pipeline.local, roundUp(bytes));
  const at =
    old === undefined ? make() : i32.if(i32.leU(roundUp(bytes), roundUp(old.y)), old.x, make());
  const address = f.let(at, 'own');
  // The address of what has no bytes may be any.
  f.do(memory.copy(address, i32.select(bytes, value.x, 0), bytes));
  return { ...value, x: address, y: bytes };
}

function roundUp(bytes: Expr): Expr {
  return i32.and(i32.add(bytes, 31), -32);
}
