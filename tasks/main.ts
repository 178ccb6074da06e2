/**
 * The development commands: `node dist/tasks/main.js <verb> [arguments]`, called by the scripts of
 * package.json. One verb a file; a verb returns its exit code.
 */
import { QuernError } from '../src/base/error.ts';

type Verb = (args: string[]) => number | Promise<number>;

const verbs: Record<string, { summary: string; load: () => Promise<Verb> }> = {
  check: {
    summary: 'hold the rules of the house; all of them, or those named',
    load: async () => (await import('./check.ts')).check,
  },
  test: {
    summary: 'run the tests whose path contains one of the given words, all without one',
    load: async () => (await import('./test.ts')).test,
  },
  format: {
    summary: 'format the code, and fix what can be fixed without thought',
    load: async () => (await import('./format.ts')).format,
  },
  matrix: {
    summary: 'run the tests on every supported version of Node, or on those named',
    load: async () => (await import('./matrix.ts')).matrix,
  },
  bench: {
    summary: 'list the benchmark suites, or run one: bench <suite> [options]',
    load: async () => (await import('./bench.ts')).bench,
  },
  accept: {
    summary: 'accept what the stages of the front end give now as what their tests expect',
    load: async () => (await import('./accept.ts')).accept,
  },
  sql: {
    summary: 'run the sqllogictest files: sql [word…] [--against duckdb] [--complete] [--settle]',
    load: async () => (await import('./sql.ts')).sql,
  },
  checkpoints: {
    summary: 'write the checkpoints of the TPC-H text pool anew',
    load: async () => (await import('./checkpoints.ts')).checkpoints,
  },
  demo: {
    summary: 'make the TPC-H tables, run the queries on them and print the times: demo [scale]',
    load: async () => (await import('./demo.ts')).demo,
  },
  fuzz: {
    summary: 'compare random queries with DuckDB: fuzz [tpch] [--minutes N] [--seed S] …',
    load: async () => (await import('./fuzz.ts')).fuzz,
  },
  answers: {
    summary: 'compare TPC-H results with the published answers in a folder',
    load: async () => (await import('./answers.ts')).answers,
  },
  bundle: {
    summary: 'build the engine for browsers, and say how large it is and of what',
    load: async () => (await import('./bundle.ts')).bundle,
  },
  pack: {
    summary: 'put the modules of the command together into a few files, as npm run build does',
    load: async () => (await import('./pack.ts')).pack,
  },
  lock: {
    summary: 'complete package-lock.json after a dependency changed',
    load: async () => (await import('./lock.ts')).lock,
  },
};

async function main(): Promise<number> {
  const [name = '', ...args] = process.argv.slice(2);
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (verb === undefined) {
    const width = Math.max(...Object.keys(verbs).map((word) => word.length));
    const lines = Object.entries(verbs).map(([word, { summary }]) => {
      return `  ${word.padEnd(width)}  ${summary}`;
    });
    console.error(`unknown task '${name}'; there are\n${lines.join('\n')}`);
    return 2;
  }
  const run = await verb.load();
  return run(args);
}

/** What the caller got wrong is one line; everything else is a bug, with its stack. */
function explain(error: unknown): string {
  const usage = (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') === true;
  if (error instanceof QuernError || usage) return `error: ${(error as Error).message}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}
