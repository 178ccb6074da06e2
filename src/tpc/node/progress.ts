/** How far a generation is. */
export interface Progress {
  readonly rows: number;
  readonly bytes: number;
  /** 0 to 1. */
  readonly fraction: number;
  readonly elapsedMs: number;
}

export type ProgressListener = (progress: Progress) => void;

const barWidth = 30;

/** `[=====>        ]  42 %  2,520,000 rows  1.10 GB/s  0:03 left`, one line. */
export function progressLine({ rows, bytes, fraction, elapsedMs }: Progress): string {
  const filled = Math.round(fraction * barWidth);
  const bar = `${'='.repeat(filled)}${' '.repeat(barWidth - filled)}`;
  const seconds = elapsedMs / 1000;
  const rate = seconds > 0 ? bytes / seconds : 0;
  const left = fraction > 0 ? (seconds * (1 - fraction)) / fraction : Number.NaN;
  return [
    `[${bar}]`,
    `${Math.floor(fraction * 100)} %`.padStart(5),
    `${rows.toLocaleString('en-US')} rows`,
    `${byteText(rate)}/s`,
    Number.isFinite(left) ? `${timeText(left)} left` : '',
  ].join('  ');
}

/** `1.10 GB` */
export function byteText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value.toFixed(0) : value.toPrecision(3)} ${units[unit]}`;
}

/** `1:02:03`, or `0:07`. */
export function timeText(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${two(whole % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}
