/**
 * Regular expressions as programs that are simulated, all ways at once: for those whose automata
 * would be too large, and those that are only known at run time. Layout of a program:
 *
 *     0     u32 states, u32 start, u32 tags, u32 for the address of scratch memory
 *     16    16 bytes for each state: u8 kind (see `kinds`), u8 assertion, u16 tag, u32 next,
 *           u32 the offset of its edges or ways, u32 how many these are
 *     …     edges: u8 first, u8 last, u16 0, u32 next; ways: u32, the last one first
 */
import { before } from '../../regex/assertion.ts';
import type { Nfa } from '../../regex/nfa.ts';
import type { Assertion } from '../../regex/syntax.ts';
import {
  type Expr,
  type Func,
  type FunctionBuilder,
  i32,
  type Label,
  type Local,
  type ModuleBuilder,
  memory,
} from '../../wasm/index.ts';
import { once } from './kernel.ts';

const kinds = { bytes: 0, split: 1, tag: 2, assertion: 3, match: 4 } as const;
const assertions: readonly Assertion[] = [
  'textStart',
  'textEnd',
  'lineStart',
  'lineEnd',
  'wordBoundary',
  'noWordBoundary',
];

const headBytes = 16;
const stateBytes = 16;
const edgeBytes = 8;

/** Scratch memory begins with the end of the match, then come the places of its tags. */
const scratch = { end: 0, places: 16 } as const;

/** Where a program may have the address of its scratch memory; the simulation does not read it. */
export const scratchAt = 12;

/** How many bytes of scratch memory the program of an NFA needs. */
export function scratchBytes({ states, tags }: Nfa): number {
  const threadBytes = 4 + 4 * tags;
  const pushes = states.reduce((sum, s) => sum + (s.kind === 'split' ? s.next.length : 0), 1);
  const threads = 3 * states.length + pushes;
  return scratch.places + 4 * tags + 4 * states.length + threadBytes * threads;
}

/** An NFA as a program. */
export function regexProgram(nfa: Nfa): Uint8Array {
  const { states, start, tags } = nfa;
  const lists: number[] = [];
  const listsAt = headBytes + stateBytes * states.length;
  const words: number[] = [];
  for (const state of states) {
    const at = listsAt + 4 * lists.length;
    const head = kinds[state.kind];
    if (state.kind === 'bytes') {
      words.push(head, 0, at, state.edges.length);
      for (const [first, last, next] of state.edges) lists.push(first | (last << 8), next);
    } else if (state.kind === 'split') {
      words.push(head, 0, at, state.next.length);
      lists.push(...state.next.toReversed());
    } else if (state.kind === 'tag') {
      words.push(head | (state.tag << 16), state.next, 0, 0);
    } else if (state.kind === 'assertion') {
      words.push(head | (assertions.indexOf(state.assertion) << 8), state.next, 0, 0);
    } else {
      words.push(head, 0, 0, 0);
    }
  }
  const all = [states.length, start, tags, 0, ...words, ...lists];
  return new Uint8Array(Uint32Array.from(all).buffer);
}

const parameters = {
  address: 'i32',
  length: 'i32',
  from: 'i32',
  program: 'i32',
  scratch: 'i32',
} as const;

/**
 * (address, length, from, program, scratch) → whether there is a match that begins at `from` or
 * later, the address of its end, and those of its tags, -1 for one that was not passed. Without
 * tags, only the existence of a match counts. The program has so many tags.
 */
export function emitRegexSimulate(m: ModuleBuilder, tags: number): Func {
  const simulate = emitSimulation(m);
  return once(m, `regex simulate ${tags}`, () => {
    const results = Array<'i32'>(2 + tags).fill('i32');
    return m.func(`regex_simulate_${tags}`, { params: parameters, results }, (f) => {
      const home = f.param.scratch;
      const found = f.let(simulate.call(...f.params), 'found');
      const places = Array.from({ length: tags }, (_, i) => i32.load(home, scratch.places + 4 * i));
      f.return(found, i32.load(home, scratch.end), ...places);
    });
  });
}

/** The same with its results in the scratch memory. */
function emitSimulation(m: ModuleBuilder): Func {
  return once(m, 'regex simulation', () =>
    m.func('regex_simulation', { params: parameters, results: ['i32'] }, (f) => {
      new Simulation(f, f.param).emit();
    }),
  );
}

interface Parameters {
  readonly address: Local;
  readonly length: Local;
  readonly from: Local;
  readonly program: Local;
  readonly scratch: Local;
}

