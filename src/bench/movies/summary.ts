import { geometricMean } from '../statistics.ts';
import { type QueryStudy, qError } from './study.ts';

/** From the sorted values: the share `at` of them is not above it. */
export function quantile(values: readonly number[], at: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * at)];
}

/** How many times the rows of the best order an engine's plan makes, for each query. */
export function orderRatios(studies: readonly QueryStudy[], engine: number): number[] {
  return studies.map(({ joinRows, least }) => Math.max(1, joinRows[engine]) / Math.max(1, least));
}

/** The q-errors of an engine by the number of joins. */
export function errorsByJoins(
  studies: readonly QueryStudy[],
  engine: number,
): Map<number, number[]> {
  const errors = new Map<number, number[]>();
  for (const { joins, rows, estimates } of studies.flatMap(({ parts }) => parts)) {
    const known = errors.get(joins) ?? [];
    known.push(qError(estimates[engine], rows));
    errors.set(joins, known);
  }
  return new Map([...errors].sort(([a], [b]) => a - b));
}

/** Lines of a table: q-errors by the number of joins, then what the join orders cost. */
export function summaryLines(studies: readonly QueryStudy[], engines: readonly string[]): string[] {
  const lines: string[] = [];
  for (const [i, engine] of engines.entries()) {
    lines.push(`${engine}: q-error by joins (sets, median, 95 %, greatest)`);
    for (const [joins, errors] of errorsByJoins(studies, i)) {
      const figures = [0.5, 0.95, 1].map((at) => factor(quantile(errors, at)));
      lines.push(`  ${joins} joins: ${errors.length} sets, ${figures.join(', ')}`);
    }
    const ratios = orderRatios(studies, i);
    const [half, most, worst] = [0.5, 0.95, 1].map((at) => factor(quantile(ratios, at)));
    const mean = factor(geometricMean(ratios.map((ratio) => Math.max(ratio, 1))));
    lines.push(
      `${engine}: rows of all joins, times those of the best order: geometric mean ${mean}, ` +
        `median ${half}, 95 % ${most}, worst ${worst}`,
    );
  }
  return lines;
}

function factor(value: number): string {
  return value < 100 ? value.toFixed(2) : value.toFixed(0);
}
