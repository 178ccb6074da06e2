/**
 * SQL text as a tree, so that a failing query can be made smaller without parsing it: any part may
 * give way to a part of the same sort within it, or to the least text of its sort.
 */
export interface Fragment {
  /** What may stand in its place: `bool`, `int`, `query`, `clause`. */
  readonly sort: string;
  readonly parts: readonly (string | Fragment)[];
  /** Put between the parts; a part of such a list may be left out, but for the last one. */
  readonly separator?: string;
  /** The smallest text of the sort: empty for an optional clause. */
  readonly least?: string;
  /** Set for a literal: it may be given as a parameter of this type. */
  readonly literal?: Literal;
}

export interface Literal {
  readonly type: string;
  readonly value: string | number | boolean;
}

/** The smallest text of a sort of expression. */
const leastOf: Readonly<Record<string, string>> = {
  bool: 'TRUE',
  int: '1',
  dec: '1.5',
  double: '1e0',
  text: "'a'",
  date: "DATE '2000-01-01'",
  timestamp: "TIMESTAMP '2000-01-01 00:00:00'",
  clause: '',
};

/** A tag for templates: `of('int')`${a} + ${b}``. */
export function of(sort: string) {
  return (strings: TemplateStringsArray, ...values: (string | Fragment)[]): Fragment => {
    const parts = strings.flatMap((text, i) => (i < values.length ? [text, values[i]] : [text]));
    return { sort, parts: parts.filter((part) => part !== ''), least: leastOf[sort] };
  };
}

export function list(parts: readonly Fragment[], separator = ', '): Fragment {
  return { sort: 'list', parts, separator };
}

export const nothing: Fragment = { sort: 'nothing', parts: [] };

export function textOf(fragment: Fragment): string {
  return fragment.parts
    .map((part) => (typeof part === 'string' ? part : textOf(part)))
    .join(fragment.separator ?? '');
}

/**
 * The text with parameters in the place of literals. A literal that is there several times is one
 * parameter, so that expressions that were equal are so still.
 */
export function parametrised(fragment: Fragment): { sql: string; values: unknown[] } {
  const numbers = new Map<string, number>();
  const values: unknown[] = [];
  const write = (part: string | Fragment): string => {
    if (typeof part === 'string') return part;
    if (part.literal === undefined) return part.parts.map(write).join(part.separator ?? '');
    const { type, value } = part.literal;
    const key = `${type} ${value}`;
    let number = numbers.get(key);
    if (number === undefined) {
      number = values.push(value);
      numbers.set(key, number);
    }
    return `CAST($${number} AS ${type})`;
  };
  return { sql: write(fragment), values };
}

/** All fragments that differ from this one by one step, large steps first. */
export function* reductions(fragment: Fragment): Generator<Fragment> {
  const { sort, parts, separator, least } = fragment;
  if (least !== undefined) yield { sort, parts: least === '' ? [] : [least], least };
  for (const inner of descendants(fragment)) if (inner.sort === sort) yield inner;
  if (separator !== undefined && parts.length > 1) {
    for (let i = 0; i < parts.length; i++) {
      yield { ...fragment, parts: parts.filter((_, at) => at !== i) };
    }
  }
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i];
    if (typeof part === 'string') continue;
    for (const reduced of reductions(part)) {
      yield { ...fragment, parts: parts.map((other, at) => (at === i ? reduced : other)) };
    }
  }
}

function* descendants(fragment: Fragment): Generator<Fragment> {
  for (const part of fragment.parts) if (typeof part !== 'string') yield part;
  for (const part of fragment.parts) if (typeof part !== 'string') yield* descendants(part);
}
