import * as control from './control.ts';
import { DirectCall, type Func, Global, Label, Local, MultiExpr } from './entities.ts';
import { fail, type Owner } from './error.ts';
import { Effect, type Expr, type Node, type Operand, operand, show } from './expr.ts';
import { i32, i64 } from './instructions.ts';
import { lowerSuspension, StopPlace, type Suspension } from './suspension.ts';
import type { ValueType } from './types.ts';

/** The parameters of a function: name → type, in order. */
export type Params = Readonly<Record<string, ValueType>>;

function lessThan(local: Local, to: Operand, unsigned: boolean): Expr {
  if (local.type === 'i32') return unsigned ? i32.ltU(local, to) : i32.ltS(local, to);
  if (local.type === 'i64') return unsigned ? i64.ltU(local, to) : i64.ltS(local, to);
  return fail(`f.for counts integers, $${local.name} is ${local.type}`);
}

/** What a definition leaves: parameters, locals and statements. */
export interface FunctionBody {
  readonly params: readonly Local[];
  readonly locals: readonly Local[];
  readonly statements: control.Sequence;
}

/** A place in a function that is filled in later; see {@link FunctionBuilder.slot}. */
export type Slot = control.Sequence;

/** Where the body of a loop can branch to. */
export interface LoopLabels {
  /** Behind the loop. */
  readonly break: Label;
  /** To the next round. */
  readonly continue: Label;
}

/**
 * Builds the body of one function: every method appends a statement at the current place. Blocks
 * take a callback, during which the current place is inside them.
 */
export class FunctionBuilder<P extends Params = Params> implements Owner {
  readonly name: string;
  readonly results: readonly ValueType[];
  /** The parameters by name. */
  readonly param: { readonly [K in keyof P]: Local };
  /** The parameters in order. */
  readonly params: readonly Local[];
  readonly #locals: Local[] = [];
  readonly #names = new Map<string, number>();
  readonly #root = new control.Sequence(undefined, undefined);
  readonly #suspension: Suspension | undefined;
  #current = this.#root;
  #labels = 0;

  constructor(func: Func, params: P) {
    this.name = func.name;
    this.#suspension = func.suspension;
    this.results = func.type.results;
    const entries = Object.entries(params);
    this.params = entries.map(
      ([name, type], i) => new Local(this, type, this.#uniqueName(name), i),
    );
    this.param = Object.fromEntries(entries.map(([name], i) => [name, this.params[i]])) as never;
  }

  #uniqueName(name: string): string {
    const count = this.#names.get(name) ?? 0;
    this.#names.set(name, count + 1);
    return count === 0 ? name : this.#uniqueName(`${name}.${count}`);
  }

