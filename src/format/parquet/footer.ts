/** Reading the footer of a Parquet file: schema, row groups, where each column's bytes are. */
import { QuernError, sqlState } from '../../base/error.ts';
import type { Field } from '../../value/batch.ts';
import type { RandomSource } from '../source.ts';
import {
  encodings,
  type PhysicalColumn,
  pageTypes,
  physicalTypes,
  type ReadType,
  readTypeOf,
} from './schema.ts';
import { type ThriftRead, ThriftReader, type ThriftStruct } from './thrift.ts';

/** A column of a file. */
export interface ParquetColumn {
  readonly field: Field;
  readonly physical: PhysicalColumn;
  readonly read: ReadType;
  /** Index among the columns of each row group. */
  readonly index: number;
}

/** The bytes of one column of one row group. */
export interface ParquetChunk {
  readonly codec: number;
  readonly position: number;
  readonly bytes: number;
  readonly valueCount: number;
  readonly nullCount: number | undefined;
  /**
   * In the plain encoding of the physical type; absent where the file has none that can be used.
   */
  readonly min: Uint8Array | undefined;
  readonly max: Uint8Array | undefined;
  /** Bytes in front of the data pages: of the dictionary, if there is one. */
  readonly dictionaryBytes: number;
  /** Whether all values are known to be codes of the dictionary. */
  readonly isCoded: boolean;
}

export interface ParquetRowGroup {
  readonly rowCount: number;
  readonly chunks: readonly ParquetChunk[];
}

export interface ParquetFooter {
  readonly rowCount: number;
  /** The columns that can be read; for the others, by name, the reason why not. */
  readonly columns: readonly ParquetColumn[];
  readonly unreadable: ReadonlyMap<string, string>;
  readonly rowGroups: readonly ParquetRowGroup[];
  readonly createdBy: string | undefined;
}

function notParquet(source: RandomSource, why: string): QuernError {
  return new QuernError(sqlState.dataCorrupted, `${source.name} is not a Parquet file: ${why}`);
}

/** The footer usually fits in this; then one read is enough. */
const tailBytes = 64 * 1024;

/** Footers of files read last, by name and version: statements read the same files again. */
const footers = new Map<string, ParquetFooter>();
const footersMax = 32;

export async function readFooter(source: RandomSource): Promise<ParquetFooter> {
  const { name, version } = source;
  if (version === undefined) return readFooterOf(source);
  const key = `${name}\0${version}`;
  const footer = footers.get(key) ?? (await readFooterOf(source));
  // The last key is the one used last.
  footers.delete(key);
  footers.set(key, footer);
  for (const oldest of footers.keys()) if (footers.size > footersMax) footers.delete(oldest);
  return footer;
}

async function readFooterOf(source: RandomSource): Promise<ParquetFooter> {
  if (source.size < 12) throw notParquet(source, 'it is too short');
  const tail = new Uint8Array(Math.min(source.size, tailBytes));
  await source.readAt(source.size - tail.length, tail);
  const view = new DataView(tail.buffer);
  const magic = new TextDecoder('latin1').decode(tail.subarray(tail.length - 4));
  if (magic === 'PARE') throw notParquet(source, 'it is encrypted, which is not supported');
  if (magic !== 'PAR1') throw notParquet(source, 'it does not end in PAR1');
  const length = view.getUint32(tail.length - 8, true);
  if (length + 12 > source.size) throw notParquet(source, 'its footer is longer than the file');
  if (length + 8 <= tail.length) {
    return parseFooter(tail.subarray(tail.length - 8 - length, tail.length - 8), source);
  }
  const footer = new Uint8Array(length);
  await source.readAt(source.size - 8 - length, footer);
  return parseFooter(footer, source);
}

function parseFooter(bytes: Uint8Array, source: RandomSource): ParquetFooter {
  try {
    return parseMetadata(bytes, source);
  } catch (error) {
    if (!(error instanceof QuernError) || error.message.startsWith(source.name)) throw error;
    throw new QuernError(error.code, `${source.name}: ${error.message}`, { cause: error });
  }
}

function parseMetadata(bytes: Uint8Array, source: RandomSource): ParquetFooter {
  const footer = new ThriftReader(bytes).struct();
  const get = new FieldReader(source);
  const elements = get.structs(footer, 2);
  const { columns, unreadable, leafCount } = readSchema(elements, get);
  const rowGroups = get.structs(footer, 4).map((group) => {
    const chunks = get.structs(group, 1);
    if (chunks.length !== leafCount) throw notParquet(source, 'a row group lacks columns');
    return {
      rowCount: get.integer(group, 3),
      chunks: chunks.map((chunk) => readChunk(get.struct(chunk, 3), get, source)),
    };
  });
  const createdBy = footer.get(6);
  return {
    rowCount: get.integer(footer, 3),
    columns,
    unreadable,
    rowGroups,
    createdBy: createdBy instanceof Uint8Array ? new TextDecoder().decode(createdBy) : undefined,
  };
}

/** Takes fields of structs by id, in the type they must have. */
class FieldReader {
  readonly #source: RandomSource;

  constructor(source: RandomSource) {
    this.#source = source;
  }

  #broken(id: number): QuernError {
    return notParquet(this.#source, `field ${id} of its footer is broken`);
  }

