import { assert } from '../../../base/assert.ts';
import type { ColumnBatch, FixedArray, StringVector } from '../../../value/batch.ts';
import { chunkCount, textCheckpoints } from '../checkpoints.ts';
import { suppliersPerPart } from '../constants.ts';
import { makeDictionary } from '../dictionaries.ts';
import { multiplyModulo, skipMultiplier } from '../random.ts';
import type { TableName } from '../scale.ts';
import { type ColumnBuilder, FixedBuilder, StringBuilder } from './column-builder.ts';
import type { Column } from './columns.ts';
import { type Kernel, memoryPages } from './kernel.ts';
import { memoryMap } from './memory-map.ts';
import type {
  ColumnPlan,
  DictionaryName,
  GroupName,
  GroupPlan,
  KernelPlan,
  TablePlan,
} from './plan.ts';
import { unitsPerBatch } from './table.ts';

type Exports = Readonly<Record<string, (...args: (number | bigint)[]) => number>>;

/** Room that a string column starts with, in bytes a row. */
const stringBytesTypical = 32;

/** Units of a group of tables, and the keys that refresh sets give them. */
export interface UnitRun {
  /** Where the streams are: a number of units from the first one. */
  readonly start: number;
  readonly count: number;
  /** Index of the first unit from 1, as its key is made from; usually start + 1. */
  readonly firstIndex?: number;
  /** The sequence bits of the order keys. */
  readonly sequence?: number;
  /** The first unit of the part; it matters from scale factor 30000 on only. */
  readonly origin?: number;
}

/** Lines of text in the memory of a kernel: good until it runs again. */
export interface TableText {
  readonly table: TableName;
  readonly rows: number;
  readonly bytes: Uint8Array;
}

export interface TableColumns {
  readonly table: TableName;
  readonly batch: ColumnBatch;
}

/** Makes the memory for a kernel with `arenas` workers, and puts its tables there. */
export function createMemory(
  plan: KernelPlan,
  arenas: number,
  shared: boolean,
): WebAssembly.Memory {
  const pages = memoryPages(plan, arenas);
  const maximum = shared ? pages : 65536;
  const memory = new WebAssembly.Memory({ initial: pages, maximum, shared });
  const bytes = new Uint8Array(memory.buffer);
  const { offsets, seeds } = textCheckpoints();
  bytes.set(plan.image, memoryMap.image);
  new Uint32Array(memory.buffer, memoryMap.chunkOffsets, offsets.length).set(offsets);
  new Uint32Array(memory.buffer, memoryMap.chunkSeeds, seeds.length).set(seeds);
  // The marks before the first chunk and behind the last one are never asked to be filled.
  bytes[memoryMap.chunkReady] = 1;
  bytes[memoryMap.chunkReady + chunkCount + 1] = 1;
  return memory;
}

/** Makes an unshared memory, with the text that it has, ready for another kernel of one worker. */
function reuseMemory(plan: KernelPlan, memory: WebAssembly.Memory): WebAssembly.Memory {
  const missing = memoryPages(plan, 1) - memory.buffer.byteLength / 65536;
  if (missing > 0) memory.grow(missing);
  const bytes = new Uint8Array(memory.buffer);
  bytes.fill(0, memoryMap.image, memoryMap.imageEnd);
  bytes.set(plan.image, memoryMap.image);
  bytes.fill(0, memoryMap.arenas);
  return memory;
}

/** The memory of the stream that ended last, unless it was collected. */
let idle: WeakRef<WebAssembly.Memory> | undefined;

/** A kernel at work in one arena of its memory. Not reentrant; several share a memory. */
export class KernelInstance {
  readonly plan: KernelPlan;
  readonly #memory: WebAssembly.Memory;
  readonly #arena: number;
  readonly #exports: Exports;
  /** The unit that the streams of a group stand at. */
  readonly #positions = new Map<GroupName, { unit: number; origin: number }>();
  readonly #dictionaries = new Map<DictionaryName, StringVector>();

