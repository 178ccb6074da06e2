/**
 * Which locals still matter at a place of a function: those that are read later before they are
 * set. A function writes itself into a {@link LivenessSink}, which keeps what it does to locals and
 * control; the answer is the usual backward data-flow analysis over that, repeated until the heads
 * of all loops are settled.
 */
import type { Label, Local } from './entities.ts';
import type { BlockKind, Sink } from './sink.ts';

type Event =
  | { readonly kind: 'read' | 'write'; readonly local: Local }
  | { readonly kind: BlockKind | 'branch' | 'branchIf'; readonly label: Label }
  | { readonly kind: 'table'; readonly labels: readonly Label[] }
  | { readonly kind: 'else' | 'end' | 'leave' }
  | { readonly kind: 'place'; readonly place: object };

export class LivenessSink implements Sink {
  readonly #events: Event[] = [];

  /** A place whose live locals are wanted. */
  place(place: object): void {
    this.#events.push({ kind: 'place', place });
  }

  /** The locals that are live at each place, in the order of `locals`. */
  analyze(locals: readonly Local[]): Map<object, Local[]> {
    return new Analysis(this.#events, locals).run();
  }

  localGet(local: Local): void {
    this.#events.push({ kind: 'read', local });
  }
  localSet(local: Local): void {
    this.#events.push({ kind: 'write', local });
  }
  localTee(local: Local): void {
    this.#events.push({ kind: 'write', local });
  }
  begin(kind: BlockKind, label: Label): void {
    this.#events.push({ kind, label });
  }
  else(): void {
    this.#events.push({ kind: 'else' });
  }
  end(): void {
    this.#events.push({ kind: 'end' });
  }
  br(label: Label): void {
    this.#events.push({ kind: 'branch', label });
  }
  brIf(label: Label): void {
    this.#events.push({ kind: 'branchIf', label });
  }
  brTable(labels: readonly Label[], fallback: Label): void {
    this.#events.push({ kind: 'table', labels: [...labels, fallback] });
  }
  return(): void {
    this.#events.push({ kind: 'leave' });
  }
  returnCall(): void {
    this.#events.push({ kind: 'leave' });
  }
  unreachable(): void {
    this.#events.push({ kind: 'leave' });
  }

  // All other instructions touch neither locals nor control.
  op(): void {}
  memoryOp(): void {}
  memoryLaneOp(): void {}
  laneOp(): void {}
  shuffle(): void {}
  constant(): void {}
  vectorConstant(): void {}
  globalGet(): void {}
  globalSet(): void {}
  drop(): void {}
  call(): void {}
  callIndirect(): void {}
  refNull(): void {}
  refIsNull(): void {}
  refFunc(): void {}
  tableGet(): void {}
  tableSet(): void {}
  tableSize(): void {}
  memoryInit(): void {}
  dataDrop(): void {}
}

/** A set of locals, a bit each. */
type Bits = Uint32Array;

class Analysis {
  readonly #events: readonly Event[];
  readonly #locals: readonly Local[];
  readonly #numbers = new Map<Local, number>();
  /** What is live where a branch to the label goes; of loops, as far as is known yet. */
  readonly #targets = new Map<Label, Bits>();
  readonly #places = new Map<object, Bits>();
  /** For the event with which a block ends, the one with which it begins. */
  readonly #begins = new Map<number, Event>();
  #changed = false;

  constructor(events: readonly Event[], locals: readonly Local[]) {
    this.#events = events;
    this.#locals = locals;
    locals.forEach((local, i) => {
      this.#numbers.set(local, i);
    });
    const open: Event[] = [];
    events.forEach((event, i) => {
      if (event.kind === 'block' || event.kind === 'loop' || event.kind === 'if') open.push(event);
      else if (event.kind === 'end') this.#begins.set(i, open.pop() as Event);
    });
  }

  run(): Map<object, Local[]> {
    do {
      this.#changed = false;
      this.#pass();
    } while (this.#changed);
    const answer = new Map<object, Local[]>();
    for (const [place, live] of this.#places) {
      answer.set(
        place,
        this.#locals.filter((_, i) => has(live, i)),
      );
    }
    return answer;
  }

  /** From the end of the function to its start. */
  #pass(): void {
    let live: Bits = new Uint32Array((this.#locals.length + 31) >>> 5);
    /** For each `if` that is open: what is live at the start of its other branch. */
    const others: Bits[] = [];
    for (let i = this.#events.length - 1; i >= 0; i--) {
      const event = this.#events[i];
      switch (event.kind) {
        case 'read':
          this.#include(live, event.local);
          break;
        case 'write':
          this.#exclude(live, event.local);
          break;
        case 'place':
          this.#places.set(event.place, live.slice());
          break;
        case 'leave':
          live.fill(0);
          break;
        case 'branch':
          live = this.#at(event.label).slice();
          break;
        case 'branchIf':
          unite(live, this.#at(event.label));
          break;
        case 'table':
          live.fill(0);
          for (const label of event.labels) unite(live, this.#at(label));
          break;
        case 'end': {
          const begin = this.#begins.get(i) as Extract<Event, { label: Label }>;
          if (begin.kind !== 'loop') this.#targets.set(begin.label, live.slice());
          if (begin.kind === 'if') others.push(live.slice());
          break;
        }
        case 'else': {
          // What comes before in this list is the first branch, which ends where the `if` does.
          const end = others.pop() as Bits;
          others.push(live);
          live = end;
          break;
        }
        case 'if':
          unite(live, others.pop() as Bits);
          break;
        case 'loop': {
          const head = this.#at(event.label);
          if (unite(head, live)) this.#changed = true;
          break;
        }
      }
    }
  }

  #at(label: Label): Bits {
    let bits = this.#targets.get(label);
    if (bits === undefined) {
      bits = new Uint32Array((this.#locals.length + 31) >>> 5);
      this.#targets.set(label, bits);
    }
    return bits;
  }

  #include(bits: Bits, local: Local): void {
    const number = this.#numbers.get(local) as number;
    bits[number >>> 5] |= 1 << (number & 31);
  }

  #exclude(bits: Bits, local: Local): void {
    const number = this.#numbers.get(local) as number;
    bits[number >>> 5] &= ~(1 << (number & 31));
  }
}

function has(bits: Bits, number: number): boolean {
  return ((bits[number >>> 5] >>> (number & 31)) & 1) === 1;
}

/** Adds the members of `other` to `bits`; whether there were new ones. */
function unite(bits: Bits, other: Bits): boolean {
  let changed = false;
  for (let i = 0; i < bits.length; i++) {
    const union = bits[i] | other[i];
    if (union !== bits[i] >>> 0 && (union ^ bits[i]) !== 0) changed = true;
    bits[i] = union;
  }
  return changed;
}