  integer(struct: ThriftStruct, id: number): number {
    const value = struct.get(id);
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw this.#broken(id);
  }

  optionalInteger(struct: ThriftStruct, id: number): number | undefined {
    return struct.has(id) ? this.integer(struct, id) : undefined;
  }

  text(struct: ThriftStruct, id: number): string {
    const value = struct.get(id);
    if (value instanceof Uint8Array) return new TextDecoder().decode(value);
    throw this.#broken(id);
  }

  bytes(struct: ThriftStruct | undefined, id: number): Uint8Array | undefined {
    const value = struct?.get(id);
    return value instanceof Uint8Array ? value : undefined;
  }

  struct(struct: ThriftStruct, id: number): ThriftStruct {
    return this.#asStruct(struct.get(id), id);
  }

  optionalStruct(struct: ThriftStruct, id: number): ThriftStruct | undefined {
    return struct.has(id) ? this.struct(struct, id) : undefined;
  }

  structs(struct: ThriftStruct, id: number): ThriftStruct[] {
    const value = struct.get(id);
    if (!Array.isArray(value)) throw this.#broken(id);
    return value.map((item) => this.#asStruct(item as ThriftRead, id));
  }

  #asStruct(value: ThriftRead | undefined, id: number): ThriftStruct {
    if (value instanceof Map) return value;
    throw this.#broken(id);
  }
}

/** Walks the tree of elements, which is written depth first; leaves are the columns. */
function readSchema(elements: readonly ThriftStruct[], get: FieldReader) {
  const columns: ParquetColumn[] = [];
  const unreadable = new Map<string, string>();
  let leafCount = 0;
  let at = 0;
  const walk = (path: readonly string[], nested: boolean): void => {
    const element = elements[at++];
    // More children than elements: the struct reader says that it is broken.
    const name = get.text(element ?? new Map(), 4);
    const repetition = get.optionalInteger(element, 3) ?? 0;
    const children = get.optionalInteger(element, 5) ?? 0;
    const deeper = nested || repetition === 2 || path.length > 0;
    if (children > 0) {
      for (let i = 0; i < children && path.length < 64; i++) walk([...path, name], deeper);
      return;
    }
    const index = leafCount++;
    if (deeper) {
      unreadable.set(path[0] ?? name, 'nested and repeated columns are not supported');
      return;
    }
    try {
      columns.push(readColumn(element, name, repetition === 1, index, get));
    } catch (error) {
      if (!(error instanceof QuernError) || error.code !== sqlState.featureNotSupported)
        throw error;
      unreadable.set(name, error.message);
    }
  };
  const rootChildren = get.optionalInteger(elements[at++] ?? new Map(), 5) ?? 0;
  for (let i = 0; i < rootChildren; i++) walk([], false);
  return { columns, unreadable, leafCount };
}

function readColumn(
  element: ThriftStruct,
  name: string,
  nullable: boolean,
  index: number,
  get: FieldReader,
): ParquetColumn {
  const physical = physicalTypes[get.integer(element, 1)];
  const read = readTypeOf(element, name, physical);
  const length = physical === 'FIXED_LEN_BYTE_ARRAY' ? get.integer(element, 2) : undefined;
  return {
    field: { name, type: read.type, nullable },
    physical: { physical, length },
    read,
    index,
  };
}

function readChunk(metadata: ThriftStruct, get: FieldReader, source: RandomSource): ParquetChunk {
  const statistics = get.optionalStruct(metadata, 12);
  const data = get.integer(metadata, 9);
  const dictionary = get.optionalInteger(metadata, 11);
  // Some writers say 0 for no dictionary.
  const position = dictionary !== undefined && dictionary > 0 ? Math.min(data, dictionary) : data;
  const bytes = get.integer(metadata, 7);
  if (position + bytes > source.size) throw notParquet(source, 'a column lies beyond its end');
  return {
    dictionaryBytes: data - position,
    isCoded: data > position && isCoded(metadata),
    codec: get.integer(metadata, 4),
    position,
    bytes,
    valueCount: get.integer(metadata, 5),
    nullCount: statistics && get.optionalInteger(statistics, 3),
    min: get.bytes(statistics, 6),
    max: get.bytes(statistics, 5),
  };
}

const codedEncodings: readonly unknown[] = [encodings.plainDictionary, encodings.rleDictionary];
/** Of levels, when the encodings of pages are not told apart. */
const levelEncodings: readonly unknown[] = [encodings.rle, encodings.bitPacked];

/**
 * What the metadata say of the encodings: those of each kind of page, or of all together. In the
 * list, "plain" may mean the dictionary itself; then nothing is known.
 */
function isCoded(metadata: ThriftStruct): boolean {
  const pages = metadata.get(13);
  if (Array.isArray(pages)) {
    return pages.every((page) => {
      if (!(page instanceof Map)) return false;
      const isData = page.get(1) === pageTypes.data || page.get(1) === pageTypes.dataV2;
      return !isData || page.get(3) === 0 || codedEncodings.includes(page.get(2));
    });
  }
  const list = metadata.get(2);
  if (!Array.isArray(list)) return false;
  const values = list.filter((encoding) => !levelEncodings.includes(encoding));
  return values.length > 0 && values.every((encoding) => codedEncodings.includes(encoding));
}
