import { writeFileSync } from 'node:fs';
import {
  type Checkpoint,
  chunkCount,
  chunkSize,
  encodeCheckpoints,
} from '../src/tpc/h/checkpoints.ts';
import { TextPoolWriter } from '../src/tpc/h/reference/text-pool.ts';

const charactersPerLine = 90;

/** Writes src/tpc/h/checkpoint-text.ts from a walk through the whole text pool. */
export function checkpoints(): number {
  const writer = new TextPoolWriter();
  const found: Checkpoint[] = [];
  let drawsBefore = 0;
  while (found.length < chunkCount) {
    writer.writeSentence();
    if (writer.length < (found.length + 1) * chunkSize) continue;
    found.push({ offset: writer.length, draws: writer.draws - drawsBefore });
    drawsBefore = writer.draws;
  }
  const text = encodeCheckpoints(found);
  const lines = text.match(new RegExp(`.{1,${charactersPerLine}}`, 'g')) ?? [];
  writeFileSync(
    'src/tpc/h/checkpoint-text.ts',
    '/** Written by `node dist/tasks/main.js checkpoints`; what it means is in checkpoints.ts. */\n' +
      `export const checkpointText =\n${lines.map((line) => `  '${line}'`).join(' +\n')};\n`,
  );
  return 0;
}
