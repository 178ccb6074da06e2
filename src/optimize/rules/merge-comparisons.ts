import { makeNot } from '../../plan/build.ts';
import type { ColumnExpression, ConstantExpression, Expression } from '../../plan/expression.ts';
import { booleanType } from '../../value/type.ts';

/** Fewer comparisons than this are left as they are. */
const mergedMin = 3;

interface Group {
  readonly input: ColumnExpression;
  readonly list: ConstantExpression[];
}

/**
 * `a = 1 OR a = 2 OR a = 3` is `a IN (1, 2, 3)`, and `a <> 1 AND a <> 2 AND a <> 3` is `NOT a IN
 * (1, 2, 3)`: one test instead of many, however long the chain.
 */
export function mergeComparisons(
  parts: readonly Expression[],
  operator: 'and' | 'or',
): readonly Expression[] {
  if (parts.length < mergedMin) return parts;
  const wanted = operator === 'or' ? 'eq' : 'ne';
  const groups = new Map<number, Group>();
  for (const part of parts) {
    const found = columnAndConstant(part, wanted);
    if (found === undefined) continue;
    const { id } = found.input.column;
    const group = groups.get(id);
    if (group === undefined) groups.set(id, { input: found.input, list: [found.value] });
    else group.list.push(found.value);
  }
  const large = new Map([...groups].filter(([, group]) => group.list.length >= mergedMin));
  if (large.size === 0) return parts;
  const rest = parts.filter((part) => {
    const found = columnAndConstant(part, wanted);
    return found === undefined || !large.has(found.input.column.id);
  });
  const merged = [...large.values()].map(({ input, list }): Expression => {
    const { nullable } = input;
    const isIn: Expression = { kind: 'inList', input, list, type: booleanType, nullable };
    return operator === 'or' ? isIn : makeNot(isIn);
  });
  return [...rest, ...merged];
}

/** The parts of `column = constant`, or of `<>`; NULL is no such constant. */
function columnAndConstant(
  part: Expression,
  name: string,
): { input: ColumnExpression; value: ConstantExpression } | undefined {
  if (part.kind !== 'call' || part.name !== name) return undefined;
  const [input, value] = part.args;
  if (input.kind !== 'column' || value.kind !== 'constant' || value.value === null)
    return undefined;
  return { input, value };
}
