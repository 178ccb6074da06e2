/** Numbers as `format` and `printf` write them. */
import type { Strict } from './meaning.ts';

/**
 * A number with so many digits behind the point: the nearest to its exact value, of two the one
 * with an even last digit, as C's printf writes it.
 */
export function fixedText(value: number, places: number): string {
  if (Number.isNaN(value)) return 'nan';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const size = Math.abs(value);
  if (size === Number.POSITIVE_INFINITY) return `${sign}inf`;
  // From there on the host would write an exponent.
  if (size >= 1e21) {
    const whole = BigInt(size).toString();
    return `${sign}${places === 0 ? whole : `${whole}.${'0'.repeat(places)}`}`;
  }
  const text = size.toFixed(places);
  // The host takes the greater of two that are as near, which lie half a place off.
  const isTie = (size * 2 ** (places + 1)) % 2 === 1;
  const last = Number(text.at(-1));
  return sign + (isTie && last % 2 === 1 ? text.slice(0, -1) + (last - 1) : text);
}

/** Digits with a sign and marks between thousands, and zeros before them up to a width. */
function numberStyle(text: string, style: string, zerosTo: number): string {
  const isNegative = text.startsWith('-');
  const plus = /^[+ ]/.test(style) ? style[0] : '';
  const separator = style.slice(plus.length);
  const sign = isNegative ? '-' : plus;
  const [digits] = /^\d*/.exec(text.slice(isNegative ? 1 : 0))!;
  const rest = text.slice((isNegative ? 1 : 0) + digits.length);
  const grouped = digits.replace(/\B(?=(\d{3})+$)/g, separator);
  const zeros = Math.max(0, zerosTo - sign.length - grouped.length - rest.length);
  return sign + '0'.repeat(zeros) + grouped + rest;
}

export const formatMeanings: Readonly<Record<string, Strict>> = {
  fixed_text: ([value, places]) => fixedText(value as number, Number(places)),
  number_style: ([text, style, zerosTo]) =>
    numberStyle(text as string, style as string, Number(zerosTo)),
};
