import { compareSamples, median } from './statistics.ts';
import type { CaseResult, CaseSpec, Program, ProgramResult } from './suite.ts';

/**
 * Runs the programs of a case in turn, round after round, so that all see the same machine; the
 * order turns by one each round. A program that throws takes no further part; when ours, the first,
 * throws, the case fails as a whole: a wrong result has no speed.
 */
export async function measureCase(spec: CaseSpec, defaultRuns: number): Promise<CaseResult> {
  const rounds = spec.runs ?? defaultRuns;
  const warmups = spec.warmups ?? 1;
  const results: ProgramResult[] = spec.programs.map(({ name }) => {
    return { name, samples: [], cold: Number.NaN, median: Number.NaN };
  });
  for (let round = 0; round < warmups + rounds; round++) {
    for (let turn = 0; turn < spec.programs.length; turn++) {
      const index = (round + turn) % spec.programs.length;
      const result = results[index];
      if (result.error !== undefined) continue;
      try {
        const time = await timeRun(spec.programs[index]);
        if (round === 0) result.cold = time;
        if (round >= warmups) result.samples.push(time);
      } catch (error) {
        if (index === 0) throw error;
        result.error = error instanceof Error ? error.message : String(error);
        result.samples = [];
      }
    }
    if (round === 0) spec.check?.();
  }
  for (const result of results) {
    if (result.error !== undefined) continue;
    result.median = median(result.samples);
    if (result !== results[0]) result.ratio = compareSamples(results[0].samples, result.samples);
  }
  return {
    name: spec.name,
    ...(spec.amount === undefined ? {} : { amount: spec.amount }),
    programs: results,
  };
}

async function timeRun(program: Program): Promise<number> {
  const start = performance.now();
  const own = await program.run();
  return typeof own === 'number' ? own : performance.now() - start;
}
