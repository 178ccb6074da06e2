/**
 * Random well-typed programs as plain trees, and what they mean: an interpreter that knows nothing
 * of WebAssembly's formats. The test builds the same trees with the assembler and compares.
 */
import type { Random } from '../../src/base/random.ts';
import { type Scalar, semantics, Trap, type Value } from './semantics.ts';

export type Tree =
  | { readonly kind: 'const'; readonly type: Scalar; readonly value: Value }
  | { readonly kind: 'local'; readonly type: Scalar; readonly local: number }
  | { readonly kind: 'tee'; readonly type: Scalar; readonly local: number; readonly value: Tree }
  | { readonly kind: 'op'; readonly type: Scalar; readonly name: string; readonly args: Tree[] }
  | { readonly kind: 'load'; readonly type: Scalar; readonly load: Access; readonly address: Tree }
  | { readonly kind: 'call'; readonly type: Scalar; readonly func: number; readonly args: Tree[] }
  | {
      readonly kind: 'if' | 'select';
      readonly type: Scalar;
      readonly condition: Tree;
      readonly then: Tree;
      readonly else: Tree;
    }
  | {
      readonly kind: 'value';
      readonly type: Scalar;
      readonly label: number;
      readonly body: Step[];
      readonly value: Tree;
    };

export type Step =
  | { readonly kind: 'set'; readonly local: number; readonly value: Tree }
  | { readonly kind: 'drop'; readonly value: Tree }
  | { readonly kind: 'store'; readonly store: Access; readonly address: Tree; readonly value: Tree }
  | { readonly kind: 'if'; readonly condition: Tree; readonly then: Step[]; readonly else: Step[] }
  | { readonly kind: 'block'; readonly label: number; readonly body: Step[] }
  /** Repeats `body` `count` times unless it is left; `counter` is a local of its own. */
  | {
      readonly kind: 'loop';
      readonly label: number;
      readonly counter: number;
      readonly count: number;
      readonly body: Step[];
    }
  | { readonly kind: 'br'; readonly label: number; readonly value: Tree | undefined }
  | {
      readonly kind: 'brIf';
      readonly label: number;
      readonly condition: Tree;
      readonly value: Tree | undefined;
    }
  | { readonly kind: 'brTable'; readonly labels: number[]; readonly index: Tree }
  | { readonly kind: 'return'; readonly value: Tree };

export interface Access {
  readonly name: string;
  readonly type: Scalar;
  readonly offset: number;
  readonly read: (memory: DataView, address: number) => Value;
  readonly write: (memory: DataView, address: number, value: never) => void;
}

export interface Program {
  readonly params: readonly Scalar[];
  readonly locals: readonly Scalar[];
  readonly body: Step[];
  readonly result: Tree;
}

/** Addresses are masked to this range, so that random programs meet their own data again. */
export const addressMask = 0xff;

const noWrite = () => {
  throw new Error('not a store');
};
const noRead = noWrite;

const load = (name: string, type: Scalar, read: Access['read']): Omit<Access, 'offset'> => ({
  name,
  type,
  read,
  write: noWrite,
});
const store = (name: string, type: Scalar, write: Access['write']): Omit<Access, 'offset'> => ({
  name,
  type,
  read: noRead,
  write,
});

const loads = [
  load('i32.load', 'i32', (m, a) => m.getInt32(a, true)),
  load('i32.load8_s', 'i32', (m, a) => m.getInt8(a)),
  load('i32.load8_u', 'i32', (m, a) => m.getUint8(a)),
  load('i32.load16_s', 'i32', (m, a) => m.getInt16(a, true)),
  load('i32.load16_u', 'i32', (m, a) => m.getUint16(a, true)),
  load('i64.load', 'i64', (m, a) => m.getBigInt64(a, true)),
  load('i64.load8_s', 'i64', (m, a) => BigInt(m.getInt8(a))),
  load('i64.load16_u', 'i64', (m, a) => BigInt(m.getUint16(a, true))),
  load('i64.load32_s', 'i64', (m, a) => BigInt(m.getInt32(a, true))),
  load('i64.load32_u', 'i64', (m, a) => BigInt(m.getUint32(a, true))),
  load('f32.load', 'f32', (m, a) => m.getFloat32(a, true)),
  load('f64.load', 'f64', (m, a) => m.getFloat64(a, true)),
];

