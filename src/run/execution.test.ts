import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { TableEntry } from '../catalog/catalog.ts';
import { tableEntry } from '../catalog/entry.ts';
import {
  failure,
  morselField,
  type Program,
  partsPerMorselMax,
  type Step,
} from '../compile/program.ts';
import { loadTable } from '../table/load.ts';
import { TableStorage } from '../table/storage.ts';
import type { ColumnBatch } from '../value/batch.ts';
import { bigintType, integerType } from '../value/type.ts';
import { type Expr, i32, i64, ModuleBuilder } from '../wasm/index.ts';
import { execute } from './execute.ts';
import { platform } from './node/platform.ts';
import { Runtime } from './runtime.ts';

const runtimes = {
  'one thread': new Runtime({ platform, threads: 1 }),
  'three threads': new Runtime({ platform, threads: 3 }),
  'unshared memory': new Runtime({ platform, shared: false }),
};
after(() => Promise.all(Object.values(runtimes).map((runtime) => runtime.close())));

/** The imports of a program, as the compiler makes them. */
function newModule(runtime: Runtime) {
  const m = new ModuleBuilder();
  m.importMemory('env', 'memory', { min: 1, max: 65536, shared: runtime.memory.shared });
  const fail = m.importFunc('env', 'fail', ['i32', 'i32'], []);
  const chunk = m.importFunc('env', 'chunk', ['i32', 'i32', 'i32'], ['i32']);
  return { m, fail, chunk };
}

const pipelineParams = { frame: 'i32', local: 'i32', morsel: 'i32' } as const;

/** A table `t(x INTEGER)` with x = row number * 7 mod 1000 (a stored u16). */
async function sampleTable(runtime: Runtime, rowCount: number): Promise<TableEntry> {
  const data = Int32Array.from({ length: rowCount }, (_, i) => (i * 7) % 1000);
  const batch: ColumnBatch = { rowCount, columns: [{ form: 'fixed', data }] };
  const schema = [{ name: 'x', type: integerType, nullable: false }];
  const table = await loadTable(new TableStorage(runtime.memory), schema, [batch]);
  const { layout } = table.columns[0];
  assert.deepEqual(layout, { kind: 'int', width: 2, base: 0n });
  return tableEntry('t', table);
}

function load(m: Expr, offset: number) {
  return i32.load(m, offset);
}

function sum(runtime: Runtime, table: TableEntry): Program {
  const { m } = newModule(runtime);
  // local + 0: this worker's sum; frame + 0: the total.
  m.func('scan_t', { params: pipelineParams, export: true }, (f) => {
    const { local, morsel } = f.param;
    const i = f.local('i32', 'row');
    const data = f.let(load(morsel, morselField.columns), 'data');
    f.for(i, 0, load(morsel, morselField.count), () => {
      const x = i64.load16U(i32.add(data, i32.shl(i, 1)));
      f.do(i64.store(local, i64.add(i64.load(local), x)));
    });
  });
  m.func('finish_t', { params: { frame: 'i32', local: 'i32' }, export: true }, (f) => {
    const { frame, local } = f.param;
    f.do(i64.store(frame, i64.add(i64.load(frame), i64.load(local))));
  });
  const steps: Step[] = [
    {
      kind: 'scan',
      name: 'scan_t',
      table,
      ordinals: [0],
      prune: [],
      keepsTexts: false,
      appends: [],
      finish: 'finish_t',
    },
    { kind: 'call', name: 'output', appends: [0] },
  ];
  m.func('output', { params: { frame: 'i32', local: 'i32' }, export: true }, (f) => {
    const { frame, local } = f.param;
    const at = f.let(m.funcs[1].call(local, i32.add(local, 16), 8), 'at');
    f.do(i64.store(at, i64.load(frame)));
    f.do(i32.store(local, i32.add(at, 8), 16));
  });
  return {
    bytes: m.toBytes(),
    frameBytes: 8,
    localBytes: 32,
    parameters: [],
    counters: [],
    keptBytes: 0,
    buffers: [{ name: 'result', rowBytes: 8, appender: 16 }],
    steps,
    result: {
      columns: [
        {
          name: 'sum',
          type: bigintType,
          field: { form: 'int', offset: 0, width: 8, base: 0n, nullAt: undefined },
        },
      ],
      rowBytes: 8,
      source: { kind: 'rows', buffer: 0 },
      offset: 0,
      limit: undefined,
    },
  };
}

