import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/base/random.ts';
import {
  type Expr,
  type Func,
  type FunctionBuilder,
  f32,
  f64,
  i32,
  i64,
  type Label,
  type Local,
  ModuleBuilder,
} from '../../src/wasm/index.ts';
import { assembled, normalizedBytes, normalizedText } from './binaryen.ts';
import {
  Interpreter,
  type Program,
  ProgramMaker,
  randomValue,
  type Step,
  type Tree,
} from './random-program.ts';
import { Trap, type Value } from './semantics.ts';

type Constructor = (...args: unknown[]) => Expr;
const namespaces = { i32, i64, f32, f64 };

/** `i32.lt_u` as the assembler names it. */
function constructorOf(name: string): Constructor {
  const [space, rest] = name.split('.') as [keyof typeof namespaces, string];
  const camel = rest.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  return (namespaces[space] as unknown as Record<string, Constructor>)[camel];
}

/** Builds one random program with the assembler. */
class Translator {
  readonly #f: FunctionBuilder;
  readonly #funcs: readonly Func[];
  readonly #locals: Local[];
  readonly #labels = new Map<number, Label>();

  constructor(f: FunctionBuilder, program: Program, funcs: readonly Func[]) {
    this.#f = f;
    this.#funcs = funcs;
    this.#locals = [...f.params, ...program.locals.map((type) => f.local(type))];
  }

