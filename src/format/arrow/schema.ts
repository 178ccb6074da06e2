/** Arrow's types in the metadata of its messages, and the SQL types they stand for. */
import { QuernError, sqlState } from '../../base/error.ts';
import type { Field, Schema } from '../../value/batch.ts';
import * as types from '../../value/type.ts';
import type { FlatBuilder, FlatField, FlatTable, Offset } from './flatbuffer.ts';

/** The union of types, by number. */
export const typeIds = {
  null: 1,
  int: 2,
  floatingPoint: 3,
  binary: 4,
  utf8: 5,
  bool: 6,
  decimal: 7,
  date: 8,
  time: 9,
  timestamp: 10,
  interval: 11,
  fixedSizeBinary: 15,
  largeBinary: 19,
  largeUtf8: 20,
} as const;

/** For error messages. */
const typeNames = [
  'None Null Int FloatingPoint Binary Utf8 Bool Decimal Date Time Timestamp Interval List Struct',
  'Union FixedSizeBinary FixedSizeList Map Duration LargeBinary LargeUtf8 LargeList RunEndEncoded',
  'BinaryView Utf8View ListView LargeListView',
].flatMap((names) => names.split(' '));

export const timeUnits = ['second', 'milli', 'micro', 'nano'] as const;
export type ArrowTimeUnit = (typeof timeUnits)[number];

const micro = timeUnits.indexOf('micro');
const monthDayNano = 2;
const uuidExtension = 'arrow.uuid';
const extensionKey = 'ARROW:extension:name';

interface WrittenType {
  readonly id: number;
  readonly fields: readonly FlatField[];
}

function integer(bits: number): WrittenType {
  return {
    id: typeIds.int,
    fields: [
      [0, 'i32', bits],
      [1, 'i8', 1],
    ],
  };
}

function writtenType(type: types.SqlType, builder: FlatBuilder): WrittenType {
  switch (type.kind) {
    case 'boolean':
      return { id: typeIds.bool, fields: [] };
    case 'tinyint':
      return integer(8);
    case 'smallint':
      return integer(16);
    case 'integer':
      return integer(32);
    case 'bigint':
      return integer(64);
    case 'real':
      return { id: typeIds.floatingPoint, fields: [[0, 'i16', 1]] };
    case 'double':
      return { id: typeIds.floatingPoint, fields: [[0, 'i16', 2]] };
    case 'decimal':
      return {
        id: typeIds.decimal,
        fields: [
          [0, 'i32', type.precision],
          [1, 'i32', type.scale],
          [2, 'i32', 128],
        ],
      };
    case 'null':
    case 'varchar':
      return { id: typeIds.utf8, fields: [] };
    case 'blob':
      return { id: typeIds.binary, fields: [] };
    case 'date':
      return { id: typeIds.date, fields: [[0, 'i16', 0]] };
    case 'time':
      return {
        id: typeIds.time,
        fields: [
          [0, 'i16', micro],
          [1, 'i32', 64],
        ],
      };
    case 'timestamp':
      return { id: typeIds.timestamp, fields: [[0, 'i16', micro]] };
    case 'timestamptz':
      return {
        id: typeIds.timestamp,
        fields: [
          [0, 'i16', micro],
          [1, 'offset', builder.text('UTC')],
        ],
      };
    case 'interval':
      return { id: typeIds.interval, fields: [[0, 'i16', monthDayNano]] };
    case 'uuid':
      return { id: typeIds.fixedSizeBinary, fields: [[0, 'i32', 16]] };
    case 'hugeint':
      throw new QuernError(sqlState.featureNotSupported, 'Arrow has no type for HUGEINT', {
        hint: 'Cast it to DECIMAL(38,0).',
      });
  }
}

/** Appends a Schema table. */
export function writeSchema(builder: FlatBuilder, schema: Schema): Offset {
  const fields = schema.map((field) => writeField(builder, field));
  return builder.table([
    [0, 'i16', 0],
    [1, 'offset', builder.offsets(fields)],
  ]);
}

function writeField(builder: FlatBuilder, { name, type, nullable }: Field): Offset {
  const written = writtenType(type, builder);
  const fields: FlatField[] = [
    [0, 'offset', builder.text(name)],
    [1, 'i8', nullable ? 1 : 0],
    [2, 'i8', written.id],
    [3, 'offset', builder.table(written.fields)],
    [5, 'offset', builder.offsets([])],
  ];
  if (type.kind === 'uuid') {
    const pair = (key: string, value: string) =>
      builder.table([
        [0, 'offset', builder.text(key)],
        [1, 'offset', builder.text(value)],
      ]);
    const pairs = [pair(extensionKey, uuidExtension), pair('ARROW:extension:metadata', '')];
    fields.push([6, 'offset', builder.offsets(pairs)]);
  }
  return builder.table(fields);
}

