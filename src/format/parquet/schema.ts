/** Parquet's names for things, and what SQL types are there. */
import { QuernError, sqlState } from '../../base/error.ts';
import * as types from '../../value/type.ts';
import type { CodecName } from '../compression/codec.ts';
import type { ThriftField, ThriftStruct } from './thrift.ts';

export const physicalTypes = [
  'BOOLEAN',
  'INT32',
  'INT64',
  'INT96',
  'FLOAT',
  'DOUBLE',
  'BYTE_ARRAY',
  'FIXED_LEN_BYTE_ARRAY',
] as const;

export type PhysicalType = (typeof physicalTypes)[number];

export const encodings = {
  plain: 0,
  plainDictionary: 2,
  rle: 3,
  bitPacked: 4,
  deltaBinaryPacked: 5,
  deltaLengthByteArray: 6,
  deltaByteArray: 7,
  rleDictionary: 8,
  byteStreamSplit: 9,
} as const;

export const pageTypes = { data: 0, dictionary: 2, dataV2: 3 } as const;

export const codecCodes: Readonly<Record<CodecName, number>> = {
  none: 0,
  snappy: 1,
  gzip: 2,
  zstd: 6,
};

/** How values of a column are stored. */
export interface PhysicalColumn {
  readonly physical: PhysicalType;
  /** Bytes a value of FIXED_LEN_BYTE_ARRAY. */
  readonly length?: number | undefined;
}

const converted = {
  utf8: 0,
  decimal: 5,
  date: 6,
  timeMillis: 7,
  timeMicros: 8,
  timestampMillis: 9,
  timestampMicros: 10,
  uint8: 11,
  uint16: 12,
  uint32: 13,
  uint64: 14,
  int8: 15,
  int16: 16,
  int32: 17,
  int64: 18,
  interval: 21,
} as const;

/** Bytes that hold any decimal of `precision` digits in two's complement. */
function decimalBytes(precision: number): number {
  return Math.ceil((precision * Math.log2(10) + 1) / 8);
}

export function physicalOf(type: types.SqlType): PhysicalColumn {
  switch (type.kind) {
    case 'boolean':
      return { physical: 'BOOLEAN' };
    case 'tinyint':
    case 'smallint':
    case 'integer':
    case 'date':
      return { physical: 'INT32' };
    case 'bigint':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return { physical: 'INT64' };
    case 'real':
      return { physical: 'FLOAT' };
    case 'double':
      return { physical: 'DOUBLE' };
    case 'decimal':
      if (type.precision <= 9) return { physical: 'INT32' };
      if (type.precision <= 18) return { physical: 'INT64' };
      return { physical: 'FIXED_LEN_BYTE_ARRAY', length: decimalBytes(type.precision) };
    case 'uuid':
      return { physical: 'FIXED_LEN_BYTE_ARRAY', length: 16 };
    case 'null':
    case 'varchar':
    case 'blob':
      return { physical: 'BYTE_ARRAY' };
    case 'hugeint':
    case 'interval':
      throw new QuernError(
        sqlState.featureNotSupported,
        `Parquet has no type for ${types.typeName(type)}`,
        { hint: type.kind === 'hugeint' ? 'Cast it to DECIMAL(38,0).' : 'Cast it to VARCHAR.' },
      );
  }
}

interface Annotation {
  /** The older way to say it, which all readers understand. */
  readonly converted?: number;
  readonly logical?: ThriftField;
}

const micros: ThriftField = [2, 'struct', [[2, 'struct', []]]];

