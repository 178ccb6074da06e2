import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureCase } from './measure.ts';
import { svgReport } from './report/svg.ts';
import { formatTime, textReport } from './report/text.ts';
import { runSuite } from './runner.ts';
import { compareSamples, geometricMean, median, medianDeviation } from './statistics.ts';

test('median, deviation and geometric mean', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(medianDeviation([1, 1, 2, 2, 4, 6, 9]), 1);
  assert.equal(geometricMean([1, 4, 16]).toFixed(12), '4.000000000000');
  assert.throws(() => geometricMean([1, 0]));
  assert.throws(() => median([]));
});

test('a ratio within its noise is no difference, one beyond it is', () => {
  const quiet = [100, 101, 100, 99, 100];
  const faster = compareSamples(quiet, [200, 202, 201, 198, 200]);
  assert.equal(faster.verdict, 'faster');
  assert.equal(faster.value, 2);
  assert.equal(faster.noise, 0.02);
  const long = [1, 1, ...Array(6).fill(2), 5, 9].map((factor) => factor * 100);
  assert.equal(compareSamples(Array(10).fill(100), long).noise, 1.5);
  assert.equal(compareSamples([200, 202, 201, 198, 200], quiet).verdict, 'slower');
  assert.equal(compareSamples(quiet, [101, 101, 101, 100, 99]).verdict, 'no difference');
  const loud = compareSamples([100, 180, 90, 160, 100], [150, 100, 140, 110, 170]);
  assert.ok(loud.noise > 0.3, `noise ${loud.noise}`);
  assert.equal(loud.verdict, 'no difference');
});

function runOnly(programs: { name: string; run(): unknown }[], runs = 3) {
  const suite = {
    name: 'sample',
    description: 'a suite of one case',
    run: async (context: Parameters<Parameters<typeof runSuite>[0]['run']>[0]) => {
      await context.measure({ name: 'case <1>', programs, amount: { value: 1000, unit: 'rows' } });
      context.note('a note');
    },
  };
  return runSuite(suite, { options: {}, runs, log: () => {} });
}

test('runs are interleaved and the order turns', async () => {
  const order: string[] = [];
  const program = (name: string, ms: number) => ({
    name,
    run: () => {
      order.push(name);
      return ms;
    },
  });
  const report = await runOnly([program('a', 10), program('b', 30)]);
  assert.equal(order.join(''), 'abbaabba');
  const [a, b] = report.cases[0].programs;
  assert.deepEqual(a.samples, [10, 10, 10]);
  assert.equal(a.ratio, undefined);
  assert.equal(b.ratio?.value, 3);
  assert.equal(b.cold, 30);
});

test('a wrong result of ours fails the case, one of another only leaves it out', async () => {
  const good = { name: 'good', run: async () => 5 };
  const bad = { name: 'bad', run: async () => Promise.reject(new Error('wrong sum')) };
  await assert.rejects(runOnly([bad, good]), /wrong sum/);
  const [, result] = (await runOnly([good, bad])).cases[0].programs;
  assert.equal(result.error, 'wrong sum');
  assert.equal(result.ratio, undefined);
});

test('a case whose results do not agree is not measured', async () => {
  let runs = 0;
  const spec = {
    name: 'case',
    programs: [{ name: 'a', run: () => runs++ }],
    check: () => {
      throw new Error('42 instead of 43');
    },
  };
  await assert.rejects(measureCase(spec, 3), /42 instead of 43/);
  assert.equal(runs, 1);
});

test('the reports show times, rates, ratios and notes', async () => {
  const report = await runOnly([
    { name: 'ours', run: () => 2 },
    { name: 'theirs', run: () => 5 },
  ]);
  const text = textReport(report);
  assert.match(text, /^case <1> +ours +2\.00 ms +2\.00 ms +500 krows\/s$/m);
  assert.match(text, /^ +theirs +5\.00 ms .* 2\.50 +±2 % +ours is faster$/m);
  assert.match(text, /^theirs takes 2\.50 times ours \(1 cases\)$/m);
  assert.match(text, /^a note$/m);
  const svg = svgReport(report);
  assert.match(svg, /case &lt;1&gt; · theirs/);
  assert.match(svg, /2\.50 ×/);
  assert.doesNotMatch(svg, /NaN|undefined/);
  assert.ok(report.environment.cores >= 1);
});

test('times are shown to three digits in a fitting unit', () => {
  assert.equal(formatTime(0.0421), '42 µs');
  assert.equal(formatTime(4.2149), '4.21 ms');
  assert.equal(formatTime(1300), '1.30 s');
});
