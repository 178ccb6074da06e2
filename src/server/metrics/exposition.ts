import { type Histogram, latencyBounds } from './histogram.ts';

type Labels = Readonly<Record<string, string>>;

/** The type of what {@link Exposition.text} returns. */
export const expositionType = 'text/plain; version=0.0.4; charset=utf-8';

/** Writes metrics as Prometheus reads them (its text format, version 0.0.4). */
export class Exposition {
  readonly #lines: string[] = [];

  /** What only grows; a name ends in `_total`. */
  counter(
    name: string,
    help: string,
    samples: readonly (readonly [labels: Labels, value: number])[],
  ): void {
    this.#head(name, help, 'counter');
    for (const [labels, value] of samples) this.#sample(name, labels, value);
  }

  gauge(name: string, help: string, value: number): void {
    this.#head(name, help, 'gauge');
    this.#sample(name, {}, value);
  }

  histogram(name: string, help: string, samples: readonly (readonly [Labels, Histogram])[]): void {
    this.#head(name, help, 'histogram');
    for (const [labels, { counts, sum }] of samples) {
      let below = 0;
      for (const [index, bound] of [...latencyBounds, '+Inf'].entries()) {
        below += counts[index];
        this.#sample(`${name}_bucket`, { ...labels, le: `${bound}` }, below);
      }
      this.#sample(`${name}_sum`, labels, sum);
      this.#sample(`${name}_count`, labels, below);
    }
  }

  text(): string {
    return `${this.#lines.join('\n')}\n`;
  }

  #head(name: string, help: string, type: string): void {
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
  }

  #sample(name: string, labels: Labels, value: number): void {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    this.#lines.push(`${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}`);
  }
}

function escaped(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
}
