/** Whole numbers, floating-point numbers and booleans from and to text. */
import { QuernError, sqlState } from '../base/error.ts';
import type { SimpleKind } from './type.ts';

export type IntegerKind = Extract<
  SimpleKind,
  'tinyint' | 'smallint' | 'integer' | 'bigint' | 'hugeint'
>;

/** Inclusive bounds of each integer type. */
export const integerRange: Readonly<Record<IntegerKind, readonly [bigint, bigint]>> = {
  tinyint: [-128n, 127n],
  smallint: [-32768n, 32767n],
  integer: [-2147483648n, 2147483647n],
  bigint: [-(2n ** 63n), 2n ** 63n - 1n],
  hugeint: [-(2n ** 127n), 2n ** 127n - 1n],
};

export function invalidText(typeName: string, text: string): QuernError {
  return new QuernError(
    sqlState.invalidTextRepresentation,
    `invalid input syntax for type ${typeName}: "${text}"`,
  );
}

/** Returns `value` or throws when the type cannot hold it. */
export function checkInteger(value: bigint, kind: IntegerKind): bigint {
  const [low, high] = integerRange[kind];
  if (value >= low && value <= high) return value;
  throw new QuernError(
    sqlState.numericValueOutOfRange,
    `value ${value} is out of range for type ${kind.toUpperCase()}`,
  );
}

const integerPattern = /^\s*[+-]?\d+\s*$/;

/** Reads `-42`; spaces around it are allowed, a fraction or an exponent is not. */
export function parseInteger(text: string, kind: IntegerKind): bigint {
  if (!integerPattern.test(text)) throw invalidText(kind.toUpperCase(), text);
  const trimmed = text.trim();
  return checkInteger(BigInt(trimmed.charCodeAt(0) === 43 ? trimmed.slice(1) : trimmed), kind);
}

const floatPattern = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** Reads `1.5e-7`, and `inf`, `-Infinity`, `NaN` in any case. REAL rounds to a 32-bit float. */
export function parseFloating(text: string, kind: 'real' | 'double'): number {
  const trimmed = text.trim();
  const value = floatPattern.test(trimmed) ? Number(trimmed) : specialFloat(trimmed);
  if (value === undefined) throw invalidText(kind.toUpperCase(), text);
  const rounded = kind === 'real' ? Math.fround(value) : value;
  if (!Number.isFinite(rounded) && !/[in]/i.test(trimmed)) {
    throw new QuernError(
      sqlState.numericValueOutOfRange,
      `value ${trimmed} is out of range for type ${kind.toUpperCase()}`,
    );
  }
  return rounded;
}

function specialFloat(text: string): number | undefined {
  const match = /^([+-]?)(?:(inf|infinity)|nan)$/i.exec(text);
  if (match === null) return undefined;
  if (match[2] === undefined) return Number.NaN;
  return match[1] === '-' ? -Infinity : Infinity;
}

/**
 * The shortest text that reads back as the same double, as DuckDB writes it: with a point or an
 * exponent always, so that the text still shows the type; an exponent below 10^-4 and from 10^16.
 */
export function formatDouble(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0.0';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  }
  const text = String(value);
  return Number.isInteger(value) ? `${text}.0` : text;
}

/** The shortest text that reads back as the same 32-bit float. */
export function formatReal(value: number): string {
  if (!Number.isFinite(value) || value === 0) return formatDouble(value);
  for (let digits = 6; digits < 9; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return formatDouble(candidate);
  }
  return formatDouble(Number(value.toPrecision(9)));
}

/** In lower case. */
export const booleanTexts: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['t', true],
  ['yes', true],
  ['y', true],
  ['on', true],
  ['1', true],
  ['false', false],
  ['f', false],
  ['no', false],
  ['n', false],
  ['off', false],
  ['0', false],
]);

/** Reads `true`, `t`, `yes`, `on`, `1` and their opposites, in any case. */
export function parseBoolean(text: string): boolean {
  const value = booleanTexts.get(text.trim().toLowerCase());
  if (value === undefined) throw invalidText('BOOLEAN', text);
  return value;
}
