/**
 * Functions that can stop in the middle and go on later.
 *
 * A function says at *checkpoints* where it may stop; there it counts its work. Each time a portion
 * of it is done it looks whether to stop: because the host has said so in memory, or because it was
 * given only so many portions. To stop, it stores the locals that still matter, and returns; so
 * does each function above it up to the host. Stopping is all that this form of the code can do. It
 * costs next to nothing: loops keep their registers, for a loop that may be left calls nothing.
 *
 * To go on, the host uses the *resumable* form of the same module: the same functions, that begin
 * by looking whether they were stopped. If so they restore their locals and skip everything that
 * lies before the checkpoint, block after block. Here, a function asks the host how long it may go
 * on. (The transformation is known from Binaryen's Asyncify; what is different is the two forms, so
 * that code that never stops is not slowed down by being enterable.)
 */
import * as control from './control.ts';
import { DirectCall, type Func, type Global, Label, Local } from './entities.ts';
import { fail, type Owner } from './error.ts';
import { type Expr, type Node, show } from './expr.ts';
import type { FunctionBody } from './function.ts';
import { f32, f64, i32, i64 } from './instructions.ts';
import { LivenessSink } from './liveness.ts';
import type { Sink } from './sink.ts';
import { suspensionState } from './suspension-state.ts';
import type { ValueType } from './types.ts';
import { v128 } from './vectors.ts';

/** What the suspendable functions of a module use. */
export interface Suspension {
  /**
   * An i32 that the host sets before each call: after how many portions of
   * {@link Suspension.portionWork} a function stops.
   */
  readonly portions: Global;
  /** The address of an i32 that stops functions when it is not 0; set by the host before a call. */
  readonly stopAt: Global;
  /** () → i32, in the resumable form: how much work until it is called again; 0 suspends. */
  readonly poll: Func;
  /** (bytes: i32) → i32: memory for the state of a function; the innermost one asks first. */
  readonly save: Func;
  /** () → i32: the memory that was given last and not restored yet. */
  readonly restore: Func;
  /** An i32, one of {@link suspensionState}. */
  readonly state: Global;
  /** Whether the module is to have the form that can be entered where it was left. */
  readonly resumable: boolean;
  /** How much work is a portion. */
  readonly portionWork: number;
}

/** A saved state begins with the number of the place; the locals follow. */
const stateHeader = 16;

/** A place where a function may stop: a checkpoint, or a call of another such function. */
export class StopPlace extends control.Statement {
  override readonly ends = false;
  /** How much work a checkpoint counts for. */
  readonly work: number;
  /** Whether it is one in the resumable form only. */
  readonly onlyResumed: boolean;
  readonly call: DirectCall | undefined;
  /** What takes the results of the call. */
  readonly results: readonly Local[];
  /** From 1 in the order of the code; 0 before the function is finished. */
  number = 0;
  live: readonly Local[] = [];
  /** Its code, once the function is finished. */
  code: control.Sequence | undefined;

  constructor(
    owner: Owner,
    work: number,
    onlyResumed: boolean,
    call?: DirectCall,
    results: readonly Local[] = [],
  ) {
    super(owner);
    this.work = work;
    this.onlyResumed = onlyResumed;
    this.call = call;
    this.results = results;
  }

  override emit(sink: Sink): void {
    if (sink instanceof LivenessSink) {
      this.emitCall(sink);
      sink.place(this);
    } else if (this.code !== undefined) {
      this.code.emit(sink);
    } else {
      fail('a checkpoint stands inside of an expression');
    }
  }

  emitCall(sink: Sink): void {
    if (this.call === undefined) return;
    if (this.results.length === 0) new control.Do(this.call).emit(sink);
    else new control.MultiSet(this.results, this.call).emit(sink);
  }
}

/**
 * Gives the stop places of a function their code, and the function its resumable form if wanted.
 */
export function lowerSuspension(
  body: FunctionBody,
  results: readonly ValueType[],
  suspension: Suspension,
  owner: Owner,
): FunctionBody {
  const lowering = new Lowering(body, results, suspension, owner);
  return lowering.run();
}

/** Numbers of the first and the last stop place in a statement. */
interface Span {
  readonly first: number;
  readonly last: number;
}

class Lowering {
  readonly #body: FunctionBody;
  readonly #results: readonly ValueType[];
  readonly #suspension: Suspension;
  readonly #places: StopPlace[] = [];
  readonly #spans = new Map<Node, Span>();
  readonly #work: Local;
  readonly #saved: Local;
  /** In the resumable form: the number of the place to go on from, 0 once it is reached. */
  readonly #target: Local;

