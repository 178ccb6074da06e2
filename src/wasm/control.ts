/** Expressions with control flow, and the statements of a function. */
import type { DirectCall, Func, Global, Label, Local, MultiExpr } from './entities.ts';
import type { Owner } from './error.ts';
import { type Effect, Expr, Node, ownerOf } from './expr.ts';
import type { Sink } from './sink.ts';
import type { ValueType } from './types.ts';

/** A step of a function body. */
export abstract class Statement extends Node {
  /** Whether execution never continues behind this statement. */
  abstract readonly ends: boolean;
}

/** Statements one after the other: the body of a block, or a place to be filled in later. */
export class Sequence extends Statement {
  readonly statements: Node[] = [];
  declare readonly parent: Sequence | undefined;
  /** The labels of the blocks whose body this is. */
  declare readonly label: Label | undefined;

  constructor(parent: Sequence | undefined, label: Label | undefined) {
    super(undefined);
    this.parent = parent;
    this.label = label;
  }

  override get ends(): boolean {
    const last = this.statements.at(-1);
    return last instanceof Statement && last.ends;
  }

  override emit(sink: Sink): void {
    for (const statement of this.statements) statement.emit(sink);
  }
}

/** Assigns to a local. */
export class LocalSet extends Statement {
  override readonly ends = false;
  declare readonly local: Local;
  declare readonly value: Expr;

  constructor(local: Local, value: Expr) {
    super(local.owner);
    this.local = local;
    this.value = value;
  }

  override emit(sink: Sink): void {
    this.value.emit(sink);
    sink.localSet(this.local);
  }
}

export class GlobalSet extends Statement {
  override readonly ends = false;
  declare readonly global: Global;
  declare readonly value: Expr;

  constructor(global: Global, value: Expr) {
    super(value.owner);
    this.global = global;
    this.value = value;
  }

  override emit(sink: Sink): void {
    this.value.emit(sink);
    sink.globalSet(this.global);
  }
}

/** Assigns the results of a call to locals, the first result to the first local. */
export class MultiSet extends Statement {
  override readonly ends = false;
  declare readonly locals: readonly Local[];
  declare readonly value: MultiExpr;

  constructor(locals: readonly Local[], value: MultiExpr) {
    super(ownerOf([...locals, value]));
    this.locals = locals;
    this.value = value;
  }

  override emit(sink: Sink): void {
    this.value.emit(sink);
    for (let i = this.locals.length - 1; i >= 0; i--) sink.localSet(this.locals[i]);
  }
}

/** Evaluates and forgets. */
export class Drop extends Statement {
  override readonly ends = false;
  declare readonly value: Expr | MultiExpr;

  constructor(value: Expr | MultiExpr) {
    super(value.owner);
    this.value = value;
  }

  override emit(sink: Sink): void {
    this.value.emit(sink);
    const count = this.value instanceof Expr ? 1 : this.value.results.length;
    for (let i = 0; i < count; i++) sink.drop();
  }
}

/** An effect as a statement. */
export class Do extends Statement {
  override readonly ends = false;
  declare readonly effect: Effect | MultiExpr;

  constructor(effect: Effect | MultiExpr) {
    super(effect.owner);
    this.effect = effect;
  }

  override emit(sink: Sink): void {
    this.effect.emit(sink);
  }
}

/** A block, whose label is behind it; the bare statements if nothing branches there. */
export class Block extends Statement {
  declare readonly label: Label;
  declare readonly body: Sequence;

  constructor(label: Label, body: Sequence) {
    super(undefined);
    this.label = label;
    this.body = body;
  }

  override get ends(): boolean {
    return this.body.ends && !this.label.targeted;
  }

  override emit(sink: Sink): void {
    if (!this.label.targeted) {
      this.body.emit(sink);
      return;
    }
    sink.begin('block', this.label);
    this.body.emit(sink);
    sink.end();
  }
}

/** A loop, whose label is before it. It runs once unless something branches there. */
export class Loop extends Statement {
  declare readonly label: Label;
  declare readonly body: Sequence;

  constructor(label: Label, body: Sequence) {
    super(undefined);
    this.label = label;
    this.body = body;
  }

  override get ends(): boolean {
    return this.body.ends;
  }

  override emit(sink: Sink): void {
    sink.begin('loop', this.label);
    this.body.emit(sink);
    sink.end();
  }
}

export class If extends Statement {
  declare readonly condition: Expr;
  declare readonly label: Label;
  declare readonly consequent: Sequence;
  declare readonly alternative: Sequence | undefined;

  constructor(
    condition: Expr,
    label: Label,
    consequent: Sequence,
    alternative: Sequence | undefined,
  ) {
    super(condition.owner);
    this.condition = condition;
    this.label = label;
    this.consequent = consequent;
    this.alternative = alternative;
  }

