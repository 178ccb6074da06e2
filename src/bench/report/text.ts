import { geometricMean } from '../statistics.ts';
import type { CaseResult, ProgramResult, SuiteReport } from '../suite.ts';

/** The report as a table for a terminal. */
export function textReport(report: SuiteReport): string {
  const { environment: env } = report;
  const head = [
    `${report.suite}: ${report.description}`,
    `${env.cpu}, ${env.cores} cores, ${(env.memoryBytes / 2 ** 30).toFixed(0)} GiB, node ${env.node}`,
    `${env.date}${env.commit === undefined ? '' : `, commit ${env.commit}`}`,
  ];
  const rows = report.cases.flatMap(caseRows);
  const summary = [
    ...ratioMeans(report.cases).map(({ name, mean, count }) => meanLine(name, mean, count, '')),
    ...coldMeans(report.cases).map(({ name, mean, count }) =>
      meanLine(name, mean, count, ', cold'),
    ),
  ];
  const table = rows.length === 0 ? [] : alignRows([columns, ...rows]);
  return [...head, '', ...table, '', ...summary, ...report.notes, ''].join('\n');
}

/** The geometric mean of the ratios of each program we are compared with. */
export function ratioMeans(cases: readonly CaseResult[]) {
  return meansOf(cases, ({ ratio }) => ratio?.value);
}

/** The same of the times of fresh processes. */
export function coldMeans(cases: readonly CaseResult[]) {
  return meansOf(cases, ({ coldRatio }) => coldRatio);
}

function meanLine(name: string, mean: number, count: number, how: string): string {
  return `${name} takes ${mean.toFixed(2)} times ours${how} (${count} cases)`;
}

function meansOf(
  cases: readonly CaseResult[],
  ratioOf: (program: ProgramResult) => number | undefined,
) {
  const ratios = new Map<string, number[]>();
  for (const { programs } of cases) {
    for (const program of programs) {
      const ratio = ratioOf(program);
      if (ratio === undefined) continue;
      ratios.set(program.name, [...(ratios.get(program.name) ?? []), ratio]);
    }
  }
  return [...ratios].map(([name, values]) => {
    return { name, mean: geometricMean(values), count: values.length };
  });
}

const columns = ['case', 'program', 'median', 'cold', 'rate', 'ratio', 'noise', 'cold ratio', ''];

function caseRows(result: CaseResult): string[][] {
  return result.programs.map((program, i) => [
    i === 0 ? result.name : '',
    program.name,
    formatTime(program.median),
    formatTime(program.cold),
    program.error === undefined ? formatRate(result, program) : '',
    program.ratio === undefined ? '' : program.ratio.value.toFixed(2),
    program.ratio === undefined ? '' : `±${(program.ratio.noise * 100).toFixed(0)} %`,
    program.coldRatio === undefined ? '' : program.coldRatio.toFixed(2),
    program.error ?? (program.ratio === undefined ? '' : `ours is ${wording(program)}`),
  ]);
}

function wording({ ratio }: ProgramResult): string {
  return ratio?.verdict === 'no difference' ? 'as fast' : (ratio?.verdict ?? '');
}

/** Milliseconds as a person reads them: `912 µs`, `4.21 ms`, `1.30 s`. */
export function formatTime(ms: number): string {
  if (Number.isNaN(ms)) return '';
  if (ms < 1) return `${(ms * 1000).toFixed(0)} µs`;
  return ms < 1000 ? `${ms.toPrecision(3)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

function formatRate({ amount }: CaseResult, { median }: ProgramResult): string {
  if (amount === undefined) return '';
  const rate = (amount.value / median) * 1000;
  const [divisor, prefix] =
    rate >= 1e9 ? [1e9, 'G'] : rate >= 1e6 ? [1e6, 'M'] : rate >= 1e3 ? [1e3, 'k'] : [1, ''];
  return `${(rate / divisor).toPrecision(3)} ${prefix}${amount.unit}/s`;
}

/** Pads the cells of each column to one width; the first two columns are texts, aligned left. */
function alignRows(rows: readonly string[][]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row
      .map((cell, i) =>
        i < 2 || i === row.length - 1 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]),
      )
      .join('  ')
      .trimEnd(),
  );
}