/** Copies the rows with x below 500 to a buffer as (x u32, row number u32). */
function filter(runtime: Runtime, table: TableEntry, pointers: boolean): Program {
  const { m, chunk, fail } = newModule(runtime);
  m.func('scan_t', { params: pipelineParams, export: true }, (f) => {
    const { local, morsel } = f.param;
    const i = f.local('i32', 'row');
    const at = f.local('i32', 'at');
    const data = f.let(load(morsel, morselField.columns), 'data');
    f.for(i, 0, load(morsel, morselField.count), () => {
      const x = f.let(i32.load16U(i32.add(data, i32.shl(i, 1))), 'x');
      f.if(i32.ltU(x, 500), () => {
        f.set(at, i32.load(local));
        f.if(i32.gtU(i32.add(at, 8), i32.load(local, 4)), () => {
          f.set(at, chunk.call(local, local, 8));
        });
        f.do(i32.store(at, x));
        f.do(i32.store(at, i32.add(i, load(morsel, morselField.first)), 4));
        f.do(i32.store(local, i32.add(at, 8)));
      });
    });
  });
  m.func('fail_at', { params: pipelineParams, export: true }, (f) => {
    f.if(i32.eq(load(f.param.morsel, morselField.sequence), 20 * partsPerMorselMax), () => {
      f.call(fail, failure.divisionByZero, 0);
    });
  });
  m.func('trap_at', { params: pipelineParams, export: true }, (f) => {
    f.if(i32.eq(load(f.param.morsel, morselField.sequence), 20 * partsPerMorselMax), () =>
      f.unreachable(),
    );
  });
  m.func('spin', { params: pipelineParams, export: true }, (f) => {
    const i = f.local('i32', 'i');
    f.for(i, 0, 3_000_000, () => f.do(i32.store(f.param.local, i, 32)));
  });
  const int = { form: 'int', width: 4, base: 0n, nullAt: undefined } as const;
  const scan = {
    kind: 'scan',
    table,
    ordinals: [0],
    prune: [],
    keepsTexts: false,
    appends: [0],
  } as const;
  return {
    bytes: m.toBytes(),
    frameBytes: 64,
    localBytes: 64,
    parameters: [],
    counters: [],
    keptBytes: 0,
    buffers: [{ name: 'rows', rowBytes: 8, appender: 0 }],
    steps: [
      { ...scan, name: 'scan_t' },
      { kind: 'gather', buffer: 0, slot: 8, pointers },
    ],
    result: {
      columns: ['x', 'n'].map((name, i) => {
        return { name, type: integerType, field: { ...int, offset: 4 * i } };
      }),
      rowBytes: 8,
      source: pointers ? { kind: 'pointers', slot: 8 } : { kind: 'rows', buffer: 0 },
      offset: 0,
      limit: undefined,
    },
  };
}

/** The program with its scan calling another export, once a morsel. */
function calling(program: Program, name: string): Program {
  const [scan] = program.steps;
  return { ...program, steps: [{ ...scan, name, appends: [] } as Step] };
}

const rowCount = 40 * 65536 + 123;