  override get ends(): boolean {
    const both = this.consequent.ends && this.alternative?.ends === true;
    return both && !this.label.targeted;
  }

  override emit(sink: Sink): void {
    this.condition.emit(sink);
    sink.begin('if', this.label);
    this.consequent.emit(sink);
    if (this.alternative !== undefined && this.alternative.statements.length > 0) {
      sink.else();
      this.alternative.emit(sink);
    }
    sink.end();
  }
}

/** An unconditional branch that carries `values`. */
export class Br extends Statement {
  override readonly ends = true;
  declare readonly label: Label;
  declare readonly values: readonly Expr[];

  constructor(label: Label, values: readonly Expr[]) {
    super(ownerOf(values));
    this.label = label;
    this.values = values;
  }

  override emit(sink: Sink): void {
    for (const value of this.values) value.emit(sink);
    sink.br(this.label);
  }
}

export class BrIf extends Statement {
  override readonly ends = false;
  declare readonly label: Label;
  declare readonly condition: Expr;
  declare readonly values: readonly Expr[];

  constructor(label: Label, condition: Expr, values: readonly Expr[]) {
    super(ownerOf([...values, condition]));
    this.label = label;
    this.condition = condition;
    this.values = values;
  }

  override emit(sink: Sink): void {
    for (const value of this.values) value.emit(sink);
    this.condition.emit(sink);
    sink.brIf(this.label);
    // A branch not taken leaves its values behind.
    for (let i = 0; i < this.values.length; i++) sink.drop();
  }
}

export class BrTable extends Statement {
  override readonly ends = true;
  declare readonly labels: readonly Label[];
  declare readonly fallback: Label;
  declare readonly index: Expr;

  constructor(labels: readonly Label[], fallback: Label, index: Expr) {
    super(index.owner);
    this.labels = labels;
    this.fallback = fallback;
    this.index = index;
  }

  override emit(sink: Sink): void {
    this.index.emit(sink);
    sink.brTable(this.labels, this.fallback);
  }
}

export class Return extends Statement {
  override readonly ends = true;
  declare readonly values: readonly (Expr | MultiExpr)[];

  constructor(values: readonly (Expr | MultiExpr)[]) {
    super(ownerOf(values));
    this.values = values;
  }

  override emit(sink: Sink): void {
    for (const value of this.values) value.emit(sink);
    sink.return();
  }
}

/** Leaves the function by calling another in its place. */
export class ReturnCall extends Statement {
  override readonly ends = true;
  declare readonly func: Func;
  declare readonly args: readonly Expr[];

  constructor({ func, args, owner }: DirectCall) {
    super(owner);
    this.func = func;
    this.args = args;
  }

  override emit(sink: Sink): void {
    for (const arg of this.args) arg.emit(sink);
    sink.returnCall(this.func);
  }
}

export class Unreachable extends Statement {
  override readonly ends = true;

  override emit(sink: Sink): void {
    sink.unreachable();
  }
}

/** `condition ? consequent : alternative`, evaluating only one of them. */
export class IfExpr extends Expr {
  declare readonly condition: Expr;
  declare readonly consequent: Expr;
  declare readonly alternative: Expr;
  declare readonly label: Label;

  constructor(condition: Expr, consequent: Expr, alternative: Expr, label: Label) {
    super(consequent.type, ownerOf([condition, consequent, alternative]));
    this.condition = condition;
    this.consequent = consequent;
    this.alternative = alternative;
    this.label = label;
  }

  override emit(sink: Sink): void {
    this.condition.emit(sink);
    sink.begin('if', this.label);
    this.consequent.emit(sink);
    sink.else();
    this.alternative.emit(sink);
    sink.end();
  }
}

/** Statements, then a value; branches to the label carry a value too. */
export class BlockExpr extends Expr {
  declare readonly label: Label;
  declare readonly body: Sequence;
  /** Undefined if the statements never get there. */
  declare readonly value: Expr | undefined;

  constructor(
    type: ValueType,
    label: Label,
    body: Sequence,
    value: Expr | undefined,
    owner: Owner,
  ) {
    super(type, owner);
    this.label = label;
    this.body = body;
    this.value = value;
  }

  override emit(sink: Sink): void {
    sink.begin('block', this.label);
    this.body.emit(sink);
    if (this.value !== undefined) this.value.emit(sink);
    else sink.unreachable();
    sink.end();
  }
}

/** Assigns to a local and leaves the value. */
export class Tee extends Expr {
  declare readonly local: Local;
  declare readonly value: Expr;

  constructor(local: Local, value: Expr) {
    super(local.type, local.owner);
    this.local = local;
    this.value = value;
  }

  override emit(sink: Sink): void {
    this.value.emit(sink);
    sink.localTee(this.local);
  }
}
