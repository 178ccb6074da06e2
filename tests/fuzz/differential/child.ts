import { textOf } from './fragment.ts';
import { fuzz } from './run.ts';
import type { ChildOptions, Message } from './supervise.ts';

/** The process that tests, under the watch of another: see {@link supervise}. */
const { seed, seconds, failuresMax, spill } = JSON.parse(process.argv[2]) as ChildOptions;
const end = performance.now() + seconds * 1000;

function tell(message: Message): void {
  process.send?.(message);
}

await fuzz({
  seed,
  failuresMax,
  spill,
  more: () => {
    const goesOn = performance.now() < end;
    if (goesOn) tell({ kind: 'sets', done: 1 });
    return goesOn;
  },
  report: (text) => tell({ kind: 'report', text }),
  judged: (verdict, { fragment }) => tell({ kind: 'judged', verdict, sql: textOf(fragment) }),
  watch: (at, engine, sql) => tell({ kind: 'running', seed: at, engine, sql }),
});
process.disconnect();
