import { sameExpression } from '../../plan/equal.ts';
import { call, conjunction, conjuncts, type Expression } from '../../plan/expression.ts';
import { isCovered } from '../../plan/free-columns.ts';
import { booleanType } from '../../value/type.ts';

/** The branches of an OR, or nothing. */
function disjuncts(expression: Expression): readonly Expression[] | undefined {
  return expression.kind === 'call' && expression.name === 'or' ? expression.args : undefined;
}

/** The OR of some predicates. */
function disjunction(predicates: readonly Expression[]): Expression {
  return predicates.length === 1 ? predicates[0] : call('or', predicates, booleanType);
}

/**
 * `(a AND x) OR (a AND y)` is `a AND (x OR y)`: what all branches demand is taken out, where it can
 * serve as a join condition.
 */
export function factorOr(predicate: Expression): Expression[] {
  const branches = disjuncts(predicate)?.map(conjuncts);
  if (branches === undefined) return [predicate];
  const [first, ...others] = branches;
  const common = first.filter((part) =>
    others.every((branch) => branch.some((other) => sameExpression(part, other))),
  );
  if (common.length === 0) return [predicate];
  const rest = branches.map((branch) =>
    branch.filter((part) => !common.some((known) => sameExpression(known, part))),
  );
  // A branch with nothing else to demand makes the others superfluous.
  if (rest.some((branch) => branch.length === 0)) return common;
  return [...common, disjunction(rest.map((branch) => conjunction(branch)!))];
}

/**
 * What an OR over several tables implies for the columns `ids` alone: the OR of what each branch
 * says of them. Undefined if some branch says nothing.
 */
export function impliedBy(
  predicate: Expression,
  ids: { has(id: number): boolean },
): Expression | undefined {
  const branches = disjuncts(predicate)?.map(conjuncts);
  if (branches === undefined) return undefined;
  const parts: Expression[] = [];
  for (const branch of branches) {
    const part = conjunction(branch.filter((item) => isCovered(item, ids)));
    if (part === undefined) return undefined;
    if (!parts.some((known) => sameExpression(known, part))) parts.push(part);
  }
  return disjunction(parts);
}
