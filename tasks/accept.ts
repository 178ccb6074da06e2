import { acceptGoldens } from '../tests/stages/golden-files.ts';

/** `accept`: what the stages of the front end give now becomes what their tests expect. */
export function accept(): number {
  const changed = acceptGoldens();
  for (const name of changed) console.log(`tests/stages/golden/${name}.txt`);
  console.log(`${changed.length} golden files changed`);
  return 0;
}