function annotationOf(type: types.SqlType): Annotation {
  switch (type.kind) {
    case 'tinyint':
      return integerAnnotation(converted.int8, 8);
    case 'smallint':
      return integerAnnotation(converted.int16, 16);
    case 'integer':
      return integerAnnotation(converted.int32, 32);
    case 'bigint':
      return integerAnnotation(converted.int64, 64);
    case 'decimal': {
      const fields: ThriftField[] = [
        [1, 'i32', type.scale],
        [2, 'i32', type.precision],
      ];
      return { converted: converted.decimal, logical: [5, 'struct', fields] };
    }
    case 'null':
    case 'varchar':
      return { converted: converted.utf8, logical: [1, 'struct', []] };
    case 'date':
      return { converted: converted.date, logical: [6, 'struct', []] };
    case 'time':
      return { logical: [7, 'struct', [[1, 'bool', false], micros]] };
    case 'timestamp':
      return { logical: [8, 'struct', [[1, 'bool', false], micros]] };
    case 'timestamptz':
      return {
        converted: converted.timestampMicros,
        logical: [8, 'struct', [[1, 'bool', true], micros]],
      };
    case 'uuid':
      return { logical: [14, 'struct', []] };
    default:
      return {};
  }
}

function integerAnnotation(code: number, bits: number): Annotation {
  const fields: ThriftField[] = [
    [1, 'i8', bits],
    [2, 'bool', true],
  ];
  return { converted: code, logical: [10, 'struct', fields] };
}

/** The SchemaElement of a column. */
export function schemaElement(
  name: string,
  type: types.SqlType,
  nullable: boolean,
): readonly ThriftField[] {
  const { physical, length } = physicalOf(type);
  const annotation = annotationOf(type);
  const decimal = type.kind === 'decimal' ? type : undefined;
  return [
    [1, 'i32', physicalTypes.indexOf(physical)],
    [2, 'i32', length],
    [3, 'i32', nullable ? 1 : 0],
    [4, 'binary', name],
    [6, 'i32', annotation.converted],
    [7, 'i32', decimal?.scale],
    [8, 'i32', decimal?.precision],
    [10, 'struct', annotation.logical === undefined ? undefined : [annotation.logical]],
  ];
}

/** Units of a stored time in a microsecond, or, negated, of a microsecond in it. */
export type TimeUnit = 'millis' | 'micros' | 'nanos';

/** What a column of a file is to us. */
export interface ReadType {
  readonly type: types.SqlType;
  readonly unit?: TimeUnit;
  /** Set for unsigned integers, whose stored bits are those of signed ones. */
  readonly unsigned?: boolean;
}

function unsupported(name: string, what: string): QuernError {
  return new QuernError(
    sqlState.featureNotSupported,
    `cannot read Parquet column "${name}": ${what}`,
  );
}

/** The physical types that values of a type may have. */
const storable: Readonly<Partial<Record<types.SqlType['kind'], readonly PhysicalType[]>>> = {
  boolean: ['BOOLEAN'],
  tinyint: ['INT32'],
  smallint: ['INT32'],
  integer: ['INT32'],
  bigint: ['INT32', 'INT64'],
  real: ['FLOAT'],
  double: ['DOUBLE'],
  decimal: ['INT32', 'INT64', 'BYTE_ARRAY', 'FIXED_LEN_BYTE_ARRAY'],
  varchar: ['BYTE_ARRAY', 'FIXED_LEN_BYTE_ARRAY'],
  blob: ['BYTE_ARRAY', 'FIXED_LEN_BYTE_ARRAY'],
  date: ['INT32'],
  time: ['INT32', 'INT64'],
  timestamp: ['INT64', 'INT96'],
  timestamptz: ['INT64'],
  uuid: ['FIXED_LEN_BYTE_ARRAY'],
  interval: ['FIXED_LEN_BYTE_ARRAY'],
};

/** The SQL type of a SchemaElement; an error says which columns cannot be read. */
export function readTypeOf(element: ThriftStruct, name: string, physical: PhysicalType): ReadType {
  const read = annotatedType(element, name, physical);
  if (storable[read.type.kind]?.includes(physical)) return read;
  throw unsupported(name, `${types.typeName(read.type)} is not stored as ${physical}`);
}