// No stores of floats: the bits of a NaN are open, and would show.
const stores = [
  store('i32.store', 'i32', (m, a, v: number) => m.setInt32(a, v, true)),
  store('i32.store8', 'i32', (m, a, v: number) => m.setInt8(a, v)),
  store('i32.store16', 'i32', (m, a, v: number) => m.setInt16(a, v, true)),
  store('i64.store', 'i64', (m, a, v: bigint) => m.setBigInt64(a, v, true)),
  store('i64.store8', 'i64', (m, a, v: bigint) => m.setInt8(a, Number(v & 0xffn))),
  store('i64.store32', 'i64', (m, a, v: bigint) => m.setInt32(a, Number(v & 0xffffffffn), true)),
];

const scalars: readonly Scalar[] = ['i32', 'i64', 'f32', 'f64'];
const opsByResult = new Map(
  scalars.map((type) => [type, [...semantics].filter(([, op]) => op.result === type)]),
);

/** A value of `type`, often one at the edge of its range. */
export function randomValue(random: Random, type: Scalar): Value {
  const edge = random.chance(0.3);
  if (type === 'i32') {
    return edge
      ? random.pick([0, 1, -1, 0x7fffffff, -0x80000000, 255, 65536])
      : random.u32() >> random.int(0, 31);
  }
  if (type === 'i64') {
    if (edge) return random.pick([0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 32n, 255n]);
    return BigInt.asIntN(64, random.u64()) >> BigInt(random.int(0, 63));
  }
  const { MAX_VALUE, NaN: nan, POSITIVE_INFINITY: infinity } = Number;
  const x = edge
    ? random.pick([0, -0, 1, -1, nan, infinity, -infinity, 2 ** 31, 2 ** 63, MAX_VALUE, 0.5, 2.5])
    : (random.double() - 0.5) * 2 ** random.int(-10, 70);
  return type === 'f32' ? Math.fround(x) : x;
}

/** Makes programs; `callable` are those that a new one may call. */
export class ProgramMaker {
  readonly #random: Random;
  readonly #callable: readonly Program[];
  #locals: Scalar[] = [];
  #counters = new Set<number>();
  #labels = 0;
  #scope: { label: number; type: Scalar | undefined }[] = [];
  #budget = 0;
  #result: Scalar = 'i32';

  constructor(random: Random, callable: readonly Program[]) {
    this.#random = random;
    this.#callable = callable;
  }

  /** A program of about `size` nodes. */
  make(size: number): Program {
    const random = this.#random;
    const params = Array.from({ length: random.int(0, 4) }, () => random.pick(scalars));
    this.#result = random.pick(scalars);
    this.#locals = [...params, ...scalars, ...scalars];
    this.#budget = size;
    const body = this.#steps(8, 0);
    const result = this.#tree(this.#result, 4);
    return { params, locals: this.#locals.slice(params.length), body, result };
  }

  /** A local of a type, never the counter of a loop around: loops must end. */
  #local(type: Scalar, forWrite: boolean): number {
    const fitting = this.#locals.flatMap((local, i) =>
      local === type && !(forWrite && this.#counters.has(i)) ? [i] : [],
    );
    return this.#random.pick(fitting);
  }