  #append(statement: control.Statement): void {
    const owner = statement.owner;
    if (owner !== undefined && owner !== this) {
      fail(`a statement uses locals of another function, $${owner.name}`, this, show(statement));
    }
    this.#current.statements.push(statement);
  }

  #check(value: Operand, type: ValueType, describe: () => string): Expr {
    const checked = operand(value, type, describe);
    this.#own(checked);
    return checked;
  }

  #own(node: Node): void {
    if (node.owner === undefined || node.owner === this) return;
    fail(`an expression uses locals of another function, $${node.owner.name}`, this, show(node));
  }

  #condition(value: Operand): Expr {
    return this.#check(value, 'i32', () => 'a condition');
  }

  /** Runs `body` with the current place in a new sequence below the current one. */
  #within(label: Label | undefined, body: () => void): control.Sequence {
    const outer = this.#current;
    const inner = new control.Sequence(outer, label);
    this.#current = inner;
    try {
      body();
    } finally {
      this.#current = outer;
    }
    return inner;
  }

  #label(types: readonly ValueType[] = [], results = types): Label {
    return new Label(this.#labels++, types, results);
  }

  /** Marks `label` as used and checks that its block encloses the current place. */
  #target(label: Label, values: readonly Operand[]): Expr[] {
    let place: control.Sequence | undefined = this.#current;
    while (place !== undefined && place.label !== label) place = place.parent;
    if (place === undefined) fail(`a branch leaves for label ${label.id}, which is out of scope`);
    label.targeted = true;
    if (values.length !== label.types.length) {
      fail(`a branch carries ${values.length} values where ${label.types.length} are expected`);
    }
    return values.map((value, i) =>
      this.#check(value, label.types[i], () => `branch value ${i + 1}`),
    );
  }

  /** A new local variable, zero at the start. The name is for people; it need not be unique. */
  local(type: ValueType, name = type as string): Local {
    const local = new Local(this, type, this.#uniqueName(name), -1);
    this.#locals.push(local);
    return local;
  }

  /** A new local variable that holds `value` from here on. */
  let(value: Expr, name?: string): Local {
    const local = this.local(value.type, name);
    this.set(local, value);
    return local;
  }

  /** Assigns to a local or a mutable global. */
  set(variable: Local | Global, value: Operand): void {
    const checked = this.#check(value, variable.type, () => `the value of $${variable.name}`);
    if (variable instanceof Global) {
      if (!variable.mutable) fail(`global $${variable.name} is not mutable`, this);
      this.#append(new control.GlobalSet(variable, checked));
    } else {
      this.#append(new control.LocalSet(variable, checked));
    }
  }

  /** Assigns the results of `call`, made with `callMulti`, to locals. */
  setMulti(locals: readonly Local[], call: MultiExpr): void {
    const matches = call.results.every((type, i) => locals[i]?.type === type);
    if (!matches || locals.length !== call.results.length) {
      const types = locals.map((local) => local.type).join(', ');
      fail(`a call leaves (${call.results.join(', ')}) for locals of (${types})`, this, show(call));
    }
    if (call instanceof DirectCall && call.func.suspension !== undefined) {
      this.#callSuspendable(call, locals);
      return;
    }
    this.#append(new control.MultiSet(locals, call));
  }

  /** Assigns to a local and also leaves the value. */
  tee(local: Local, value: Operand): Expr {
    const checked = this.#check(value, local.type, () => `the value of $${local.name}`);
    this.#own(local);
    return new control.Tee(local, checked);
  }

  /** Appends an effect: a store, `memory.copy`, or a call without results. */
  do(effect: Effect | MultiExpr): void {
    if (effect instanceof DirectCall && effect.func.suspension !== undefined) {
      this.#callSuspendable(effect, []);
      return;
    }
    if (effect instanceof MultiExpr) {
      if (effect.results.length > 0) {
        fail(`a call leaves (${effect.results.join(', ')}): set or drop it`, this, show(effect));
      }
    } else if (!(effect instanceof Effect)) {
      const value: unknown = effect;
      fail('f.do takes an effect, not a value: set or drop it', this, show(value));
    }
    this.#append(new control.Do(effect));
  }

  /** Calls a function without results. */
  call(func: Func, ...args: Operand[]): void {
    this.do(new DirectCall(func, args));
  }

  #callSuspendable(call: DirectCall, results: readonly Local[]): void {
    if (this.#suspension === undefined) {
      fail(`$${call.func.name} may be suspended, so its callers must be suspendable too`, this);
    }
    this.#append(new StopPlace(this, 0, false, call, results));
  }

  /**
   * A place where the function may be suspended, after that much work. Nothing where the module or
   * the function is not suspendable. Not allowed inside of an expression. `onlyResumed`: for loops
   * that are short unless another one within them is long: no code in the form that runs first.
   */
  checkpoint(work = 1, { onlyResumed = false } = {}): void {
    if (this.#suspension !== undefined) this.#append(new StopPlace(this, work, onlyResumed));
  }

  /** Evaluates an expression or call and forgets what it leaves. */
  drop(value: Expr | MultiExpr): void {
    this.#append(new control.Drop(value));
  }

  /** A block; a branch to its label goes behind it. */
  block(body: (label: Label) => void): void {
    const label = this.#label();
    const inner = this.#within(label, () => body(label));
    this.#append(new control.Block(label, inner));
  }

  /** A loop; a branch to its label starts the next round. Without one it runs once. */
  loop(body: (label: Label) => void): void {
    const label = this.#label();
    const inner = this.#within(label, () => body(label));
    this.#append(new control.Loop(label, inner));
  }

  /** Runs one of two bodies. A branch to the label they get goes behind both. */
  if(condition: Operand, then: (label: Label) => void, otherwise?: (label: Label) => void): void {
    const checked = this.#condition(condition);
    const label = this.#label();
    const consequent = this.#within(label, () => then(label));
    const alternative = otherwise && this.#within(label, () => otherwise(label));
    this.#append(new control.If(checked, label, consequent, alternative));
  }

  /**
   * An expression that first runs the statements of `body`, then has the value it returns. A branch
   * to the label carries the value instead. Return nothing if the end of the body is not reached.
   * The expression must be used below the place where it is built.
   */
  value(type: ValueType, body: (label: Label) => Operand | undefined): Expr {
    const label = this.#label([type]);
    let result: Operand | undefined;
    const inner = this.#within(label, () => {
      result = body(label);
    });
    if (result === undefined && !inner.ends) {
      fail('the body of f.value neither returns a value nor branches away', this);
    }
    const value =
      result === undefined ? undefined : this.#check(result, type, () => 'the result of f.value');
    return new control.BlockExpr(type, label, inner, value, this);
  }

  /** Branches to `label`, carrying `values` if its block has a result. */
  br(label: Label, ...values: Operand[]): void {
    const checked = this.#target(label, values);
    this.#append(new control.Br(label, checked));
  }

  /** Branches if `condition` is not zero. */
  brIf(label: Label, condition: Operand, ...values: Operand[]): void {
    const checked = this.#target(label, values);
    this.#append(new control.BrIf(label, this.#condition(condition), checked));
  }

  /** Branches to `labels[index]`, or to `fallback` if there is none. */
  brTable(labels: readonly Label[], fallback: Label, index: Operand): void {
    for (const label of labels) this.#target(label, []);
    this.#target(fallback, []);
    const checked = this.#check(index, 'i32', () => 'the index of br_table');
    this.#append(new control.BrTable([...labels], fallback, checked));
  }

  /** Leaves the function with its results. */
  return(...values: (Operand | MultiExpr)[]): void {
    const [first] = values;
    if (values.length === 1 && first instanceof MultiExpr) {
      if (first.results.join() !== this.results.join()) {
        const got = first.results.join(', ');
        fail(`returns (${got}), not (${this.results.join(', ')})`, this, show(first));
      }
      this.#append(new control.Return([first]));
      return;
    }
    if (values.length !== this.results.length) {
      fail(`returns ${values.length} values, not (${this.results.join(', ')})`, this);
    }
    const checked = values.map((value, i) =>
      this.#check(value as Operand, this.results[i], () => `result ${i + 1}`),
    );
    this.#append(new control.Return(checked));
  }

  /** Leaves the function with the results of `func`, whose frame takes the place of this one. */
  returnCall(func: Func, ...args: Operand[]): void {
    if (func.type.results.join() !== this.results.join()) {
      const got = func.type.results.join(', ');
      fail(`returns (${got}) of $${func.name}, not (${this.results.join(', ')})`, this);
    }
    if (func.suspension !== undefined) fail(`$${func.name} may be suspended: use f.call`, this);
    this.#append(new control.ReturnCall(new DirectCall(func, args)));
  }

  /** Traps. */
  unreachable(): void {
    this.#append(new control.Unreachable(undefined));
  }

  /** Repeats `body` while `condition`, evaluated before each round, is not zero. */
  while(condition: Operand, body: (labels: LoopLabels) => void): void {
    this.block((end) => {
      this.loop((next) => {
        this.brIf(end, i32.eqz(condition));
        body({ break: end, continue: next });
        this.br(next);
      });
    });
  }

  /**
   * Counts `local` from `from` while it is below `to`, in signed or unsigned order, by `step`.
   * `to` is evaluated again before each round.
   */
  for(
    local: Local,
    from: Operand,
    to: Operand,
    body: (labels: LoopLabels) => void,
    options: { readonly step?: Operand; readonly unsigned?: boolean } = {},
  ): void {
    const below = (): Expr => lessThan(local, to, options.unsigned === true);
    const step = options.step ?? 1;
    this.set(local, from);
    this.if(below(), (end) => {
      this.loop((top) => {
        this.block((next) => body({ break: end, continue: next }));
        this.set(local, local.type === 'i64' ? i64.add(local, step) : i32.add(local, step));
        this.brIf(top, below());
      });
    });
  }

  /** An empty place here, to be filled in later with {@link into}. */
  slot(): Slot {
    const slot = new control.Sequence(this.#current, undefined);
    this.#append(slot);
    return slot;
  }

  /**
   * Appends what `body` builds to a slot of this function; the labels around the slot are in scope.
   */
  into(slot: Slot, body: () => void): void {
    const outer = this.#current;
    this.#current = slot;
    try {
      body();
    } finally {
      this.#current = outer;
    }
  }

  /** Ends the definition. */
  finish(): FunctionBody {
    if (this.results.length > 0) {
      const last = this.#root.statements.at(-1);
      if (!this.#root.ends) {
        fail(`the end is reached without a return of (${this.results.join(', ')})`, this);
      }
      // WebAssembly does not see that all paths through nested blocks have left.
      const plain = last instanceof control.Return || last instanceof control.ReturnCall;
      if (!plain) this.unreachable();
    }
    const body = { params: this.params, locals: this.#locals, statements: this.#root };
    if (this.#suspension === undefined) return body;
    return lowerSuspension(body, this.results, this.#suspension, this);
  }
}