function annotatedType(element: ThriftStruct, name: string, physical: PhysicalType): ReadType {
  const logical = structOf(element, 10);
  const code = numberOf(element, 6);
  if (logical?.has(5) || code === converted.decimal) {
    const detail = structOf(logical, 5);
    const scale = numberOf(detail, 1) ?? numberOf(element, 7) ?? 0;
    const precision = numberOf(detail, 2) ?? numberOf(element, 8) ?? 0;
    if (precision < 1 || precision > 38 || scale < 0 || scale > precision) {
      throw unsupported(name, `DECIMAL(${precision},${scale}) has too many digits`);
    }
    return { type: types.decimalType(precision, scale) };
  }
  if (logical?.has(10)) return integerType(structOf(logical, 10));
  if (logical?.has(7) || logical?.has(8)) return timeType(logical);
  if (logical?.has(6) || code === converted.date) return { type: types.dateType };
  if (logical?.has(14)) return { type: types.uuidType };
  if (logical?.has(1) || logical?.has(4) || logical?.has(12)) return { type: types.varcharType };
  return convertedType(code) ?? plainType(name, physical);
}

/** Files may be broken: what is not of the expected form counts as absent. */
function structOf(struct: ThriftStruct | undefined, id: number): ThriftStruct | undefined {
  const value = struct?.get(id);
  return value instanceof Map ? value : undefined;
}

function numberOf(struct: ThriftStruct | undefined, id: number): number | undefined {
  const value = struct?.get(id);
  return typeof value === 'number' ? value : undefined;
}

function integerType(detail: ThriftStruct | undefined): ReadType {
  const bits = numberOf(detail, 1) ?? 0;
  if (detail?.get(2) !== false) {
    const byWidth = { 8: types.tinyintType, 16: types.smallintType, 64: types.bigintType };
    return { type: byWidth[bits as 8 | 16 | 64] ?? types.integerType };
  }
  return unsignedType(bits);
}

/** The signed type that holds all values of an unsigned one. */
function unsignedType(bits: number): ReadType {
  const byWidth = { 8: types.smallintType, 16: types.integerType, 64: types.decimalType(20, 0) };
  const type = byWidth[bits as 8 | 16 | 64] ?? types.bigintType;
  return { type, unsigned: true };
}

function timeType(logical: ThriftStruct): ReadType {
  const detail = structOf(logical, 7) ?? structOf(logical, 8);
  const unitField = structOf(detail, 2);
  const unit = unitField?.has(1) ? 'millis' : unitField?.has(3) ? 'nanos' : 'micros';
  if (logical.has(7)) return { type: types.timeType, unit };
  return { type: detail?.get(1) === true ? types.timestamptzType : types.timestampType, unit };
}

function convertedType(code: number | undefined): ReadType | undefined {
  switch (code) {
    case converted.utf8:
    case 4: // ENUM
    case 19: // JSON
      return { type: types.varcharType };
    case converted.timeMillis:
      return { type: types.timeType, unit: 'millis' };
    case converted.timeMicros:
      return { type: types.timeType, unit: 'micros' };
    // Old writers mean instants by these.
    case converted.timestampMillis:
      return { type: types.timestamptzType, unit: 'millis' };
    case converted.timestampMicros:
      return { type: types.timestamptzType, unit: 'micros' };
    case converted.uint8:
      return unsignedType(8);
    case converted.uint16:
      return unsignedType(16);
    case converted.uint32:
      return unsignedType(32);
    case converted.uint64:
      return unsignedType(64);
    case converted.interval:
      return { type: types.intervalType };
    case converted.int8:
      return { type: types.tinyintType };
    case converted.int16:
      return { type: types.smallintType };
    default:
      return undefined;
  }
}

function plainType(name: string, physical: PhysicalType): ReadType {
  switch (physical) {
    case 'BOOLEAN':
      return { type: types.booleanType };
    case 'INT32':
      return { type: types.integerType };
    case 'INT64':
      return { type: types.bigintType };
    case 'INT96':
      return { type: types.timestampType, unit: 'nanos' };
    case 'FLOAT':
      return { type: types.realType };
    case 'DOUBLE':
      return { type: types.doubleType };
    case 'BYTE_ARRAY':
    case 'FIXED_LEN_BYTE_ARRAY':
      return { type: types.blobType };
    default:
      throw unsupported(name, `its type is ${String(physical)}`);
  }
}