  constructor(
    plan: KernelPlan,
    module: WebAssembly.Module,
    memory: WebAssembly.Memory,
    arena: number,
  ) {
    this.plan = plan;
    this.#memory = memory;
    this.#arena = memoryMap.arenas + arena * plan.arenaBytes;
    this.#exports = new WebAssembly.Instance(module, { env: { memory } }).exports as Exports;
  }

  /** Compiles a kernel and makes an unshared memory for it. */
  static create(kernel: Kernel): KernelInstance {
    const memory = createMemory(kernel.plan, 1, false);
    const module = new WebAssembly.Module(kernel.bytes);
    return new KernelInstance(kernel.plan, module, memory, 0);
  }

  /**
   * As {@link create}, in the memory of a kernel that has been given back, if there is one: the
   * text pool is the same for all, and most of the work of a short stream.
   */
  static borrow(kernel: Kernel): KernelInstance {
    const left = idle?.deref();
    idle = undefined;
    if (left === undefined) return KernelInstance.create(kernel);
    const module = new WebAssembly.Module(kernel.bytes);
    return new KernelInstance(kernel.plan, module, reuseMemory(kernel.plan, left), 0);
  }

  /** Gives the memory to the next that borrows one. This kernel must not be used any more. */
  giveBack(): void {
    idle = new WeakRef(this.#memory);
  }

  group(name: GroupName): GroupPlan {
    const group = this.plan.groups.find((candidate) => candidate.name === name);
    assert(group !== undefined, `the kernel has been built for ${name}`);
    return group;
  }

  /** Writes the lines of a run of units, no more than there is room for. */
  text(group: GroupPlan, run: UnitRun): TableText[] {
    const ends = group.tables.map(({ text }) => {
      assert(run.count <= text.units, 'a run fits into the room for its text');
      return this.#arena + text.address;
    });
    const rowCounts = group.tables.map(() => 0);
    this.#batches(group, run, (units, rows) => {
      group.tables.forEach((table, index) => {
        rowCounts[index]! += rows[index]!;
        ends[index] = this.#call(table.format, this.#arena, units, ends[index]!);
      });
    });
    return group.tables.map((table, index) => {
      const start = this.#arena + table.text.address;
      return {
        table: table.name,
        rows: rowCounts[index]!,
        bytes: new Uint8Array(this.#memory.buffer, start, ends[index]! - start),
      };
    });
  }

  /** The columns of a run of units, in arrays of their own. */
  columns(group: GroupPlan, run: UnitRun): TableColumns[] {
    const tables = group.tables.map((table) => {
      const rows = Math.ceil(run.count * rowsPerUnit(table.name));
      return { table, rows: 0, builders: table.columns.map((plan) => this.#builder(plan, rows)) };
    });
    this.#batches(group, run, (_units, rows) => {
      tables.forEach((target, index) => {
        target.rows += rows[index]!;
        for (const { append } of target.builders) append(rows[index]!);
      });
    });
    return tables.map(({ table, rows, builders }) => ({
      table: table.name,
      batch: { rowCount: rows, columns: builders.map(({ builder }) => builder.finish()) },
    }));
  }

