import type { SuiteReport } from '../suite.ts';

const rowHeight = 22;
const labelWidth = 220;
const plotWidth = 560;
const valueWidth = 130;
const top = 64;

interface Bar {
  label: string;
  ratio: number;
  noise: number;
  /** The ratio of first executions, where that was measured. */
  cold: number | undefined;
}

/**
 * The ratios of a report as a bar chart on a logarithmic scale: bars to the right of the line at 1
 * are cases in which ours is faster, with their noise band as a whisker.
 */
export function svgReport(report: SuiteReport): string {
  const bars = barsOf(report);
  const reach = Math.max(2, ...bars.map(reachOf)) * 1.1;
  const hasCold = bars.some(({ cold }) => cold !== undefined);
  const x = (ratio: number) =>
    labelWidth + plotWidth / 2 + (Math.log(ratio) / Math.log(reach)) * (plotWidth / 2);
  const height = top + bars.length * rowHeight + 34;
  const width = labelWidth + plotWidth + valueWidth;
  const { environment: env } = report;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="13">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(16, 24, `${report.suite}: ${report.description}`, 'font-weight="600" font-size="15"'),
    text(16, 44, `${env.cpu}, ${env.cores} cores, node ${env.node}, ${env.date}`, 'fill="#666"'),
    ...(hasCold ? legend(labelWidth + plotWidth) : []),
    ...ticks(reach).flatMap((tick) => [
      `<line x1="${round(x(tick))}" x2="${round(x(tick))}" y1="${top - 4}" y2="${height - 26}" stroke="${tick === 1 ? '#333' : '#ddd'}"/>`,
      text(x(tick), height - 10, tickLabel(tick), 'text-anchor="middle" fill="#666"'),
    ]),
    ...bars.flatMap((bar, i) => barMarks(bar, top + i * rowHeight, x)),
    '</svg>\n',
  ].join('\n');
}

function barsOf(report: SuiteReport): Bar[] {
  return report.cases.flatMap(({ name, programs }) =>
    programs.flatMap((program) => {
      if (program.ratio === undefined) return [];
      const { value, noise } = program.ratio;
      const label = `${name} · ${program.name}`;
      return [{ label, ratio: value, noise, cold: program.coldRatio }];
    }),
  );
}

/** What the marks mean, right-aligned at the right end of the plot. */
function legend(right: number): string[] {
  return [
    `<rect x="${right - 100}" y="36" width="14" height="8" fill="#2a7d4f"/>`,
    text(right - 82, 44, 'hot', 'fill="#666"'),
    diamond(right - 44, 40),
    text(right - 34, 44, 'cold', 'fill="#666"'),
  ];
}

function diamond(x: number, y: number): string {
  const points = [`${x - 5},${y}`, `${x},${y - 5}`, `${x + 5},${y}`, `${x},${y + 5}`];
  return `<polygon points="${points.join(' ')}" fill="#fff" stroke="#1d4ed8" stroke-width="1.5"/>`;
}

/** How far from 1 the marks of a bar go. */
function reachOf({ ratio, noise, cold = 1 }: Bar): number {
  return Math.max(span(ratio) * (1 + noise), span(cold));
}

function barMarks(
  { label, ratio, noise, cold }: Bar,
  y: number,
  x: (ratio: number) => number,
): string[] {
  const [left, right] = [Math.min(x(1), x(ratio)), Math.max(x(1), x(ratio))];
  const middle = round(y + rowHeight / 2);
  const color = ratio > 1 + noise ? '#2a7d4f' : ratio < 1 / (1 + noise) ? '#b3423a' : '#888';
  return [
    text(labelWidth - 10, y + 15, label, 'text-anchor="end"'),
    `<rect x="${round(left)}" y="${y + 4}" width="${round(right - left)}" height="${rowHeight - 8}" fill="${color}"/>`,
    `<line x1="${round(x(ratio / (1 + noise)))}" x2="${round(x(ratio * (1 + noise)))}" y1="${middle}" y2="${middle}" stroke="#000"/>`,
    ...(cold === undefined ? [] : [diamond(round(x(cold)), middle)]),
    text(labelWidth + plotWidth + 10, y + 15, valueText(ratio, cold), ''),
  ];
}

function valueText(ratio: number, cold: number | undefined): string {
  return cold === undefined
    ? `${ratio.toFixed(2)} ×`
    : `${ratio.toFixed(2)} × / ${cold.toFixed(2)} ×`;
}

/** How far a ratio lies from 1, in either direction. */
function span(ratio: number): number {
  return Math.max(ratio, 1 / ratio);
}

/** 1, and the powers of two on both sides that are in reach; of ten when those would be many. */
function ticks(reach: number): number[] {
  const base = reach > 64 ? 10 : 2;
  const result = [1];
  for (let tick = base; tick <= reach; tick *= base) result.push(tick, 1 / tick);
  return result;
}

function tickLabel(tick: number): string {
  return tick >= 1 ? `${tick}×` : `1/${Math.round(1 / tick)}`;
}

function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${round(x)}" y="${y}" ${attributes}>${escapeXml(content)}</text>`;
}

function escapeXml(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