  constructor(
    body: FunctionBody,
    results: readonly ValueType[],
    suspension: Suspension,
    owner: Owner,
  ) {
    this.#body = body;
    this.#results = results;
    this.#suspension = suspension;
    this.#work = new Local(owner, 'i32', 'work_left', -1);
    this.#saved = new Local(owner, 'i32', 'saved', -1);
    this.#target = new Local(owner, 'i32', 'target', -1);
  }

  run(): FunctionBody {
    const { params, locals, statements } = this.#body;
    this.#number(statements);
    if (this.#places.length === 0) return this.#body;
    this.#findLive();
    for (const place of this.#places) place.code = this.#code(place);
    const { resumable, portionWork } = this.#suspension;
    const root = new control.Sequence(undefined, undefined);
    if (resumable) root.statements.push(this.#reenter());
    root.statements.push(new control.LocalSet(this.#work, i32.const(portionWork)));
    root.statements.push(resumable ? this.#guarded(statements) : statements);
    // With guards around its parts, the end of the function looks as if it could be reached.
    if (resumable && this.#results.length > 0) {
      root.statements.push(new control.Unreachable(undefined));
    }
    const own = [this.#work, this.#saved, ...(resumable ? [this.#target] : [])];
    return { params, locals: [...locals, ...own], statements: root };
  }

  /** Numbers the places below a node; undefined if there are none. */
  #number(node: Node): Span | undefined {
    const first = this.#places.length + 1;
    if (node instanceof StopPlace) {
      node.number = this.#places.push(node);
    } else if (node instanceof control.Sequence) {
      for (const statement of node.statements) this.#number(statement);
    } else if (node instanceof control.Block || node instanceof control.Loop) {
      this.#number(node.body);
    } else if (node instanceof control.If) {
      this.#number(node.consequent);
      if (node.alternative !== undefined) this.#number(node.alternative);
    }
    const last = this.#places.length;
    if (last < first) return undefined;
    const span = { first, last };
    this.#spans.set(node, span);
    return span;
  }

  #findLive(): void {
    const { params, locals, statements } = this.#body;
    const sink = new LivenessSink();
    statements.emit(sink);
    const live = sink.analyze([...params, ...locals]);
    for (const place of this.#places) place.live = live.get(place) ?? [];
  }

  #code(place: StopPlace): control.Sequence {
    const code = place.call === undefined ? this.#checkpoint(place) : this.#call(place, place.call);
    return sequence(...code);
  }

  #checkpoint(place: StopPlace): control.Statement[] {
    const { state, resumable } = this.#suspension;
    if (place.onlyResumed && !resumable) return [];
    const left = this.#work;
    const leave = sequence(
      new control.GlobalSet(state, i32.const(suspensionState.unwinding)),
      this.#save(place),
    );
    const look = resumable ? this.#poll(leave) : this.#nextPortion(leave);
    const count = [
      new control.LocalSet(left, i32.sub(left, place.work)),
      branch(i32.ltS(left, 0), look),
    ];
    if (!resumable) return count;
    const arrive = sequence(
      new control.LocalSet(this.#target, i32.const(0)),
      new control.GlobalSet(state, i32.const(suspensionState.running)),
    );
    return [branch(this.#target, arrive, sequence(...count))];
  }

  #nextPortion(leave: control.Sequence): control.Sequence {
    const { portions, stopAt, portionWork } = this.#suspension;
    return sequence(
      branch(i32.or(i32.load(stopAt), i32.leS(portions, 0)), leave),
      new control.GlobalSet(portions, i32.sub(portions, 1)),
      new control.LocalSet(this.#work, i32.const(portionWork)),
    );
  }

  #poll(leave: control.Sequence): control.Sequence {
    return sequence(
      new control.LocalSet(this.#work, this.#suspension.poll.call()),
      branch(i32.eqz(this.#work), leave),
    );
  }

  #call(place: StopPlace, call: DirectCall): control.Statement[] {
    const { state, resumable } = this.#suspension;
    const make = (made: DirectCall) =>
      place.results.length === 0 ? new control.Do(made) : new control.MultiSet(place.results, made);
    const leave = branch(state, sequence(this.#save(place)));
    if (!resumable) return [make(call), leave];
    const again = new DirectCall(call.func, call.func.type.params.map(zero));
    const goOn = sequence(new control.LocalSet(this.#target, i32.const(0)), make(again));
    return [branch(this.#target, goOn, sequence(make(call))), leave];
  }

  /** Stores the live locals and leaves the function. */
  #save(place: StopPlace): control.Sequence {
    const { layout, bytes } = stateLayout(place.live);
    const saved = this.#saved;
    return sequence(
      new control.LocalSet(saved, this.#suspension.save.call(bytes)),
      new control.Do(i32.store(saved, place.number)),
      ...layout.map(({ local, offset }) => new control.Do(storeLocal(saved, local, offset))),
      new control.Return(this.#results.map(zero)),
    );
  }

  /** At the start of the resumable form: restores the locals if the function was stopped. */
  #reenter(): control.Statement {
    const { state, restore } = this.#suspension;
    const saved = this.#saved;
    const body = sequence(
      new control.LocalSet(saved, restore.call()),
      new control.LocalSet(this.#target, i32.load(saved)),
    );
    for (const place of this.#places) {
      const { layout } = stateLayout(place.live);
      const loads = layout.map(
        ({ local, offset }) => new control.LocalSet(local, loadLocal(saved, local.type, offset)),
      );
      body.statements.push(branch(i32.eq(this.#target, place.number), sequence(...loads)));
    }
    return branch(i32.eq(state, suspensionState.rewinding), body);
  }

  /** A sequence that, while there is a target, only runs what leads there. */
  #guarded(from: control.Sequence): control.Sequence {
    const to = new control.Sequence(from.parent, from.label);
    let plain: Node[] = [];
    const flush = () => {
      if (plain.length > 0) to.statements.push(branch(i32.eqz(this.#target), sequence(...plain)));
      plain = [];
    };
    const leading = from.statements.filter((statement) => this.#spans.has(statement)).length;
    for (const statement of from.statements) {
      const span = this.#spans.get(statement);
      if (span === undefined) {
        plain.push(statement);
        continue;
      }
      flush();
      const inner = this.#enterable(statement);
      // One way leads on: who comes here with a target wants to go there.
      if (leading === 1) to.statements.push(inner);
      else
        to.statements.push(
          branch(i32.or(i32.eqz(this.#target), this.#inside(span)), sequence(inner)),
        );
    }
    flush();
    return to;
  }

  /** A statement with stop places in the form that can be entered with a target. */
  #enterable(statement: Node): Node {
    if (statement instanceof control.Sequence) return this.#guarded(statement);
    if (statement instanceof control.Block) {
      return new control.Block(statement.label, this.#guarded(statement.body));
    }
    if (statement instanceof control.Loop) {
      return new control.Loop(statement.label, this.#guarded(statement.body));
    }
    if (statement instanceof control.If) {
      const { condition, label, consequent, alternative } = statement;
      const span = this.#spans.get(consequent);
      const first = span === undefined ? i32.const(0) : this.#inside(span);
      const way = new control.IfExpr(this.#target, first, condition, new Label(0, [], ['i32']));
      return new control.If(
        way,
        label,
        this.#guarded(consequent),
        alternative && this.#guarded(alternative),
      );
    }
    return statement;
  }

  #inside({ first, last }: Span): Expr {
    return i32.leU(i32.sub(this.#target, first), last - first);
  }
}

function sequence(...statements: readonly Node[]): control.Sequence {
  const made = new control.Sequence(undefined, undefined);
  made.statements.push(...statements);
  return made;
}

function branch(
  condition: Expr,
  then: control.Sequence,
  otherwise?: control.Sequence,
): control.Statement {
  return new control.If(condition, new Label(0, [], []), then, otherwise);
}

interface SavedLocal {
  readonly local: Local;
  readonly offset: number;
}

function stateLayout(live: readonly Local[]): { layout: SavedLocal[]; bytes: number } {
  let offset = stateHeader;
  const layout = live.map((local) => {
    const at = offset;
    offset += local.type === 'v128' ? 16 : 8;
    return { local, offset: at };
  });
  return { layout, bytes: offset };
}

function storeLocal(at: Local, local: Local, offset: number) {
  switch (local.type) {
    case 'i32':
      return i32.store(at, local, offset);
    case 'i64':
      return i64.store(at, local, offset);
    case 'f32':
      return f32.store(at, local, offset);
    case 'f64':
      return f64.store(at, local, offset);
    case 'v128':
      return v128.store(at, local, offset, 8);
    default:
      return fail(`a reference cannot be kept while a function is suspended: ${show(local)}`);
  }
}

function loadLocal(at: Local, type: ValueType, offset: number): Expr {
  switch (type) {
    case 'i32':
      return i32.load(at, offset);
    case 'i64':
      return i64.load(at, offset);
    case 'f32':
      return f32.load(at, offset);
    case 'f64':
      return f64.load(at, offset);
    case 'v128':
      return v128.load(at, offset, 8);
    default:
      return fail(`a ${type} cannot be kept while a function is suspended`);
  }
}

function zero(type: ValueType): Expr {
  switch (type) {
    case 'i32':
      return i32.const(0);
    case 'i64':
      return i64.const(0n);
    case 'f32':
      return f32.const(0);
    case 'f64':
      return f64.const(0);
    default:
      return fail(`a function with a ${type} among its parameters or results cannot be suspended`);
  }
}
