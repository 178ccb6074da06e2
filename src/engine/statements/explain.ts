import { QuernError, sqlState } from '../../base/error.ts';
import type { BoundDescribe, BoundExplain, BoundStatement } from '../../bind/statement/bound.ts';
import { explainPlan } from '../../plan/explain.ts';
import type { Plan } from '../../plan/plan.ts';
import type { Profile } from '../../run/profile.ts';
import type { Schema } from '../../value/batch.ts';
import { batchFromRows } from '../../value/column-builder.ts';
import { typeName, varcharType } from '../../value/type.ts';
import { Result } from '../result.ts';
import type { Request, Session } from '../session.ts';

export async function explain(
  session: Session,
  { statement, analyze, format }: BoundExplain,
  request: Request,
): Promise<Result> {
  const plan = planOf(statement);
  const { runner } = session.engine;
  const started = performance.now();
  return session.withPlan(plan, request, async (ready) => {
    const optimizeMs = performance.now() - started;
    if (format === 'wasm') return textResult('wasm', runner.compileToText(ready.plan));
    if (format !== 'text') {
      throw new QuernError(
        sqlState.featureNotSupported,
        `EXPLAIN (FORMAT ${format}) is not supported`,
        { hint: 'There are text and wasm.' },
      );
    }
    if (!analyze) return textResult('plan', explainPlan(ready.plan));
    const compileStarted = performance.now();
    const program = runner.compile(ready.plan, { countRows: true });
    const compileMs = performance.now() - compileStarted;
    const { profile, rowCount } = await session.execute(program, request);
    const lines = [
      ...profileLines(profile),
      `${rowCount} rows; optimize ${ms(optimizeMs)}, compile ${ms(compileMs)} to ${program.bytes.length} bytes`,
    ];
    const text = explainPlan(ready.plan, profile.rows);
    return textResult('plan', [text, '', ...lines].join('\n'));
  });
}

function planOf(statement: BoundStatement): Plan {
  if ('plan' in statement) return statement.plan;
  throw new QuernError(
    sqlState.featureNotSupported,
    `EXPLAIN of a statement without a query is not supported`,
  );
}

function profileLines(profile: Profile): string[] {
  const lines = profile.steps.map(
    ({ kind, name, milliseconds, morsels, rowsIn, rowsOut, pruned }) => {
      const parts = [`${kind} ${name}: ${ms(milliseconds)}`];
      if (kind === 'partitions') parts.push(`in ${morsels} rounds`);
      else if (morsels > 0) parts.push(`${rowsIn} rows in ${morsels} morsels`);
      if (pruned > 0) parts.push(`${pruned} row groups ruled out`);
      if (rowsOut > 0) parts.push(`${rowsOut} rows out`);
      return parts.join(', ');
    },
  );
  const memory = `${(profile.peakBytes / 1e6).toFixed(1)} MB`;
  const { spilledBytes, spilledBytesMax } = profile;
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  const spilled =
    spilledBytes === 0
      ? ''
      : `, ${megabytes(spilledBytes)} spilled, at most ${megabytes(spilledBytesMax)} at once`;
  const time = `${ms(profile.milliseconds)} with ${profile.threads} threads`;
  const total = `${time}, at most ${memory}${spilled}`;
  return [...lines, `${total}; module loaded in ${ms(profile.loadMilliseconds)}`];
}

function ms(milliseconds: number): string {
  return `${milliseconds.toFixed(milliseconds < 10 ? 2 : 1)} ms`;
}

export function describe({ plan }: BoundDescribe): Result {
  const names = ['column_name', 'column_type', 'null'];
  const rows = plan.columns.map(({ name, type, nullable }) => {
    return [name, typeName(type), nullable ? 'YES' : 'NO'];
  });
  return textRows(names, rows);
}

/** A result of text columns. */
export function textRows(names: readonly string[], rows: readonly (readonly string[])[]): Result {
  const schema: Schema = names.map((name) => ({ name, type: varcharType, nullable: false }));
  return new Result(schema, [batchFromRows(schema, rows)]);
}

/** A result of one column with a line a row. */
function textResult(name: string, text: string): Result {
  return textRows(
    [name],
    text.split('\n').map((line) => [line]),
  );
}
