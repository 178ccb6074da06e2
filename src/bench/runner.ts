import { environment } from './environment.ts';
import { measureCase } from './measure.ts';
import type { Suite, SuiteContext, SuiteReport } from './suite.ts';

export interface SuiteCall {
  options: Record<string, string | boolean | undefined>;
  /** Timed rounds of each case. */
  runs: number;
  /** Takes what the suite says while it runs. */
  log(text: string): void;
}

/** Runs a suite from start to end and gives what it found. */
export async function runSuite(suite: Suite, call: SuiteCall): Promise<SuiteReport> {
  const report: SuiteReport = {
    suite: suite.name,
    description: suite.description,
    options: { ...call.options, runs: String(call.runs) },
    environment: environment(),
    cases: [],
    notes: [],
  };
  const context: SuiteContext = {
    options: call.options,
    runs: call.runs,
    async measure(spec) {
      call.log(spec.name);
      const result = await measureCase(spec, call.runs);
      report.cases.push(result);
      return result;
    },
    note(text) {
      report.notes.push(text);
    },
    log: call.log,
  };
  await suite.run(context);
  return report;
}
