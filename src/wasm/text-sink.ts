/** Writes instructions in the text format, folded into expressions. */
import type { Func, Global, Label, Local, Segment, Table } from './entities.ts';
import type { Node } from './expr.ts';
import type { MemoryOp, Op } from './opcodes.ts';
import type { BlockKind, Sink } from './sink.ts';
import type { FuncType, ValueType } from './types.ts';

/** Lines longer than this are broken. */
const lineLength = 100;

/**
 * A block being printed: its finished statements and the operands that wait for their instruction.
 */
interface Frame {
  readonly kind: BlockKind;
  readonly head: string;
  readonly lines: string[];
  readonly pending: string[];
  readonly leavesValue: boolean;
  /** The part of an `if` before `else`. */
  consequent: string[] | undefined;
}

export function indent(text: string): string {
  return `  ${text.replaceAll('\n', '\n  ')}`;
}

/** `(head part part)`, on one line if that is short enough. */
function fold(head: string, parts: readonly string[]): string {
  if (parts.length === 0) return `(${head})`;
  let length = head.length + 2;
  let flat = true;
  for (const part of parts) {
    length += part.length + 1;
    if (part.includes('\n')) flat = false;
  }
  if (flat && length <= lineLength) return `(${head} ${parts.join(' ')})`;
  return `(${head}\n${parts.map(indent).join('\n')})`;
}

