import { sqlState } from '../../base/error.ts';
import type { TypeName } from '../../sql/ast/type-name.ts';
import {
  bigintType,
  blobType,
  booleanType,
  dateType,
  decimalPrecisionMax,
  decimalType,
  doubleType,
  hugeintType,
  integerType,
  intervalType,
  realType,
  type SqlType,
  smallintType,
  timestampType,
  timestamptzType,
  timeType,
  tinyintType,
  uuidType,
  varcharType,
} from '../../value/type.ts';
import { BindError, didYouMean, notSupported } from '../error.ts';

const types: ReadonlyMap<string, SqlType> = new Map(
  (
    [
      [booleanType, 'BOOLEAN BOOL LOGICAL'],
      [tinyintType, 'TINYINT INT1'],
      [smallintType, 'SMALLINT INT2 SHORT'],
      [integerType, 'INTEGER INT INT4 SIGNED'],
      [bigintType, 'BIGINT INT8 LONG'],
      [hugeintType, 'HUGEINT INT128'],
      [realType, 'REAL FLOAT4 FLOAT'],
      [doubleType, 'DOUBLE FLOAT8'],
      [varcharType, 'VARCHAR TEXT STRING CHAR BPCHAR CHARACTER NVARCHAR'],
      [blobType, 'BLOB BYTEA BINARY VARBINARY'],
      [dateType, 'DATE'],
      [timeType, 'TIME'],
      [timestampType, 'TIMESTAMP DATETIME'],
      [timestamptzType, 'TIMESTAMPTZ'],
      [intervalType, 'INTERVAL'],
      [uuidType, 'UUID'],
    ] as const
  ).flatMap(([type, names]) => names.split(' ').map((name): [string, SqlType] => [name, type])),
);

const longNames: Readonly<Record<string, SqlType>> = {
  'DOUBLE PRECISION': doubleType,
  'CHARACTER VARYING': varcharType,
  'CHAR VARYING': varcharType,
  'TIMESTAMP WITH TIME ZONE': timestamptzType,
};

const decimalNames = new Set(['DECIMAL', 'NUMERIC', 'DEC']);
const nestedNames = new Set([
  'STRUCT',
  'MAP',
  'UNION',
  'ROW',
  'LIST',
  'JSON',
  'BIT',
  'BIT VARYING',
]);

/** The type a written type stands for. */
export function resolveType(node: TypeName): SqlType {
  if (node.dimensions.length > 0 || nestedNames.has(node.name)) {
    notSupported(`the type ${node.name}${node.dimensions.length > 0 ? '[]' : ''}`, node.span);
  }
  if (decimalNames.has(node.name)) return resolveDecimal(node);
  const type = types.get(node.name) ?? longNames[node.name];
  if (type === undefined) {
    const hint = didYouMean(node.name, [...types.keys(), ...decimalNames]);
    throw new BindError('42704', `there is no type ${node.name}`, node.span, hint);
  }
  checkModifiers(node, type);
  return type;
}

function resolveDecimal(node: TypeName): SqlType {
  const [precision = 18, scale = node.modifiers.length === 0 ? 3 : 0] = node.modifiers;
  const valid =
    node.modifiers.length <= 2 &&
    precision >= 1 &&
    precision <= decimalPrecisionMax &&
    scale <= precision;
  if (valid) return decimalType(precision, scale);
  throw new BindError(
    sqlState.invalidParameterValue,
    `DECIMAL has a precision from 1 to ${decimalPrecisionMax} and a scale from 0 to the precision`,
    node.span,
  );
}

/**
 * VARCHAR(n) is VARCHAR, as in DuckDB: the length is not enforced. Other modifiers would change
 * what is stored.
 */
function checkModifiers(node: TypeName, type: SqlType): void {
  if (node.modifiers.length === 0 || type.kind === 'varchar') return;
  const microseconds = type.kind.startsWith('time') && node.modifiers[0] === 6;
  if (!microseconds) notSupported(`${node.name} with a precision`, node.span);
}
