import { checkDependencies } from './check/dependencies.ts';
import { type Finding, printFinding } from './check/finding.ts';
import { checkFunctions } from './check/functions.ts';
import { checkLayers } from './check/layers.ts';
import { checkPaths } from './check/paths.ts';
import { checkPlatform } from './check/platform.ts';
import { Program } from './check/program.ts';
import { filesBelow, isText, readText, repositoryFiles } from './check/repository.ts';
import { runTool } from './check/run-tool.ts';
import { checkTidy } from './check/tidy.ts';

interface Check {
  name: string;
  summary: string;
  run(): Finding[] | Promise<Finding[]>;
}

/** The build before this task has already checked the types of everything. */
const checks: readonly Check[] = [
  {
    name: 'style',
    summary: 'lint and format (fix with npm run format)',
    run: () => runTool('@biomejs/biome', ['check', '--error-on-warnings', '.']),
  },
  {
    name: 'exports',
    summary: 'no dead file, export or dependency',
    run: () => runTool('knip', ['--no-progress', '--no-config-hints']),
  },
  {
    name: 'layers',
    summary: 'imports follow the layer table',
    run: () => withProgram((program) => checkLayers(program.imports())),
  },
  {
    name: 'platform',
    summary: 'core files use neither Node nor the DOM',
    run: () => checkPlatform('tsconfig.core.json'),
  },
  {
    name: 'tidy',
    summary: 'house rules',
    run: () => [
      ...repositoryFiles()
        .filter(isText)
        .flatMap((file) => checkTidy(file, readText(file))),
      ...withProgram(checkFunctions),
    ],
  },
  {
    name: 'paths',
    summary: 'every path named in a markdown file exists',
    run: () => {
      const files = repositoryFiles();
      const pages = files.filter((file) => file.endsWith('.md'));
      return pages.flatMap((page) => checkPaths(page, readText(page), files));
    },
  },
  {
    name: 'dependencies',
    summary: 'runtime dependencies have no install script and no native add-on',
    run: () => checkDependencies(JSON.parse(readText('package-lock.json')).packages, filesBelow),
  },
];

function withProgram(use: (program: Program) => Finding[]): Finding[] {
  const program = new Program('tsconfig.json');
  try {
    return use(program);
  } finally {
    program.close();
  }
}

/** `check [name…]`: runs the checks of those names, or all of them. */
export async function check(args: string[]): Promise<number> {
  const chosen = checks.filter(({ name }) => args.length === 0 || args.includes(name));
  const unknown = args.filter((arg) => !checks.some(({ name }) => name === arg));
  if (unknown.length > 0) {
    console.error(`unknown check ${unknown.join(', ')}; there are`);
    for (const { name, summary } of checks) console.error(`  ${name.padEnd(12)}  ${summary}`);
    return 2;
  }
  let failed = 0;
  for (const { name, summary, run } of chosen) {
    const start = performance.now();
    const findings = await run();
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const mark = findings.length === 0 ? '✔' : '✖';
    console.log(`${mark} ${name.padEnd(12)} ${seconds.padStart(5)} s  ${summary}`);
    for (const finding of findings) console.log(`    ${printFinding(finding)}`);
    if (findings.length > 0) failed++;
  }
  return failed === 0 ? 0 : 1;
}