/** A name as an identifier; one with other characters gets its index to stay unique. */
export function identifier(name: string, index: number): string {
  const clean = name.replace(/[^A-Za-z0-9!#$%&'*+\-./:<=>?@\\^_`|~]/g, '_');
  return clean === name && name !== '' ? `$${name}` : `$${clean}~${index}`;
}

export function nameOf(named: { readonly name: string; readonly index: number }): string {
  return identifier(named.name, named.index);
}

function number(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  return Object.is(value, -0) ? '-0' : String(value);
}

export class TextSink implements Sink {
  readonly #frames: Frame[] = [];
  readonly #labels = new Map<Label, string>();
  #frame: Frame = newFrame('block', '', false);

  /** The statements written so far, and what they leave. */
  finish(): string[] {
    return [...this.#frame.lines, ...this.#frame.pending];
  }

  /** Takes the `count` last operands; fewer if a call of many results left them unfolded. */
  #take(count: number): string[] {
    const { pending } = this.#frame;
    return pending.splice(Math.max(0, pending.length - count), count);
  }

  #leave(text: string): void {
    this.#frame.pending.push(text);
  }

  #line(text: string): void {
    this.#frame.lines.push(...this.#frame.pending.splice(0), text);
  }

  #apply(head: string, op: Op): void {
    const text = fold(head, this.#take(op.params.length));
    if (op.result === undefined) this.#line(text);
    else this.#leave(text);
  }

  op(op: Op): void {
    this.#apply(op.mnemonic, op);
  }

  memoryOp(op: MemoryOp, offset: number, alignBytes: number, lane?: number): void {
    let head = op.mnemonic;
    if (offset !== 0) head += ` offset=${offset}`;
    if (alignBytes !== op.width) head += ` align=${alignBytes}`;
    if (lane !== undefined) head += ` ${lane}`;
    this.#apply(head, op);
  }

  memoryLaneOp(op: MemoryOp, offset: number, alignBytes: number, lane: number): void {
    this.memoryOp(op, offset, alignBytes, lane);
  }

  laneOp(op: Op, lane: number): void {
    this.#apply(`${op.mnemonic} ${lane}`, op);
  }

  shuffle(lanes: Uint8Array): void {
    this.#leave(fold(`i8x16.shuffle ${[...lanes].join(' ')}`, this.#take(2)));
  }

  constant(type: ValueType, value: number | bigint): void {
    let text: string;
    if (type === 'i32') text = String(Number(value) | 0);
    else if (type === 'i64') text = String(BigInt.asIntN(64, BigInt(value)));
    else text = number(type === 'f32' ? Math.fround(Number(value)) : Number(value));
    this.#leave(`(${type}.const ${text})`);
  }

  vectorConstant(bytes: Uint8Array): void {
    const hex = [...bytes].map((byte) => `0x${byte.toString(16).padStart(2, '0')}`);
    this.#leave(`(v128.const i8x16 ${hex.join(' ')})`);
  }

  localGet(local: Local): void {
    this.#leave(`(local.get ${nameOf(local)})`);
  }

  localSet(local: Local): void {
    this.#line(fold(`local.set ${nameOf(local)}`, this.#take(1)));
  }

  localTee(local: Local): void {
    this.#leave(fold(`local.tee ${nameOf(local)}`, this.#take(1)));
  }

  globalGet(global: Global): void {
    this.#leave(`(global.get ${nameOf(global)})`);
  }

  globalSet(global: Global): void {
    this.#line(fold(`global.set ${nameOf(global)}`, this.#take(1)));
  }

  drop(): void {
    this.#line(fold('drop', this.#take(1)));
  }

  #call(head: string, operands: number, type: FuncType): void {
    const text = fold(head, this.#take(operands));
    if (type.results.length === 1) this.#leave(text);
    else this.#line(text);
  }

  call(func: Func): void {
    this.#call(`call ${nameOf(func)}`, func.type.params.length, func.type);
  }

  returnCall(func: Func): void {
    this.#line(fold(`return_call ${nameOf(func)}`, this.#take(func.type.params.length)));
  }

  callIndirect(table: Table, type: FuncType): void {
    const head = `call_indirect ${nameOf(table)}${signature(type)}`;
    this.#call(head, type.params.length + 1, type);
  }

  refNull(type: 'funcref' | 'externref'): void {
    this.#leave(`(ref.null ${type === 'funcref' ? 'func' : 'extern'})`);
  }

  refIsNull(): void {
    this.#leave(fold('ref.is_null', this.#take(1)));
  }

  refFunc(func: Func): void {
    this.#leave(`(ref.func ${nameOf(func)})`);
  }

  tableGet(table: Table): void {
    this.#leave(fold(`table.get ${nameOf(table)}`, this.#take(1)));
  }

  tableSet(table: Table): void {
    this.#line(fold(`table.set ${nameOf(table)}`, this.#take(2)));
  }

  tableSize(table: Table): void {
    this.#leave(`(table.size ${nameOf(table)})`);
  }

  memoryInit(segment: Segment): void {
    this.#line(fold(`memory.init ${nameOf(segment)}`, this.#take(3)));
  }

  dataDrop(segment: Segment): void {
    this.#line(`(data.drop ${nameOf(segment)})`);
  }

  begin(kind: BlockKind, label: Label): void {
    const condition = kind === 'if' ? this.#take(1) : [];
    let name = '';
    if (label.targeted) {
      const number = this.#labels.size + 1;
      this.#labels.set(label, `$${kind}${number}`);
      name = ` $${kind}${number}`;
    }
    const result = label.results.length > 0 ? ` (result ${label.results.join(' ')})` : '';
    const head = [`${kind}${name}${result}`, ...condition.map(indent)].join('\n');
    this.#frames.push(this.#frame);
    this.#frame = newFrame(kind, head, label.results.length > 0);
  }

  else(): void {
    const frame = this.#frame;
    frame.consequent = this.finish();
    frame.lines.length = 0;
    frame.pending.length = 0;
  }

  end(): void {
    const { kind, head, consequent, leavesValue } = this.#frame;
    const body = this.finish();
    this.#frame = this.#frames.pop()!;
    let parts = body;
    if (kind === 'if') {
      const branch = (name: string, lines: string[]) =>
        `(${[name, ...lines.map(indent)].join('\n')})`;
      parts = [branch('then', consequent ?? body)];
      if (consequent !== undefined) parts.push(branch('else', body));
    }
    const text = `(${[head, ...parts.map(indent)].join('\n')})`;
    if (leavesValue) this.#leave(text);
    else this.#line(text);
  }

  #labelName(label: Label): string {
    return this.#labels.get(label) ?? `$label${label.id}`;
  }

  br(label: Label): void {
    this.#line(fold(`br ${this.#labelName(label)}`, this.#take(label.types.length)));
  }

  brIf(label: Label): void {
    this.#line(fold(`br_if ${this.#labelName(label)}`, this.#take(label.types.length + 1)));
  }

  brTable(labels: readonly Label[], fallback: Label): void {
    const names = [...labels, fallback].map((label) => this.#labelName(label));
    this.#line(fold(`br_table ${names.join(' ')}`, this.#take(1)));
  }

  return(): void {
    this.#line(fold('return', this.#take(Number.POSITIVE_INFINITY)));
  }

  unreachable(): void {
    this.#line('(unreachable)');
  }
}

function newFrame(kind: BlockKind, head: string, leavesValue: boolean): Frame {
  return { kind, head, lines: [], pending: [], leavesValue, consequent: undefined };
}

/** A node in the text format, for errors and debugging. */
export function printNode(node: Node): string {
  const sink = new TextSink();
  node.emit(sink);
  return sink.finish().join('\n');
}

/** Parameters and results, each after a space. */
export function signature(type: FuncType): string {
  const params = type.params.length > 0 ? ` (param ${type.params.join(' ')})` : '';
  const results = type.results.length > 0 ? ` (result ${type.results.join(' ')})` : '';
  return params + results;
}
