import { writeFileSync } from 'node:fs';
import { isText, readText, repositoryFiles } from './check/repository.ts';
import { runTool } from './check/run-tool.ts';
import { rewrapComments } from './rewrap.ts';

/**
 * `format`: formats the code, breaks long comments, and fixes what can be fixed without thought.
 */
export async function format(): Promise<number> {
  for (const file of repositoryFiles().filter(isText)) {
    if (!file.endsWith('.ts')) continue;
    const text = readText(file);
    const wrapped = rewrapComments(text);
    if (wrapped !== text) writeFileSync(file, wrapped);
  }
  const findings = await runTool('@biomejs/biome', ['check', '--write', '.']);
  for (const { message } of findings) console.log(message);
  return findings.length === 0 ? 0 : 1;
}