for (const [name, runtime] of Object.entries(runtimes)) {
  test(`sums, filters, gathers: ${name}`, async () => {
    const table = await sampleTable(runtime, rowCount);
    const before = runtime.memory.pages.total().bytes;
    let expected = 0n;
    for (let i = 0; i < rowCount; i++) expected += BigInt((i * 7) % 1000);
    const program = sum(runtime, table);
    for (let run = 0; run < 3; run++) {
      const { batches } = await execute(runtime, program);
      const [vector] = batches[0].columns;
      assert.equal(vector.form === 'fixed' && vector.data[0], expected);
    }
    for (const pointers of [false, true]) {
      const result = await execute(runtime, filter(runtime, table, pointers));
      let row = 0;
      for (const { columns, rowCount: count } of result.batches) {
        const [x, n] = columns.map((vector) => (vector.form === 'fixed' ? vector.data : []));
        for (let i = 0; i < count; i++, row++) {
          while ((row * 7) % 1000 >= 500) row++;
          // Rows come in the order of the table, whoever made them.
          if (n[i] !== row || x[i] !== (row * 7) % 1000)
            assert.fail(`row ${row}: ${x[i]}, ${n[i]}`);
        }
      }
      assert.ok(row > rowCount - 1000);
    }
    // Control slots stay, so the first run may have taken a page.
    assert.ok(runtime.memory.pages.total().bytes <= before + 65536);
  });

  test(`an error or a trap stops the statement and frees its memory: ${name}`, async () => {
    const table = await sampleTable(runtime, rowCount);
    const program = filter(runtime, table, false);
    await execute(runtime, program);
    const before = runtime.memory.pages.total().bytes;
    for (let run = 0; run < 3; run++) {
      await assert.rejects(execute(runtime, calling(program, 'fail_at')), {
        name: 'QuernError',
        code: '22012',
        message: 'division by zero',
      });
      await assert.rejects(execute(runtime, calling(program, 'trap_at')), {
        code: 'XX000',
        message: /in compiled function trap_at .*: unreachable/,
      });
    }
    assert.equal(runtime.memory.pages.total().bytes, before);
    const result = await execute(runtime, program);
    assert.ok(result.rowCount > 1000);
  });

  test(`an abort ends a long statement within 100 ms: ${name}`, async () => {
    const table = await sampleTable(runtime, 400 * 65536);
    const before = runtime.memory.pages.total().bytes;
    const program = calling(filter(runtime, table, false), 'spin');
    // A busy machine may delay any single try.
    let waited = Number.POSITIVE_INFINITY;
    for (let tries = 0; tries < 5 && waited >= 100; tries++) {
      const controller = new AbortController();
      let aborted = 0;
      setTimeout(() => {
        aborted = performance.now();
        controller.abort();
      }, 60);
      await assert.rejects(execute(runtime, program, { signal: controller.signal }), {
        code: '57014',
      });
      assert.ok(aborted > 0);
      waited = performance.now() - aborted;
    }
    assert.ok(waited < 100, `${waited} ms`);
    assert.ok(runtime.memory.pages.total().bytes <= before + 65536);
  });
}

test('statements that run at the same time do not disturb each other', async () => {
  const runtime = runtimes['three threads'];
  const table = await sampleTable(runtime, rowCount);
  const program = filter(runtime, table, true);
  const results = await Promise.allSettled([
    execute(runtime, program),
    execute(runtime, calling(program, 'fail_at')),
    execute(runtime, sum(runtime, table)),
    execute(runtime, program),
    execute(runtime, calling(program, 'trap_at')),
  ]);
  assert.deepEqual(
    results.map((result) => result.status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'rejected'],
  );
  const [first, , , second] = results.map((r) => (r.status === 'fulfilled' ? r.value : undefined));
  assert.deepEqual(first?.batches, second?.batches);
});

test('a statement that needs more memory than there is fails with what was asked for', async () => {
  const runtime = new Runtime({ platform, threads: 2, memoryLimit: 12 << 20 });
  const table = await sampleTable(runtime, rowCount);
  const before = runtime.memory.pages.total().bytes;
  await assert.rejects(execute(runtime, filter(runtime, table, false)), {
    code: '53200',
    message: /^out of memory: /,
  });
  assert.ok(runtime.memory.pages.total().bytes <= before + 65536);
  await runtime.close();
});
