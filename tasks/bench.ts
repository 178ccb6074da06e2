import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { svgReport } from '../src/bench/report/svg.ts';
import { textReport } from '../src/bench/report/text.ts';
import { runSuite } from '../src/bench/runner.ts';
import type { Suite, SuiteOption } from '../src/bench/suite.ts';

const folder = 'dist/bench';

const commonOptions: Record<string, SuiteOption> = {
  runs: { type: 'string', default: '5', description: 'timed runs of each case' },
  json: { type: 'string', description: 'where the results go (default data/bench/<suite>.json)' },
  svg: { type: 'string', description: 'write a chart of the ratios to this file' },
  help: { type: 'boolean', description: 'show the options of the suite' },
};

/** `bench`: lists the suites. `bench <suite> [options]`: runs one. */
export async function bench(args: string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name.startsWith('-')) {
    for (const suite of await loadSuites()) {
      console.log(`${suite.name.padEnd(16)}  ${suite.description}`);
    }
    return 0;
  }
  const suite = await loadSuite(name);
  if (suite === undefined) {
    console.error(`there is no suite '${name}': npm run bench lists them`);
    return 2;
  }
  return runAndReport(suite, rest);
}

async function runAndReport(suite: Suite, args: string[]): Promise<number> {
  const known = { ...suite.options, ...commonOptions };
  const { values } = parseArgs({ args, options: known });
  if (values.help === true) {
    for (const [option, { description, default: standard }] of Object.entries(known)) {
      const note = standard === undefined ? '' : ` (default ${standard})`;
      console.log(`  --${option.padEnd(12)}  ${description}${note}`);
    }
    return 0;
  }
  const { runs, json, svg, ...options } = values as Record<string, string | undefined>;
  const report = await runSuite(suite, {
    options,
    runs: Math.max(1, Number(runs) || 1),
    log: (text) => console.error(`  ${text}`),
  });
  console.log(textReport(report));
  save(json ?? `data/bench/${suite.name}.json`, `${JSON.stringify(report, null, 2)}\n`);
  if (svg !== undefined) save(svg, svgReport(report));
  return 0;
}

function save(path: string, text: string): void {
  mkdirSync(dirname(resolve(path)), { recursive: true });
  writeFileSync(path, text);
  console.log(`wrote ${path}`);
}

async function loadSuites(): Promise<Suite[]> {
  const files = existsSync(folder) ? readdirSync(folder) : [];
  const names = files.flatMap((file) => /^([\w-]+)\.js$/.exec(file)?.[1] ?? []);
  const suites = await Promise.all(names.map(loadSuite));
  return suites.filter((suite) => suite !== undefined);
}

/** A suite by the name of its module; undefined when its source is gone or never was. */
async function loadSuite(name: string): Promise<Suite | undefined> {
  const path = join(folder, `${name}.js`);
  if (!existsSync(path) || !existsSync(`bench/${name}.ts`)) return undefined;
  return (await import(pathToFileURL(resolve(path)).href)) as Suite;
}