/** Threads are 4 bytes of a state and 4 for each place. */
class Simulation {
  readonly #f: FunctionBuilder;
  readonly #param: Parameters;
  readonly #at: Local;
  readonly #end: Local;
  /** The byte that follows, -1 at the end. */
  readonly #byte: Local;
  /** What lies before, see {@link before}. */
  readonly #context: Local;
  readonly #threadBytes: Local;
  readonly #tags: Local;
  /** Where the last round is noted that came to a state. */
  readonly #visited: Local;
  readonly #round: Local;
  readonly #list: Local;
  readonly #listEnd: Local;
  readonly #next: Local;
  readonly #nextEnd: Local;
  readonly #stack: Local;
  /** Behind the last thread on the stack. */
  readonly #top: Local;
  readonly #found: Local;

  constructor(f: FunctionBuilder, param: Parameters) {
    this.#f = f;
    this.#param = param;
    const local = (name: string) => f.local('i32', name);
    this.#at = local('at');
    this.#end = local('end');
    this.#byte = local('byte');
    this.#context = local('context');
    this.#threadBytes = local('threadBytes');
    this.#tags = local('tags');
    this.#visited = local('visited');
    this.#round = local('round');
    this.#list = local('list');
    this.#listEnd = local('listEnd');
    this.#next = local('next');
    this.#nextEnd = local('nextEnd');
    this.#stack = local('stack');
    this.#top = local('top');
    this.#found = local('found');
  }

