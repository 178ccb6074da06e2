/** The binary format of modules: https://webassembly.github.io/spec/core/binary/modules.html */
import { ByteWriter } from './byte-writer.ts';
import { CodeSink, TypeTable } from './code-sink.ts';
import { Func, type Global, type ImportName, type Local, Memory, Table } from './entities.ts';
import { fail } from './error.ts';
import { numberEntities } from './layout.ts';
import type { Entity, ModuleContents } from './module.ts';
import { type Limits, type ValueType, valueTypeCode } from './types.ts';

/** The number of each section, in which order they also stand, but for the count of segments. */
const section = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
};

const functionTypeCode = 0x60;

/**
 * Kinds of element segments: with a table and an offset; only a list of what `ref.func` may name.
 */
const activeElements = 0x02;
const declaredElements = 0x03;

/** The number of a kind of entity in imports and exports. */
function kindCode(entity: Entity): number {
  if (entity instanceof Func) return 0;
  if (entity instanceof Table) return 1;
  return entity instanceof Memory ? 2 : 3;
}

export interface EncodeOptions {
  /**
   * Whether to write the names of locals, for debuggers; functions always have theirs. Default
   * true.
   */
  readonly localNames?: boolean;
}

/** Writes a module in the binary format. */
export function encodeModule(
  module: ModuleContents,
  options: EncodeOptions = {},
): Uint8Array<ArrayBuffer> {
  return new ModuleEncoder(module).encode(options);
}

class ModuleEncoder {
  readonly #module: ModuleContents;
  readonly #defined: readonly Func[];
  readonly #types = new TypeTable();
  readonly #out = new ByteWriter();
  /** Code is written first, since it adds types, and types stand before it in the file. */
  readonly #code = new ByteWriter();
  readonly #initializers: CodeSink;

  constructor(module: ModuleContents) {
    this.#module = module;
    this.#defined = module.funcs.filter((func) => func.imported === undefined);
    this.#initializers = new CodeSink(this.#out, this.#types, false);
  }

