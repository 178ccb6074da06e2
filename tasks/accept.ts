import { acceptFunctionsDocument } from '../tests/functions/document.ts';
import { acceptGoldens } from '../tests/stages/golden-files.ts';

/** `accept`: what the stages of the front end and the list of functions are becomes expected. */
export function accept(): number {
  const changed = acceptGoldens();
  for (const name of changed) console.log(`tests/stages/golden/${name}.txt`);
  console.log(`${changed.length} golden files changed`);
  if (acceptFunctionsDocument()) console.log('docs/functions.md');
  return 0;
}