  emit(): void {
    const f = this.#f;
    this.#open();
    f.loop((nextByte) => {
      this.#look();
      f.set(this.#nextEnd, this.#next);
      f.block((done) => this.#runThreads(done));
      const empty = f.let(i32.eq(this.#nextEnd, this.#next), 'empty');
      f.if(i32.or(empty, i32.geU(this.#at, this.#end)), () => f.return(this.#found));
      const list = f.let(this.#list, 'old');
      f.set(this.#list, this.#next);
      f.set(this.#listEnd, this.#nextEnd);
      f.set(this.#next, list);
      f.set(this.#at, i32.add(this.#at, 1));
      f.br(nextByte);
    });
    f.return(this.#found);
  }

  #open(): void {
    const f = this.#f;
    const { address, length, from, program } = this.#param;
    const home = this.#param.scratch;
    const states = f.let(i32.load(program), 'states');
    f.set(this.#tags, i32.load(program, 8));
    f.set(this.#threadBytes, i32.add(4, i32.shl(this.#tags, 2)));
    f.set(this.#at, i32.add(address, from));
    f.set(this.#end, i32.add(address, length));
    f.set(this.#visited, i32.add(i32.add(home, scratch.places), i32.shl(this.#tags, 2)));
    f.set(this.#list, i32.add(this.#visited, i32.shl(states, 2)));
    const listBytes = f.let(i32.mul(states, this.#threadBytes), 'listBytes');
    f.set(this.#next, i32.add(this.#list, listBytes));
    f.set(this.#stack, i32.add(this.#next, listBytes));
    f.do(memory.fill(this.#visited, 0, i32.shl(states, 2)));
    f.do(i32.store(this.#list, i32.load(program, 4)));
    f.do(memory.fill(i32.add(this.#list, 4), 0xff, i32.shl(this.#tags, 2)));
    f.set(this.#listEnd, i32.add(this.#list, this.#threadBytes));
  }

  /** Sets the byte that follows and what lies before. */
  #look(): void {
    const f = this.#f;
    const { address } = this.#param;
    f.set(this.#round, i32.add(this.#round, 1));
    f.set(this.#byte, i32.if(i32.ltU(this.#at, this.#end), i32.load8U(this.#at), -1));
    f.set(this.#context, before.textStart);
    f.if(i32.gtU(this.#at, address), () => {
      const last = f.let(i32.load8U(i32.sub(this.#at, 1)), 'last');
      const isNewline = i32.mul(i32.eq(last, 0x0a), before.newline);
      f.set(this.#context, i32.or(isNewline, i32.mul(isWord(last), before.wordCharacter)));
    });
  }

  #runThreads(done: Label): void {
    const f = this.#f;
    const thread = f.let(this.#list, 'thread');
    f.while(i32.ltU(thread, this.#listEnd), () => {
      f.do(memory.copy(this.#stack, thread, this.#threadBytes));
      f.set(this.#top, i32.add(this.#stack, this.#threadBytes));
      f.while(i32.gtU(this.#top, this.#stack), () => {
        f.set(this.#top, i32.sub(this.#top, this.#threadBytes));
        this.#visit(done);
      });
      f.set(thread, i32.add(thread, this.#threadBytes));
    });
  }

  /** Takes the thread behind the top of the stack one step further. */
  #visit(done: Label): void {
    const f = this.#f;
    const { program } = this.#param;
    const state = f.let(i32.load(this.#top), 'state');
    const mark = f.let(i32.add(this.#visited, i32.shl(state, 2)), 'mark');
    f.if(i32.ne(i32.load(mark), this.#round), () => {
      f.do(i32.store(mark, this.#round));
      const node = f.let(i32.add(i32.add(program, headBytes), i32.shl(state, 4)), 'node');
      const kind = f.let(i32.load8U(node), 'kind');
      f.if(i32.eq(kind, kinds.bytes), () => this.#read(node));
      f.if(i32.eq(kind, kinds.split), () => this.#split(node));
      f.if(i32.eq(kind, kinds.tag), () => {
        const tag = i32.shl(i32.load16U(node, 2), 2);
        f.do(i32.store(i32.add(this.#top, tag), this.#at, 4));
        this.#goOn(node);
      });
      f.if(i32.eq(kind, kinds.assertion), () => {
        f.if(this.#holds(i32.load8U(node, 1)), () => this.#goOn(node));
      });
      f.if(i32.eq(kind, kinds.match), () => {
        const home = this.#param.scratch;
        f.if(i32.eqz(this.#tags), () => f.return(1));
        f.set(this.#found, 1);
        f.do(i32.store(home, this.#at, scratch.end));
        const places = i32.add(home, scratch.places);
        f.do(memory.copy(places, i32.add(this.#top, 4), i32.shl(this.#tags, 2)));
        f.br(done);
      });
    });
  }

  /** The thread stays on the stack, in the state that follows. */
  #goOn(node: Local): void {
    const f = this.#f;
    f.do(i32.store(this.#top, i32.load(node, 4)));
    f.set(this.#top, i32.add(this.#top, this.#threadBytes));
  }

  #split(node: Local): void {
    const f = this.#f;
    const way = f.let(i32.add(this.#param.program, i32.load(node, 8)), 'way');
    const waysEnd = f.let(i32.add(way, i32.shl(i32.load(node, 12), 2)), 'waysEnd');
    const origin = f.let(this.#top, 'origin');
    f.while(i32.ltU(way, waysEnd), () => {
      f.do(memory.copy(i32.add(this.#top, 4), i32.add(origin, 4), i32.shl(this.#tags, 2)));
      f.do(i32.store(this.#top, i32.load(way)));
      f.set(this.#top, i32.add(this.#top, this.#threadBytes));
      f.set(way, i32.add(way, 4));
    });
  }

  #read(node: Local): void {
    const f = this.#f;
    const edge = f.let(i32.add(this.#param.program, i32.load(node, 8)), 'edge');
    const edgesEnd = f.let(i32.add(edge, i32.mul(i32.load(node, 12), edgeBytes)), 'edgesEnd');
    f.while(i32.ltU(edge, edgesEnd), () => {
      const first = i32.load8U(edge);
      const span = i32.sub(i32.load8U(edge, 1), first);
      f.if(i32.leU(i32.sub(this.#byte, first), span), () => {
        f.do(memory.copy(this.#nextEnd, this.#top, this.#threadBytes));
        f.do(i32.store(this.#nextEnd, i32.load(edge, 4)));
        f.set(this.#nextEnd, i32.add(this.#nextEnd, this.#threadBytes));
        f.set(edge, edgesEnd);
      });
      f.set(edge, i32.add(edge, edgeBytes));
    });
  }

  #holds(assertion: Expr): Expr {
    const which = this.#f.let(assertion, 'which');
    const has = (bits: number) => i32.ne(i32.and(this.#context, bits), 0);
    const atEnd = i32.eq(this.#byte, -1);
    const wordBefore = has(before.wordCharacter);
    const wordFollows = i32.if(atEnd, 0, isWord(this.#byte));
    const outcomes: Record<Assertion, Expr> = {
      textStart: has(before.textStart),
      textEnd: atEnd,
      lineStart: has(before.textStart | before.newline),
      lineEnd: i32.or(atEnd, i32.eq(this.#byte, 0x0a)),
      wordBoundary: i32.ne(wordBefore, wordFollows),
      noWordBoundary: i32.eq(wordBefore, wordFollows),
    };
    return assertions.reduce<Expr>(
      (rest, assertion, i) => i32.if(i32.eq(which, i), outcomes[assertion], rest),
      i32.const(0),
    );
  }
}

/** Whether a byte is one of \w. */
function isWord(byte: Local): Expr {
  const isLetter = i32.ltU(i32.sub(i32.or(byte, 0x20), 0x61), 26);
  const isDigit = i32.ltU(i32.sub(byte, 0x30), 10);
  return i32.or(i32.or(isLetter, isDigit), i32.eq(byte, 0x5f));
}
