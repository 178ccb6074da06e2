import { regexProgram, scratchAt, scratchBytes } from '../compile/kernels/regex-simulate.ts';
import { regexFlags } from '../compile/program.ts';
import { makeNfa, type Nfa } from '../regex/nfa.ts';
import { parseRegex } from '../regex/parse.ts';
import type { EngineMemory } from './memory.ts';

/** Regular expressions that are only known at run time: each is compiled once an execution. */
export class RegexPrograms {
  readonly #memory: EngineMemory;
  readonly #owner: number;
  readonly #known = new Map<string, number>();
  /** The programs of one thread run one after another, so that they share it. */
  #scratch = 0;
  #scratchSize = 0;

  /** `owner`: whose memory the programs are, until the end of the execution. */
  constructor(memory: EngineMemory, owner: number) {
    this.#memory = memory;
    this.#owner = owner;
  }

  /**
   * The address of the program of the pattern at `address`, with that of its scratch memory.
   *
   * @throws RegexError
   */
  program(address: number, length: number, flags: number): number {
    const pattern = this.#memory.text(address, length);
    const key = `${flags} ${pattern}`;
    let program = this.#known.get(key);
    if (program === undefined) {
      const nfa = nfaOf(pattern, flags);
      const bytes = regexProgram(nfa);
      const { pages } = this.#memory;
      program = pages.allocateZeroed(bytes.length, this.#owner);
      this.#memory.u8.set(bytes, program);
      const size = scratchBytes(nfa);
      if (size > this.#scratchSize) {
        this.#scratch = pages.allocateZeroed(size, this.#owner);
        this.#scratchSize = size;
      }
      this.#memory.u32[(program + scratchAt) >>> 2] = this.#scratch;
      this.#known.set(key, program);
    }
    return program;
  }
}

function nfaOf(pattern: string, flags: number): Nfa {
  const has = (flag: number): boolean => (flags & flag) !== 0;
  const { root } = parseRegex(pattern, {
    ignoreCase: has(regexFlags.ignoreCase),
    dotAll: has(regexFlags.dotAll),
    literal: has(regexFlags.literal),
  });
  const places = [...Array(32 - regexFlags.places).keys()].filter((place) =>
    has(2 ** (regexFlags.places + place)),
  );
  return makeNfa(root, { whole: has(regexFlags.whole), places });
}