/** How the values of a column are stored in record batches. */
export interface ArrowType {
  readonly id: number;
  /** Bits of an integer, a float, a decimal, a time or a date. */
  readonly bits: number;
  readonly signed: boolean;
  readonly unit: ArrowTimeUnit;
  /** For intervals: 0 months, 1 days and milliseconds, 2 months, days and nanoseconds. */
  readonly intervalUnit: number;
  /** Bytes a value of FixedSizeBinary. */
  readonly byteWidth: number;
}

export interface ArrowColumn {
  readonly field: Field;
  readonly stored: ArrowType;
  /** Set when the batches hold codes into the dictionary of this id. */
  readonly dictionary: { readonly id: number; readonly codes: ArrowType } | undefined;
}

/** Reads a Schema table; types that we do not have are errors. */
export function readSchema(table: FlatTable): ArrowColumn[] {
  if (table.i16(0) !== 0) {
    throw new QuernError(sqlState.featureNotSupported, 'big-endian Arrow data are not supported');
  }
  return table.tables(1).map(readField);
}

function readField(table: FlatTable): ArrowColumn {
  const name = table.text(0) ?? '';
  const stored = readStored(table.i8(2), table.table(3));
  const extension = table
    .tables(6)
    .find((pair) => pair.text(0) === extensionKey)
    ?.text(1);
  const isUuid = extension === uuidExtension && stored.byteWidth === 16;
  const type = isUuid ? types.uuidType : sqlTypeOf(name, stored, table);
  const encoding = table.table(4);
  const dictionary = encoding && {
    id: encoding.size(0),
    codes: readStored(typeIds.int, encoding.table(1)),
  };
  return { field: { name, type, nullable: table.i8(1) !== 0 }, stored, dictionary };
}

function readStored(id: number, table: FlatTable | undefined): ArrowType {
  const plain = {
    id,
    bits: 0,
    signed: true,
    unit: 'micro' as ArrowTimeUnit,
    intervalUnit: 0,
    byteWidth: 0,
  };
  if (table === undefined) return id === typeIds.int ? { ...plain, bits: 32 } : plain;
  switch (id) {
    case typeIds.int:
      return { ...plain, bits: table.i32(0), signed: table.i8(1) !== 0 };
    case typeIds.floatingPoint:
      return { ...plain, bits: 16 << table.i16(0) };
    case typeIds.decimal:
      return { ...plain, bits: table.i32(2, 128) };
    case typeIds.date:
      return { ...plain, bits: table.i16(0, 1) === 0 ? 32 : 64 };
    case typeIds.time:
      return { ...plain, unit: timeUnits[table.i16(0, 1)], bits: table.i32(1, 32) };
    case typeIds.timestamp:
      return { ...plain, unit: timeUnits[table.i16(0)], bits: 64 };
    case typeIds.interval:
      return { ...plain, intervalUnit: table.i16(0) };
    case typeIds.fixedSizeBinary:
      return { ...plain, byteWidth: table.i32(0) };
    default:
      return plain;
  }
}

function sqlTypeOf(name: string, stored: ArrowType, field: FlatTable): types.SqlType {
  const table = field.table(3);
  const unsupported = (what: string) =>
    new QuernError(
      sqlState.featureNotSupported,
      `cannot read Arrow column "${name}" of type ${what}`,
    );
  switch (stored.id) {
    case typeIds.null:
    case typeIds.utf8:
    case typeIds.largeUtf8:
      return types.varcharType;
    case typeIds.binary:
    case typeIds.largeBinary:
    case typeIds.fixedSizeBinary:
      return types.blobType;
    case typeIds.bool:
      return types.booleanType;
    case typeIds.date:
      return types.dateType;
    case typeIds.time:
      return types.timeType;
    case typeIds.timestamp:
      return table?.text(1) ? types.timestamptzType : types.timestampType;
    case typeIds.interval:
      return types.intervalType;
    case typeIds.int:
      return integerType(stored) ?? fail(unsupported(`Int(${stored.bits})`));
    case typeIds.floatingPoint:
      if (stored.bits === 16) throw unsupported('Float16');
      return stored.bits === 32 ? types.realType : types.doubleType;
    case typeIds.decimal: {
      const precision = table?.i32(0) ?? 0;
      const scale = table?.i32(1) ?? 0;
      const known = [32, 64, 128].includes(stored.bits);
      if (!known || precision < 1 || precision > 38 || scale < 0 || scale > precision) {
        throw unsupported(`Decimal${stored.bits}(${precision},${scale})`);
      }
      return types.decimalType(precision, scale);
    }
    default:
      throw unsupported(typeNames[stored.id] ?? String(stored.id));
  }
}

function fail(error: QuernError): never {
  throw error;
}

/** The SQL type that holds all values of an integer type. */
function integerType({ bits, signed }: ArrowType): types.SqlType | undefined {
  switch (bits) {
    case 8:
      return signed ? types.tinyintType : types.smallintType;
    case 16:
      return signed ? types.smallintType : types.integerType;
    case 32:
      return signed ? types.integerType : types.bigintType;
    case 64:
      return signed ? types.bigintType : types.decimalType(20, 0);
    default:
      return undefined;
  }
}