  tree(tree: Tree): Expr {
    const f = this.#f;
    switch (tree.kind) {
      case 'const':
        return tree.type === 'i64'
          ? i64.const(tree.value)
          : namespaces[tree.type].const(tree.value as number);
      case 'local':
        return this.#locals[tree.local];
      case 'tee':
        return f.tee(this.#locals[tree.local], this.tree(tree.value));
      case 'op':
        return constructorOf(tree.name)(...tree.args.map((arg) => this.tree(arg)));
      case 'load':
        return constructorOf(tree.load.name)(this.tree(tree.address), tree.load.offset);
      case 'call':
        return this.#funcs[tree.func].call(...tree.args.map((arg) => this.tree(arg)));
      case 'if':
      case 'select': {
        const condition = this.tree(tree.condition);
        const then = this.tree(tree.then);
        return namespaces[tree.type][tree.kind](condition, then, this.tree(tree.else));
      }
      case 'value':
        return f.value(tree.type, (label) => {
          this.#labels.set(tree.label, label);
          this.steps(tree.body);
          return this.tree(tree.value);
        });
    }
  }

  steps(steps: readonly Step[]): void {
    for (const step of steps) this.#step(step);
  }

  #step(step: Step): void {
    const f = this.#f;
    switch (step.kind) {
      case 'set':
        f.set(this.#locals[step.local], this.tree(step.value));
        break;
      case 'drop':
        f.drop(this.tree(step.value));
        break;
      case 'store': {
        const store = constructorOf(step.store.name);
        const address = this.tree(step.address);
        f.do(store(address, this.tree(step.value), step.store.offset) as never);
        break;
      }
      case 'if': {
        const condition = this.tree(step.condition);
        const otherwise = step.else.length > 0 ? () => this.steps(step.else) : undefined;
        f.if(condition, () => this.steps(step.then), otherwise);
        break;
      }
      case 'block':
        f.block((label) => {
          this.#labels.set(step.label, label);
          this.steps(step.body);
        });
        break;
      case 'loop':
        f.for(this.#locals[step.counter], 0, step.count, (loop) => {
          this.#labels.set(step.label, loop.continue);
          this.steps(step.body);
        });
        break;
      case 'br':
        f.br(this.#label(step.label), ...this.#carried(step.value));
        break;
      case 'brIf': {
        const carried = this.#carried(step.value);
        f.brIf(this.#label(step.label), this.tree(step.condition), ...carried);
        break;
      }
      case 'brTable': {
        const labels = step.labels.map((label) => this.#label(label));
        f.brTable(labels.slice(0, -1), labels.at(-1)!, this.tree(step.index));
        break;
      }
      case 'return':
        f.return(this.tree(step.value));
        break;
    }
  }

  #label(label: number): Label {
    return this.#labels.get(label)!;
  }

  #carried(value: Tree | undefined): Expr[] {
    return value === undefined ? [] : [this.tree(value)];
  }
}

const memoryBytes = 65536;
const watchedBytes = 512;

function build(programs: readonly Program[]): ModuleBuilder {
  const m = new ModuleBuilder({ name: 'random' });
  m.defineMemory({ min: 1, export: 'memory' });
  const funcs: Func[] = [];
  programs.forEach((program, i) => {
    const params = Object.fromEntries(program.params.map((type, i) => [`p${i}`, type]));
    const options = { params, results: [program.result.type], export: true };
    const func = m.func(`f${i}`, options, (f) => {
      const translator = new Translator(f, program, funcs);
      translator.steps(program.body);
      f.return(translator.tree(program.result));
    });
    funcs.push(func);
  });
  return m;
}

/** What a run answers or that it traps, and the memory it leaves. */
interface Outcome {
  readonly result: Value | 'trap';
  readonly memory: Uint8Array;
}

function outcome(memory: ArrayBuffer, run: () => Value, isTrap: (error: unknown) => boolean) {
  let result: Value | 'trap';
  try {
    result = run();
  } catch (error) {
    if (!isTrap(error)) throw error;
    result = 'trap';
  }
  return { result, memory: new Uint8Array(memory, 0, watchedBytes) } satisfies Outcome;
}

function execute(bytes: Uint8Array<ArrayBuffer>, name: string, seed: number, args: Value[]) {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const { buffer } = exports.memory as WebAssembly.Memory;
  new Random(seed).fill(new Uint8Array(buffer, 0, watchedBytes));
  const run = exports[name] as (...args: Value[]) => Value;
  const isTrap = (error: unknown) => error instanceof WebAssembly.RuntimeError;
  return outcome(buffer as ArrayBuffer, () => run(...args), isTrap);
}

test('random programs are valid, mean what they say, and survive the round trip by text', () => {
  const seed = Number(process.env['QUERN_SEED'] ?? 20261120);
  const rounds = Number(process.env['QUERN_ROUNDS'] ?? 60);
  let compared = 0;
  let traps = 0;
  for (let round = 0; round < rounds; round++) {
    const random = new Random(seed + round);
    const where = `seed ${seed + round} (QUERN_SEED=${seed + round} QUERN_ROUNDS=1 repeats it)`;
    const programs: Program[] = [];
    for (let i = 0; i < 4; i++) {
      programs.push(new ProgramMaker(random, [...programs]).make(random.int(5, 250)));
    }
    const m = build(programs);
    const bytes = m.toBytes();
    assert.ok(WebAssembly.validate(bytes), `V8 accepts the module of ${where}`);
    const text = m.toText();
    assert.equal(normalizedBytes(bytes), normalizedText(text), where);
    const roundTrip = assembled(text);
    programs.forEach((program, i) => {
      for (let run = 0; run < 3; run++) {
        const args = program.params.map((type) => randomValue(random, type));
        const memory = new ArrayBuffer(memoryBytes);
        new Random(round).fill(new Uint8Array(memory, 0, watchedBytes));
        const interpreter = new Interpreter(programs, new DataView(memory), 100_000);
        const isTrap = (error: unknown) => error instanceof Trap;
        const expected = outcome(memory, () => interpreter.run(program, args), isTrap);
        if (interpreter.exhausted) continue;
        const what = `f${i}(${args.join(', ')}) of ${where}`;
        assert.deepEqual(execute(bytes, `f${i}`, round, args), expected, what);
        assert.deepEqual(execute(roundTrip, `f${i}`, round, args), expected, what);
        compared++;
        if (expected.result === 'trap') traps++;
      }
    });
  }
  // That most runs were compared, and most of those ended well, makes the test worth its time.
  assert.ok(compared > rounds * 10, `${compared} runs compared`);
  assert.ok(rounds < 10 || (traps > 0 && traps < compared / 2), `${traps} of ${compared} trapped`);
});