  #address(depth: number): Tree {
    const mask: Tree = { kind: 'const', type: 'i32', value: addressMask };
    return { kind: 'op', type: 'i32', name: 'i32.and', args: [this.#tree('i32', depth - 1), mask] };
  }

  #tree(type: Scalar, depth: number): Tree {
    const random = this.#random;
    this.#budget--;
    const choice = depth <= 0 || this.#budget <= 0 ? random.int(0, 3) : random.int(0, 19);
    if (choice < 2) return { kind: 'local', type, local: this.#local(type, false) };
    if (choice < 4) return { kind: 'const', type, value: randomValue(random, type) };
    if (choice < 13) {
      const [name, op] = random.pick(opsByResult.get(type)!);
      const args = op.params.map((param) => this.#tree(param, depth - 1));
      return { kind: 'op', type, name, args };
    }
    if (choice === 13) {
      const value = this.#tree(type, depth - 1);
      return { kind: 'tee', type, local: this.#local(type, true), value };
    }
    if (choice === 14) {
      const access = random.pick(loads.filter((load) => load.type === type));
      const offset = random.int(0, 64);
      return { kind: 'load', type, load: { ...access, offset }, address: this.#address(depth) };
    }
    if (choice < 17) {
      const kind = random.pick(['if', 'select'] as const);
      const condition = this.#tree('i32', depth - 1);
      const then = this.#tree(type, depth - 1);
      return { kind, type, condition, then, else: this.#tree(type, depth - 1) };
    }
    if (choice === 17) {
      const label = this.#labels++;
      this.#scope.push({ label, type });
      const body = this.#steps(3, depth);
      this.#scope.pop();
      return { kind: 'value', type, label, body, value: this.#tree(type, depth - 1) };
    }
    const func = this.#callable.findIndex((program) => program.result.type === type);
    if (func < 0) return { kind: 'const', type, value: randomValue(random, type) };
    const args = this.#callable[func].params.map((param) => this.#tree(param, depth - 1));
    return { kind: 'call', type, func, args };
  }

  #steps(most: number, depth: number): Step[] {
    const steps: Step[] = [];
    const count = this.#random.int(1, most);
    for (let i = 0; i < count && this.#budget > 0; i++) steps.push(this.#step(depth));
    return steps;
  }

  #step(depth: number): Step {
    const random = this.#random;
    const nested = depth < 4 ? random.int(0, 11) : random.int(0, 5);
    if (nested < 3) {
      const type = random.pick(scalars);
      return { kind: 'set', local: this.#local(type, true), value: this.#tree(type, 4) };
    }
    if (nested === 3) return { kind: 'drop', value: this.#tree(random.pick(scalars), 3) };
    if (nested === 4) {
      const access = { ...random.pick(stores), offset: random.int(0, 64) };
      const address = this.#address(3);
      return { kind: 'store', store: access, address, value: this.#tree(access.type, 3) };
    }
    if (nested === 5 || nested === 6) return this.#branch();
    if (nested < 9) {
      const condition = this.#tree('i32', 3);
      const then = this.#steps(3, depth + 1);
      return {
        kind: 'if',
        condition,
        then,
        else: random.chance(0.5) ? this.#steps(3, depth + 1) : [],
      };
    }
    const label = this.#labels++;
    this.#scope.push({ label, type: undefined });
    let step: Step;
    if (nested < 11) {
      step = { kind: 'block', label, body: this.#steps(4, depth + 1) };
    } else {
      const counter = this.#locals.push('i32') - 1;
      this.#counters.add(counter);
      const body = this.#steps(4, depth + 1);
      this.#counters.delete(counter);
      step = { kind: 'loop', label, counter, count: random.int(1, 4), body };
    }
    this.#scope.pop();
    return step;
  }

  #branch(): Step {
    const random = this.#random;
    if (this.#scope.length === 0 || random.chance(0.05)) {
      return { kind: 'return', value: this.#tree(this.#result, 3) };
    }
    const plain = this.#scope.filter((target) => target.type === undefined);
    if (plain.length > 0 && random.chance(0.3)) {
      const labels = Array.from({ length: random.int(1, 4) }, () => random.pick(plain).label);
      return { kind: 'brTable', labels, index: this.#tree('i32', 2) };
    }
    const { label, type } = random.pick(this.#scope);
    const value = type && this.#tree(type, 3);
    if (random.chance(0.3)) return { kind: 'br', label, value };
    return { kind: 'brIf', label, condition: this.#tree('i32', 3), value };
  }
}

class Branch {
  readonly label: number;
  readonly value: Value | undefined;

  constructor(label: number, value: Value | undefined) {
    this.label = label;
    this.value = value;
  }
}

/** The label that a return goes to. */
const returnLabel = -1;

/** Runs programs on `memory`; every trap is a {@link Trap}. */
export class Interpreter {
  readonly #programs: readonly Program[];
  readonly #memory: DataView;
  /** Steps left before the run is given up, so that nested loops and calls stay affordable. */
  #fuel: number;
  #locals: Value[] = [];

  constructor(programs: readonly Program[], memory: DataView, fuel: number) {
    this.#programs = programs;
    this.#memory = memory;
    this.#fuel = fuel;
  }

  get exhausted(): boolean {
    return this.#fuel <= 0;
  }

  run(program: Program, args: readonly Value[]): Value {
    const outer = this.#locals;
    const zeros = program.locals.map((type) => (type === 'i64' ? 0n : 0));
    this.#locals = [...args, ...zeros];
    try {
      const branch = this.#steps(program.body);
      return branch === undefined ? this.#tree(program.result) : branch.value!;
    } catch (thrown) {
      // A return from inside an expression.
      if (thrown instanceof Branch && thrown.label === returnLabel) return thrown.value!;
      throw thrown;
    } finally {
      this.#locals = outer;
    }
  }

  #steps(steps: readonly Step[]): Branch | undefined {
    try {
      for (const step of steps) {
        const branch = this.#step(step);
        if (branch !== undefined) return branch;
      }
      return undefined;
    } catch (thrown) {
      // An expression in a step branched away.
      if (thrown instanceof Branch) return thrown;
      throw thrown;
    }
  }

  #step(step: Step): Branch | undefined {
    if (this.#fuel-- <= 0) throw new Trap('out of fuel');
    switch (step.kind) {
      case 'set':
        this.#locals[step.local] = this.#tree(step.value);
        return undefined;
      case 'drop':
        this.#tree(step.value);
        return undefined;
      case 'store': {
        const address = this.#number(step.address) + step.store.offset;
        step.store.write(this.#memory, address, this.#tree(step.value) as never);
        return undefined;
      }
      case 'if':
        return this.#steps(this.#number(step.condition) !== 0 ? step.then : step.else);
      case 'block':
        return this.#catch(step.label, step.body);
      case 'loop':
        this.#locals[step.counter] = 0;
        for (let i = 0; i < step.count; i++) {
          this.#locals[step.counter] = i;
          // The label of a loop is its next round.
          const branch = this.#catch(step.label, step.body);
          if (branch !== undefined) return branch;
        }
        this.#locals[step.counter] = step.count;
        return undefined;
      case 'br':
        return new Branch(step.label, step.value && this.#tree(step.value));
      case 'brIf': {
        const value = step.value && this.#tree(step.value);
        return this.#number(step.condition) !== 0 ? new Branch(step.label, value) : undefined;
      }
      case 'brTable': {
        const index = this.#number(step.index) >>> 0;
        const last = step.labels.length - 1;
        return new Branch(step.labels[Math.min(index, last)], undefined);
      }
      case 'return':
        return new Branch(returnLabel, this.#tree(step.value));
    }
  }

  #catch(label: number, body: readonly Step[]): Branch | undefined {
    const branch = this.#steps(body);
    return branch?.label === label ? undefined : branch;
  }

  #number(tree: Tree): number {
    return this.#tree(tree) as number;
  }

  #tree(tree: Tree): Value {
    if (this.#fuel-- <= 0) throw new Trap('out of fuel');
    switch (tree.kind) {
      case 'const':
        return tree.value;
      case 'local':
        return this.#locals[tree.local];
      case 'tee':
        return (this.#locals[tree.local] = this.#tree(tree.value));
      case 'op': {
        const args = tree.args.map((arg) => this.#tree(arg));
        return semantics.get(tree.name)!.apply(...(args as never[]));
      }
      case 'load':
        return tree.load.read(this.#memory, this.#number(tree.address) + tree.load.offset);
      case 'call': {
        const args = tree.args.map((arg) => this.#tree(arg));
        return this.run(this.#programs[tree.func], args);
      }
      case 'if':
        return this.#tree(this.#number(tree.condition) !== 0 ? tree.then : tree.else);
      case 'select': {
        const then = this.#tree(tree.then);
        const otherwise = this.#tree(tree.else);
        return this.#number(tree.condition) !== 0 ? then : otherwise;
      }
      case 'value': {
        const branch = this.#steps(tree.body);
        if (branch === undefined) return this.#tree(tree.value);
        if (branch.label === tree.label) return branch.value!;
        throw branch;
      }
    }
  }
}
