/** From JavaScript values to values of SQL types, for `$1`, `$2`, …. */
import { QuernError, sqlState } from '../base/error.ts';
import type { BoundParameter } from '../bind/bind.ts';
import type { ParameterValue } from '../run/parameters.ts';
import { diagnosticError } from '../sql/diagnostic.ts';
import { checkInteger, type IntegerKind } from '../value/number.ts';
import {
  bigintType,
  blobType,
  booleanType,
  doubleType,
  hugeintType,
  integerType,
  type SqlType,
  timestamptzType,
  typeName,
  varcharType,
} from '../value/type.ts';
import { parseValue, uuidToHugeint, type Value } from '../value/value.ts';
import type { Parameters } from './options.ts';

/** The type a value would have as a literal; undefined when its use must decide. */
export function parameterType(value: unknown): SqlType | undefined {
  switch (typeof value) {
    case 'boolean':
      return booleanType;
    case 'number':
      if (!Number.isInteger(value)) return doubleType;
      return value === (value | 0) ? integerType : bigintType;
    case 'bigint':
      return BigInt.asIntN(64, value) === value ? bigintType : hugeintType;
    case 'object':
      if (value instanceof Date) return timestamptzType;
      return value instanceof Uint8Array ? blobType : undefined;
    default:
      return undefined;
  }
}

function physicalValue(value: unknown, type: SqlType): ParameterValue {
  switch (type.kind) {
    case 'boolean':
      if (typeof value === 'boolean') return value;
      break;
    case 'tinyint':
    case 'smallint':
    case 'integer':
    case 'bigint':
    case 'hugeint':
      if (typeof value === 'bigint') return checkInteger(value, type.kind);
      if (Number.isInteger(value))
        return checkInteger(BigInt(value as number), type.kind as IntegerKind);
      break;
    case 'real':
    case 'double':
      if (typeof value === 'number') return value;
      if (typeof value === 'bigint') return Number(value);
      break;
    case 'decimal':
      if (typeof value === 'number' || typeof value === 'bigint')
        return fromText(type, String(value));
      break;
    case 'varchar':
      return typeof value === 'string' ? value : fromOther(value);
    case 'blob':
      if (value instanceof Uint8Array) return value;
      break;
    case 'date':
      if (value instanceof Date) return BigInt(Math.floor(value.getTime() / 86_400_000));
      break;
    case 'timestamp':
    case 'timestamptz':
      if (value instanceof Date) return BigInt(value.getTime()) * 1000n;
      break;
    default:
      break;
  }
  if (typeof value === 'string') return fromText(type, value);
  throw new QuernError(
    sqlState.datatypeMismatch,
    `a value of JavaScript type ${describe(value)} cannot be a ${typeName(type)}`,
  );
}

function fromText(type: SqlType, text: string): ParameterValue {
  const value: Value = parseValue(type, text);
  if (type.kind === 'uuid') return uuidToHugeint(value as string);
  if (type.kind === 'interval') {
    throw new QuernError(sqlState.featureNotSupported, 'intervals as parameters are not supported');
  }
  return typeof value === 'number' && !isFloatKind(type)
    ? BigInt(value)
    : (value as ParameterValue);
}

function isFloatKind(type: SqlType): boolean {
  return type.kind === 'real' || type.kind === 'double';
}

function fromOther(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== 'object') return String(value);
  throw new QuernError(
    sqlState.datatypeMismatch,
    `a value of JavaScript type ${describe(value)} cannot be a ${typeName(varcharType)}`,
  );
}

function describe(value: unknown): string {
  if (typeof value !== 'object' || value === null) return typeof value;
  return value.constructor?.name ?? 'object';
}

/** The values in the order of their numbers; of named ones in the order of `bound`. */
export function orderedValues(
  parameters: Parameters,
  bound: readonly BoundParameter[],
): readonly unknown[] {
  if (isList(parameters)) return parameters;
  const byName = new Map(
    Object.entries(parameters).map(([name, value]) => [name.toLowerCase(), value]),
  );
  return bound.map(({ name }) => (name === undefined ? undefined : byName.get(name)));
}

/**
 * The values as those of the parameters of `sql`; throws with the place of the first that has none
 * (42P02) or one that does not fit.
 */
export function parameterValues(
  sql: string,
  parameters: Parameters,
  bound: readonly BoundParameter[],
): ParameterValue[] {
  const values = orderedValues(parameters, bound);
  return bound.map((parameter, i) => {
    try {
      return parameterValue(values[i], parameter, i);
    } catch (error) {
      if (!(error instanceof QuernError) || parameter.span === undefined) throw error;
      const { code, message, hint } = error;
      throw diagnosticError(sql, { code, message, hint, span: parameter.span });
    }
  });
}

function parameterValue(value: unknown, { name, type }: BoundParameter, i: number): ParameterValue {
  const title = `parameter $${name ?? i + 1}`;
  if (value === undefined)
    throw new QuernError(sqlState.undefinedParameter, `there is no value for ${title}`);
  if (value === null) return null;
  try {
    return physicalValue(value, type);
  } catch (error) {
    if (!(error instanceof QuernError)) throw error;
    throw new QuernError(error.code, `${title}: ${error.message}`, { hint: error.hint });
  }
}

function isList(parameters: Parameters): parameters is readonly unknown[] {
  return Array.isArray(parameters);
}
