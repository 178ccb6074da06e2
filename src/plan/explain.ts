import { sameType, typeName } from '../value/type.ts';
import { formatConstant } from './constant.ts';
import {
  type AggregateCall,
  type Column,
  children,
  type Expression,
  type SortKey,
} from './expression.ts';
import { inputs, type Plan, type WindowFrame } from './plan.ts';
import { eachExpression } from './rewrite.ts';

/**
 * A plan as text: one node a line, inputs indented below, the left one first. Columns show by name;
 * where a name stands for several columns of the plan, `#2` and so on tell them apart.
 */
export function explainPlan(plan: Plan, actual?: ReadonlyMap<Plan, number>): string {
  const lines: string[] = [];
  new Explainer(lines, actual).node(plan, 0);
  return lines.join('\n');
}

const infix: Readonly<Record<string, string>> = {
  add: '+',
  subtract: '-',
  multiply: '*',
  divide: '/',
  modulo: '%',
  eq: '=',
  ne: '<>',
  lt: '<',
  le: '<=',
  gt: '>',
  ge: '>=',
  and: 'and',
  or: 'or',
  like: 'like',
  ilike: 'ilike',
  is_distinct_from: 'is distinct from',
  is_not_distinct_from: 'is not distinct from',
};

class Explainer {
  readonly #lines: string[];
  /** Rows that nodes gave when the plan was run. */
  readonly #actual: ReadonlyMap<Plan, number> | undefined;
  /** The ids that share a name, in the order in which they were met. */
  readonly #names = new Map<string, number[]>();

  constructor(lines: string[], actual?: ReadonlyMap<Plan, number>) {
    this.#lines = lines;
    this.#actual = actual;
  }

  node(plan: Plan, depth: number): void {
    const at = this.#lines.length;
    this.#lines.push('');
    // Inputs first, so that numbers after names are given where columns are made.
    for (const input of inputs(plan)) this.node(input, depth + 1);
    const subqueries: Expression[] = [];
    eachExpression(plan, (expression) => collectSubqueries(expression, subqueries));
    for (const subquery of subqueries) {
      if (subquery.kind !== 'subquery') continue;
      this.#lines.push(`${'  '.repeat(depth + 1)}subquery ${subquery.mode}`);
      this.node(subquery.plan, depth + 2);
    }
    const rows = this.#rows(plan);
    this.#lines[at] = '  '.repeat(depth) + this.#describe(plan) + (rows && `  (${rows})`);
  }

