import { type Expr, type FunctionBuilder, i32, type Local } from '../../wasm/index.ts';
import type { Pipeline, Query } from '../query.ts';

/** Frame slots through which the workers of a step make their local areas known. */
export class Published {
  readonly count: number;
  readonly #list: number;
  readonly #finish: string;

  constructor(query: Query, name: string) {
    this.count = query.frameSlot(4, 4);
    this.#list = query.frameSlot(4 * query.options.threads, 4);
    this.#finish = query.unique(`${name}_finish`);
    const params = { frame: 'i32', local: 'i32' } as const;
    query.module.func(this.#finish, { params, export: true }, (f) => {
      const { frame, local } = f.param;
      const index = query.parallel
        ? i32.atomic.rmwAdd(i32.add(frame, this.count), 1)
        : i32.load(frame, this.count);
      const at = f.let(index, 'index');
      f.do(i32.store(i32.add(frame, i32.shl(at, 2)), local, this.#list));
      if (!query.parallel) f.do(i32.store(frame, i32.add(at, 1), this.count));
    });
  }

  /** Has each worker of the pipeline publish itself when it is done. */
  attach(pipeline: Pipeline): void {
    pipeline.finish = this.#finish;
  }

  /** Code for each worker's local area. */
  each(f: FunctionBuilder, frame: Expr, body: (local: Local) => void): void {
    const i = f.local('i32', 'worker');
    const local = f.local('i32', 'area');
    f.for(i, 0, i32.load(frame, this.count), () => {
      f.set(local, i32.load(i32.add(frame, i32.shl(i, 2)), this.#list));
      body(local);
    });
  }
}
