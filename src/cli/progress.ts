import { byteText, type Progress, progressLine, timeText } from '../tpc/node/progress.ts';
import type { Io } from './io.ts';

/**
 * Runs work with a progress bar on stderr, and a summary at the end; silent if that is no
 * terminal.
 */
export async function showProgress(
  io: Io,
  work: (onProgress: (progress: Progress) => void) => Promise<Progress>,
): Promise<void> {
  if (io.stderr.isTTY !== true) {
    await work(() => {});
    return;
  }
  const clearLine = '\r\u001b[K';
  try {
    const { rows, bytes, elapsedMs } = await work((progress) => {
      const width = io.stderr.columns ?? 80;
      io.stderr.write(clearLine + progressLine(progress).slice(0, width - 1));
    });
    const seconds = elapsedMs / 1000;
    io.stderr.write(
      `${clearLine}${rows.toLocaleString('en-US')} rows, ${byteText(bytes)} in ` +
        `${seconds < 10 ? `${seconds.toFixed(2)} s` : timeText(seconds)}\n`,
    );
  } catch (error) {
    io.stderr.write(clearLine);
    throw error;
  }
}