  /** Fills the columns, a batch at a time, and the text pool where their comments are. */
  #batches(
    group: GroupPlan,
    run: UnitRun,
    use: (units: number, rows: readonly number[]) => void,
  ): void {
    this.#seek(group, run.start, run.origin ?? 0);
    const firstIndex = run.firstIndex ?? run.start + 1;
    for (let done = 0; done < run.count; ) {
      const units = Math.min(unitsPerBatch, run.count - done);
      const first = BigInt(firstIndex + done);
      const sequence = BigInt(run.sequence ?? 0);
      const generated = this.#call(group.generate, this.#arena, first, units, sequence);
      const rows = group.tables.map((table) => (table.name === 'orders' ? units : generated));
      for (const [index, table] of group.tables.entries()) this.#requireText(table, rows[index]!);
      use(units, rows);
      done += units;
    }
    this.#positions.set(group.name, { unit: run.start + run.count, origin: run.origin ?? 0 });
  }

  #requireText({ comment }: TablePlan, rows: number): void {
    const offsets = this.#arena + comment.offset.offset;
    const lengths = this.#arena + comment.length.offset;
    this.#call('requireText', offsets, lengths, rows, this.#arena + this.plan.scratch);
  }

  /** Moves the streams of a group to a unit, unless they stand there. */
  #seek(group: GroupPlan, unit: number, origin: number): void {
    const position = this.#positions.get(group.name);
    const walks = group.streams.some((stream) => stream.long);
    if (position?.unit === unit && (!walks || position.origin === origin)) return;
    if (walks) {
      assert(unit >= origin, 'a part is generated from its start on');
      const ahead = position?.origin === origin && position.unit <= unit;
      if (!ahead) this.#skip(group, origin, true);
      this.#call(group.walk!, this.#arena, BigInt(unit - (ahead ? position.unit : origin)));
    }
    this.#skip(group, unit, !walks);
  }

  /** Sets the seeds of the streams of a group to those of a unit, perhaps but for the long ones. */
  #skip(group: GroupPlan, unit: number, all: boolean): void {
    const slots = new DataView(this.#memory.buffer, this.#arena);
    for (const { slot, seed, drawsPerRow, long } of group.streams) {
      if (long && !all) continue;
      const at = multiplyModulo(seed, skipMultiplier(unit * drawsPerRow));
      slots.setBigInt64(slot, BigInt(at), true);
    }
  }

  #call(name: string, ...args: (number | bigint)[]): number {
    return this.#exports[name]!(...args);
  }

  /** What collects a column, and what gives it the rows of a batch. */
  #builder(
    plan: ColumnPlan,
    expected: number,
  ): { builder: ColumnBuilder; append: (rows: number) => void } {
    if (plan.form === 'string') {
      const builder = new StringBuilder(expected, stringBytesTypical);
      return { builder, append: (rows) => this.#appendStrings(builder, plan.strings, rows) };
    }
    const builder = new FixedBuilder(expected, (data) => {
      if (plan.form === 'fixed') return { form: 'fixed', data };
      const codes = data as Uint8Array | Uint16Array;
      return { form: 'dictionary', codes, dictionary: this.#dictionary(plan.words), sorted: true };
    });
    const signed = plan.form === 'fixed' && plan.signed;
    return { builder, append: (rows) => builder.append(this.#array(plan.column, signed, rows)) };
  }

  /** A view of the rows of a column. */
  #array(column: Column, signed: boolean, rows: number): FixedArray {
    const { buffer } = this.#memory;
    const at = this.#arena + column.offset;
    switch (column.width) {
      case 1:
        return signed ? new Int8Array(buffer, at, rows) : new Uint8Array(buffer, at, rows);
      case 2:
        return signed ? new Int16Array(buffer, at, rows) : new Uint16Array(buffer, at, rows);
      case 4:
        return new Int32Array(buffer, at, rows);
      case 8:
        return new BigInt64Array(buffer, at, rows);
    }
  }

  #dictionary(name: DictionaryName): StringVector {
    let dictionary = this.#dictionaries.get(name);
    if (dictionary === undefined) {
      dictionary = makeDictionary(name, this.plan.config.scale.clerks);
      this.#dictionaries.set(name, dictionary);
    }
    return dictionary;
  }

  #appendStrings(builder: StringBuilder, name: string, rows: number): void {
    const { buffer } = this.#memory;
    const to = this.#arena + this.plan.strings;
    const offsets = this.#arena + this.plan.stringOffsets;
    const length = this.#call(name, this.#arena, rows, to, offsets);
    builder.append(new Uint32Array(buffer, offsets, rows + 1), new Uint8Array(buffer, to, length));
  }
}

/** Rows of a table for each of its units; of lineitem somewhat more than the usual number. */
function rowsPerUnit(table: TableName): number {
  if (table === 'lineitem') return 4.1;
  return table === 'partsupp' ? suppliersPerPart : 1;
}