  encode(options: EncodeOptions): Uint8Array<ArrayBuffer> {
    const out = this.#out;
    numberEntities(this.#module);
    this.#writeCode();
    out.raw(Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00));
    // The types of functions that are only declared here are not known to the code.
    for (const func of this.#module.funcs) this.#types.indexOf(func.type);
    this.#writeTypes();
    this.#writeImports();
    this.#writeDeclarations();
    this.#writeExports();
    this.#writeStart();
    this.#writeElements();
    if (this.#module.segments.length > 0) {
      this.#section(section.dataCount, () => out.unsigned(this.#module.segments.length));
    }
    if (this.#defined.length > 0) out.raw(this.#code.bytes.subarray(0, this.#code.length));
    this.#writeData();
    this.#writeNames(options.localNames ?? true);
    return out.finish();
  }

  #section(id: number, write: () => void): void {
    this.#out.byte(id);
    const start = this.#out.beginSized();
    write();
    this.#out.endSized(start);
  }

  /** A section that is a list of entries, left out if empty. */
  #list<T>(id: number, entries: readonly T[], write: (entry: T) => void): void {
    if (entries.length === 0) return;
    this.#section(id, () => {
      this.#out.unsigned(entries.length);
      for (const entry of entries) write(entry);
    });
  }

  #writeCode(): void {
    const code = this.#code;
    const sink = new CodeSink(code, this.#types, this.#module.memory !== undefined);
    code.byte(section.code);
    const start = code.beginSized();
    code.unsigned(this.#defined.length);
    for (const func of this.#defined) {
      if (func.body === undefined) fail('is declared but never defined', func);
      sink.func(func);
    }
    code.endSized(start);
  }

  #valueTypes(types: readonly ValueType[]): void {
    this.#out.unsigned(types.length);
    for (const type of types) this.#out.byte(valueTypeCode[type]);
  }

  #writeTypes(): void {
    this.#list(section.type, this.#types.types, (type) => {
      this.#out.byte(functionTypeCode);
      this.#valueTypes(type.params);
      this.#valueTypes(type.results);
    });
  }

  #writeImports(): void {
    const { funcs, tables, memory, globals } = this.#module;
    const entities = [...funcs, ...tables, ...(memory ? [memory] : []), ...globals];
    const imported = entities.filter((entity) => entity.imported !== undefined);
    this.#list(section.import, imported, (entity) => {
      const { module, name } = entity.imported as ImportName;
      this.#out.text(module);
      this.#out.text(name);
      this.#out.byte(kindCode(entity));
      this.#description(entity);
    });
  }

  /** What an import and the section of a kind say of an entity. */
  #description(entity: Entity): void {
    const out = this.#out;
    if (entity instanceof Func) {
      out.unsigned(this.#types.indexOf(entity.type));
    } else if (entity instanceof Table) {
      out.byte(valueTypeCode[entity.type]);
      this.#limits(entity.limits, false);
    } else if (entity instanceof Memory) {
      this.#limits(entity.limits, entity.shared);
    } else {
      out.byte(valueTypeCode[entity.type]);
      out.byte(entity.mutable ? 1 : 0);
    }
  }

  #limits(limits: Limits, shared: boolean): void {
    const bounded = limits.max !== undefined;
    this.#out.byte((bounded ? 1 : 0) | (shared ? 2 : 0));
    this.#out.unsigned(limits.min);
    if (bounded) this.#out.unsigned(limits.max!);
  }

  #writeDeclarations(): void {
    const { tables, memory, globals } = this.#module;
    const memories = memory ? [memory] : [];
    const own = <E extends Entity>(entities: readonly E[]) =>
      entities.filter((entity) => entity.imported === undefined);
    const describe = (entity: Entity) => this.#description(entity);
    this.#list(section.function, this.#defined, describe);
    this.#list(section.table, own(tables), describe);
    this.#list(section.memory, own(memories), describe);
    this.#list(section.global, own(globals), (global) => {
      this.#description(global);
      this.#initializers.initializer(global.init!);
    });
  }

  #writeExports(): void {
    this.#list(section.export, [...this.#module.exports], ([name, entity]) => {
      this.#out.text(name);
      this.#out.byte(kindCode(entity));
      this.#out.unsigned(entity instanceof Memory ? 0 : entity.index);
    });
  }

  #writeStart(): void {
    const { start } = this.#module;
    if (start !== undefined) this.#section(section.start, () => this.#out.unsigned(start.index));
  }

  #writeElements(): void {
    const out = this.#out;
    const { elements, funcs } = this.#module;
    // Functions that only ref.func names must be declared in a segment of their own.
    const placed = new Set(elements.flatMap((element) => element.funcs));
    const declared = funcs.filter((func) => func.referenced && !placed.has(func));
    const count = elements.length + (declared.length > 0 ? 1 : 0);
    const members = (list: readonly Func[]) => {
      out.byte(0x00);
      out.unsigned(list.length);
      for (const func of list) out.unsigned(func.index);
    };
    if (count === 0) return;
    this.#section(section.element, () => {
      out.unsigned(count);
      for (const element of elements) {
        out.byte(activeElements);
        out.unsigned(element.table.index);
        this.#initializers.initializer(element.offset);
        members(element.funcs);
      }
      if (declared.length > 0) {
        out.byte(declaredElements);
        members(declared);
      }
    });
  }

  #writeData(): void {
    const out = this.#out;
    this.#list(section.data, this.#module.segments, ({ bytes, offset }) => {
      out.byte(offset === undefined ? 1 : 0);
      if (offset !== undefined) this.#initializers.initializer(offset);
      out.unsigned(bytes.length);
      out.raw(bytes);
    });
  }

  /** The name section, so that profilers and stack traces show the names of functions. */
  #writeNames(localNames: boolean): void {
    const { name, funcs, globals } = this.#module;
    const byIndex = [...funcs].sort((a, b) => a.index - b.index);
    this.#section(section.custom, () => {
      this.#out.text('name');
      if (name !== undefined) this.#section(0, () => this.#out.text(name));
      this.#nameMap(1, byIndex);
      if (localNames) this.#localNames(byIndex);
      this.#nameMap(
        7,
        [...globals].sort((a, b) => a.index - b.index),
      );
    });
  }

  #nameMap(id: number, named: readonly (Func | Global | Local)[]): void {
    this.#list(id, named, ({ index, name }) => {
      this.#out.unsigned(index);
      this.#out.text(name);
    });
  }

  #localNames(funcs: readonly Func[]): void {
    const out = this.#out;
    const defined = funcs.filter((func) => func.body !== undefined);
    this.#list(2, defined, ({ index, body }) => {
      const { params, locals } = body!;
      const byIndex = [...params, ...locals].sort((a, b) => a.index - b.index);
      out.unsigned(index);
      out.unsigned(byIndex.length);
      for (const local of byIndex) {
        out.unsigned(local.index);
        out.text(local.name);
      }
    });
  }
}