  /** Rows as they were estimated, then as they were; a large difference is said. */
  #rows(plan: Plan): string {
    const { estimate } = plan;
    const actual = this.#actual?.get(plan);
    const counts = [];
    if (estimate !== undefined) counts.push(`~${formatCount(estimate)}`);
    if (actual !== undefined) counts.push(`actually ${formatCount(actual)}`);
    if (counts.length === 0) return '';
    const rows = `${counts.join(', ')} rows`;
    if (estimate === undefined || actual === undefined) return rows;
    const [low, high] = [estimate, actual].map((count) => Math.max(1, count)).sort((a, b) => a - b);
    return high < 10 * low ? rows : `${rows}, ${formatCount(Math.round(high / low))} times off`;
  }

  #describe(plan: Plan): string {
    switch (plan.kind) {
      case 'scan': {
        const filters =
          plan.filters.length === 0 ? '' : ` where ${this.#conjunction(plan.filters)}`;
        return `scan ${plan.table.name} [${this.#columns(plan.columns)}]${filters}`;
      }
      case 'tableFunction': {
        const named = [...plan.named].map(([name, value]) => `${name} => ${this.text(value)}`);
        const args = [...plan.args.map((arg) => this.text(arg)), ...named].join(', ');
        return `table function ${plan.name}(${args}) [${this.#columns(plan.columns)}]`;
      }
      case 'values':
        return `values ${plan.rows.length} x [${this.#columns(plan.columns)}]`;
      case 'filter':
        return `filter ${this.text(plan.predicate)}`;
      case 'project':
        return `project ${plan.expressions
          .map((expression, i) => this.#assigned(plan.columns[i], expression))
          .join(', ')}`;
      case 'join': {
        const dependent = plan.dependent ? 'dependent ' : '';
        const mark = plan.mark === undefined ? '' : ` -> ${this.#column(plan.mark)}`;
        if (plan.condition === undefined) return `${dependent}${plan.type} join (cross)${mark}`;
        return `${dependent}${plan.type} join on ${this.text(plan.condition)}${mark}`;
      }
      case 'aggregate':
        return this.#aggregate(plan);
      case 'window':
        return this.#window(plan);
      case 'sort':
        return `sort ${plan.keys.map((key) => this.#key(key)).join(', ')}`;
      case 'limit': {
        const limit = plan.limit === undefined ? 'all' : this.text(plan.limit);
        const offset = plan.offset === undefined ? '' : ` offset ${this.text(plan.offset)}`;
        return `limit ${limit}${offset}`;
      }
      case 'setOperation':
        return `${plan.operation}${plan.all ? ' all' : ''} [${this.#columns(plan.columns)}]`;
      case 'with':
        return `with ${plan.name}`;
      case 'recursive': {
        const how = plan.all ? 'union all' : 'union';
        return `recursive ${plan.name} (${how}) [${this.#columns(plan.columns)}]`;
      }
      case 'withReference':
        return `read ${plan.name} [${this.#columns(plan.columns)}]`;
    }
  }

  #window(plan: Extract<Plan, { kind: 'window' }>): string {
    const by = plan.partition.map((item) => this.text(item)).join(', ');
    const order = plan.order.map((key) => this.#key(key)).join(', ');
    const added = plan.columns.length - plan.calls.length;
    const calls = plan.calls.map(({ call, frame, ignoreNulls }, i) => {
      const nulls = ignoreNulls ? ' ignore nulls' : '';
      const over = frame === undefined ? '' : ` over ${this.#frame(frame)}`;
      return `${this.#column(plan.columns[added + i])} = ${this.#call(call)}${nulls}${over}`;
    });
    const spec = [by === '' ? '' : `by ${by} `, order === '' ? '' : `order ${order} `].join('');
    return `window ${spec}: ${calls.join(', ')}`.replace(' :', ':');
  }

  #frame(frame: WindowFrame): string {
    const [start, end] = [frame.start, frame.end].map((bound) => {
      const words = bound.kind.replace(/[A-Z]/, (letter) => ` ${letter.toLowerCase()}`);
      return 'offset' in bound ? `${this.text(bound.offset)} ${words}` : words;
    });
    const exclude = frame.exclude === 'none' ? '' : ` excluding ${frame.exclude}`;
    return `${frame.unit} ${start} to ${end}${exclude}`;
  }

  #aggregate(plan: Extract<Plan, { kind: 'aggregate' }>): string {
    const groups = plan.groups.map((group, i) => this.#assigned(plan.columns[i], group));
    const calls = plan.aggregates.map((call, i) => {
      return `${this.#column(plan.columns[plan.groups.length + i])} = ${this.#call(call)}`;
    });
    const sets = plan.groupingSets?.map((set) => `(${set.map((i) => i + 1).join(', ')})`);
    const by = groups.length === 0 ? '' : ` by ${groups.join(', ')}`;
    const inSets = sets === undefined ? '' : ` sets ${sets.join(', ')}`;
    return `aggregate${by}${inSets}${calls.length === 0 ? '' : `: ${calls.join(', ')}`}`;
  }

  #call(call: AggregateCall): string {
    const distinct = call.distinct ? 'distinct ' : '';
    const args = call.args.length === 0 ? '*' : call.args.map((arg) => this.text(arg)).join(', ');
    const order =
      call.order.length === 0 ? '' : ` order by ${call.order.map((key) => this.#key(key))}`;
    const filter = call.filter === undefined ? '' : ` filter (${this.text(call.filter)})`;
    return `${call.name}(${distinct}${args}${order})${filter}`;
  }

  #key(key: SortKey): string {
    const usual = key.nullsFirst === key.descending;
    const nulls = usual ? '' : ` nulls ${key.nullsFirst ? 'first' : 'last'}`;
    return this.text(key.expression) + (key.descending ? ' desc' : '') + nulls;
  }

  #assigned(column: Column, expression: Expression): string {
    const text = this.text(expression);
    if (expression.kind === 'column' && expression.column.id === column.id) return text;
    return `${this.#column(column)} = ${text}`;
  }

  #conjunction(predicates: readonly Expression[]): string {
    return predicates.map((predicate) => this.#operand(predicate)).join(' and ');
  }

  #columns(columns: readonly Column[]): string {
    return columns.map((column) => this.#column(column)).join(', ');
  }

  #column(column: Column): string {
    let ids = this.#names.get(column.name);
    if (ids === undefined) this.#names.set(column.name, (ids = []));
    let number = ids.indexOf(column.id);
    if (number < 0) number = ids.push(column.id) - 1;
    return number === 0 ? column.name : `${column.name}#${number + 1}`;
  }

  text(expression: Expression): string {
    switch (expression.kind) {
      case 'column':
        return this.#column(expression.column);
      case 'constant':
        return formatConstant(expression);
      case 'parameter':
        return `$${expression.index + 1}`;
      case 'cast': {
        const input = this.text(expression.input);
        if (sameType(expression.type, expression.input.type)) return input;
        return `${expression.try ? 'try_cast' : 'cast'}(${input} as ${typeName(expression.type)})`;
      }
      case 'case': {
        const branches = expression.branches.map(
          ({ when, then }) => `when ${this.text(when)} then ${this.text(then)}`,
        );
        return `case ${branches.join(' ')} else ${this.text(expression.otherwise)} end`;
      }
      case 'inList': {
        const list = expression.list.map((item) => this.text(item)).join(', ');
        return `${this.#operand(expression.input)} in (${list})`;
      }
      case 'subquery': {
        const operands = expression.operands.map((operand) => this.text(operand)).join(', ');
        return `${expression.mode}(${operands}${operands ? ` ${expression.comparison} ` : ''}subquery)`;
      }
      case 'call':
        return this.#scalarCall(expression);
    }
  }

  #scalarCall(expression: Extract<Expression, { kind: 'call' }>): string {
    const { name, args } = expression;
    const operator = infix[name];
    if (operator !== undefined && args.length >= 2) {
      return args.map((arg) => this.#operand(arg)).join(` ${operator} `);
    }
    if (name === 'not') return `not ${this.#operand(args[0])}`;
    if (name === 'negate') return `-${this.#operand(args[0])}`;
    if (name === 'is_null') return `${this.#operand(args[0])} is null`;
    if (name === 'is_not_null') return `${this.#operand(args[0])} is not null`;
    return `${name}(${args.map((arg) => this.text(arg)).join(', ')})`;
  }

  /** With parentheses around it if it is an operator. */
  #operand(expression: Expression): string {
    const text = this.text(expression);
    const bare = expression.kind === 'call' && infix[expression.name] === undefined;
    const compound = expression.kind === 'call' || expression.kind === 'inList';
    return compound && !(bare && /^\w+\(/.test(text)) ? `(${text})` : text;
  }
}

function collectSubqueries(expression: Expression, into: Expression[]): void {
  if (expression.kind === 'subquery') into.push(expression);
  for (const child of children(expression)) collectSubqueries(child, into);
}

/** 1234567 as `1,234,567`, and less than ten with one decimal. */
function formatCount(rows: number): string {
  if (rows < 10 && !Number.isInteger(rows)) return rows.toFixed(1);
  return String(Math.round(rows)).replace(/\B(?=(\d{3})+$)/g, ',');
}
