/** Running the steps of an operator partition by partition. */
import { assert } from '../../base/assert.ts';
import type { HashSplit, PartitionedInput, PartitionsStep, Step } from '../../compile/program.ts';
import { pageBytes } from '../page-allocator.ts';
import type { Extent, MovableRows } from './movable-rows.ts';

/** What the loop needs of the execution it is part of. */
export interface LoopHost {
  readonly rows: MovableRows;
  /** Bytes that the rows of the partitions under way may take, with what is made of them. */
  readonly windowBytes: number;
  runSteps(steps: readonly Step[]): Promise<void>;
  /** Nothing more is appended to the buffer. */
  seal(buffer: number): void;
  word(offset: number): number;
  /** A u32 of the memory. */
  read(address: number): number;
  setWord(offset: number, value: number): void;
  /** Steps read rows that they may have changed. */
  setChanging(changing: boolean): void;
}

/** The rows of one partition, or of several that are worked on together, for each input. */
interface Partition {
  readonly inputs: readonly Extent[][];
  /** Those that are worked on together; without, it is one. */
  readonly parts?: readonly Partition[] | undefined;
  /** The number of the partition that it is, or a part of. */
  readonly root: number;
  /** How often its rows were distributed. */
  readonly level: number;
  /**
   * In a distribution by order: the numbers of the sample rows in it, and if all rows are equal.
   */
  readonly low: number;
  readonly high: number;
  readonly equal: boolean;
}

/** Bits of the hash that are left to what happens within a partition. */
const bitsLeft = 8;
/** Distributions by order, at most: for keys that samples tell nothing of. */
const levelsMax = 8;
/** A part of so much of its partition would not become smaller by another distribution. */
const heavyShare = 0.95;

export async function runPartitions(step: PartitionsStep, host: LoopHost): Promise<number> {
  const loop = new PartitionLoop(step, host);
  await loop.run();
  return loop.rounds;
}

class PartitionLoop {
  readonly #step: PartitionsStep;
  readonly #host: LoopHost;
  /** In the order in which they are worked on. */
  readonly #waiting: Partition[];
  /** For each input that is kept, the rows of each of the first partitions that are done with. */
  readonly #kept: readonly Extent[][][];
  rounds = 0;

  constructor(step: PartitionsStep, host: LoopHost) {
    this.#step = step;
    this.#host = host;
    this.#kept = step.inputs.map(({ kept }) =>
      kept ? Array.from({ length: step.partitions }, () => []) : [],
    );
    this.#waiting = this.#first();
  }

  async run(): Promise<void> {
    const { split, done } = this.#step;
    const pieces = split.kind === 'hash' ? split.pieces : { last: undefined };
    if (pieces?.last !== undefined) this.#host.setWord(pieces.last, 1);
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const fits = this.#bytesOf(next) <= this.#host.windowBytes;
      if (done !== undefined && this.#host.word(done) !== 0) {
        this.#free(next);
      } else if (!fits && this.#canDistribute(next)) {
        this.#waiting.unshift(...(await this.#distribute(next)));
      } else if (!fits && pieces !== undefined && (split.kind === 'hash' || next.equal)) {
        await this.#inPieces(next, pieces.last);
        this.#free(next);
      } else if (!fits && split.kind === 'hash' && split.outside !== undefined) {
        await this.#outside(next, split.outside);
      } else {
        await this.#round(next.inputs, true);
        this.#free(next);
      }
    }
    this.#putBack();
  }

  /** The partitions to begin with. */
  #first(): Partition[] {
    const { split } = this.#step;
    if (split.kind === 'hash') {
      const rest = { level: 1, low: 0, high: 0, equal: false };
      return this.#taken().map((inputs, root) => ({ inputs, root, ...rest }));
    }
    this.#host.seal(split.all);
    const inputs = [this.#host.rows.take(split.all)];
    const high = split.splitters === undefined ? 0 : this.#host.word(split.splitters.high);
    return [{ inputs, root: 0, level: 0, low: 0, high, equal: split.splitters === undefined }];
  }

  #canDistribute({ level, equal, low, high }: Partition): boolean {
    const { split } = this.#step;
    if (split.kind === 'hash')
      return split.shift !== undefined && this.#bitsAfter(level) >= bitsLeft;
    return !equal && low < high && level < levelsMax;
  }

  /** The next partition, with those after it that are small enough to be done with it. */
  #next(): Partition | undefined {
    const first = this.#nextWithRows();
    if (first === undefined) return undefined;
    this.#waiting.shift();
    const { windowBytes } = this.#host;
    const inputs = first.inputs.map((extents) => [...extents]);
    const parts = [first];
    let { level } = first;
    let bytes = this.#bytesOf(first);
    for (let next = this.#nextWithRows(); next !== undefined; next = this.#nextWithRows()) {
      bytes += this.#bytesOf(next);
      if (bytes > windowBytes) break;
      inputs.forEach((extents, i) => {
        for (const extent of next.inputs[i]) extents.push(extent);
      });
      level = Math.max(level, next.level);
      parts.push(next);
      this.#waiting.shift();
    }
    return { ...first, inputs, level, parts };
  }

  /** The first of those that wait; those with nothing to do do not any more. */
  #nextWithRows(): Partition | undefined {
    const { inputs } = this.#step;
    const isIdle = (next: Partition) =>
      next.inputs.every((extents, i) => inputs[i].kept || extents.length === 0);
    let next = this.#waiting.at(0);
    while (next !== undefined && isIdle(next)) {
      this.#free(next);
      this.#waiting.shift();
      next = this.#waiting.at(0);
    }
    return next;
  }

  /**
   * What was distributed: the rows of each partition, for each input. `again`: of a partition, so
   * that these have chunks of their own.
   */
  #taken(again = false): Extent[][][] {
    return Array.from({ length: this.#step.partitions }, (_, i) =>
      this.#step.inputs.map(({ first, kept }) => {
        if (again || !kept) this.#host.seal(first + i);
        return this.#host.rows.take(first + i);
      }),
    );
  }

  #bytesOf({ inputs }: Partition): number {
    return inputs.reduce((sum, extents, i) => sum + needOf(extents, this.#step.inputs[i]), 0);
  }

  /** `isLast`: these rows are in no further round. */
  async #round(inputs: readonly Extent[][], isLast: boolean): Promise<void> {
    const { rows } = this.#host;
    this.rounds++;
    this.#step.inputs.forEach(({ window, whole, kept, extraBytes }, i) => {
      rows.put(window, inputs[i]);
      if (whole) rows.load(inputs[i]);
      else if (isLast && !kept && this.#readOnce(window)) rows.readOnce(window);
      rows.makeRoom(rowCount(inputs[i]) * extraBytes);
    });
    await this.#host.runSteps(this.#step.steps);
    this.#step.inputs.forEach(({ window, whole }, i) => {
      if (whole) rows.unload(inputs[i]);
      rows.take(window);
    });
  }

  /** Whether one step reads the rows of a window, once. */
  #readOnce(window: number): boolean {
    const readers = this.#step.steps.filter((step) => 'buffer' in step && step.buffer === window);
    return readers.length === 1 && readers[0].kind === 'rows';
  }

  /** One piece of the first input after the other, each with all rows of the others. */
  async #inPieces({ inputs }: Partition, last: number | undefined): Promise<void> {
    const [first, ...others] = inputs;
    const pieces = cut(first, this.#step.inputs[0], this.#host.windowBytes);
    for (const [i, piece] of pieces.entries()) {
      const isLast = i === pieces.length - 1;
      if (last !== undefined) this.#host.setWord(last, isLast ? 1 : 0);
      this.#host.setChanging(last !== undefined && !isLast);
      await this.#round([piece, ...others], false);
    }
    this.#host.setChanging(false);
  }

  /** Leaves the rows to steps that do not need them in memory. */
  async #outside({ inputs }: Partition, steps: readonly Step[]): Promise<void> {
    const { rows } = this.#host;
    assert(inputs.length === 1, 'one input is worked on outside');
    const [{ window }] = this.#step.inputs;
    this.rounds++;
    rows.put(window, inputs[0]);
    await this.#host.runSteps(steps);
    // Who distributes them once more has freed them.
    rows.free(rows.take(window));
  }

  /** Partitions are done with: their rows are freed, or kept. */
  #free(partition: Partition): void {
    const { inputs } = this.#step;
    for (const part of partition.parts ?? [partition]) {
      part.inputs.forEach((extents, i) => {
        if (!inputs[i].kept) this.#host.rows.free(extents);
        else for (const extent of extents) this.#kept[i][part.root].push(extent);
      });
    }
  }

  /** Adds the rows that steps have appended to partitions that are kept to those that are. */
  #keepNew(): void {
    this.#step.inputs.forEach(({ first }, i) => {
      this.#kept[i].forEach((kept, root) => {
        for (const extent of this.#host.rows.take(first + root)) kept.push(extent);
      });
    });
  }

  #putBack(): void {
    this.#keepNew();
    this.#step.inputs.forEach(({ first }, i) => {
      this.#kept[i].forEach((kept, root) => this.#host.rows.append(first + root, kept));
    });
  }

  /** Bits of the hash that do not tell partitions of the level after this one apart. */
  #bitsAfter(level: number): number {
    return 32 - (level + 1) * Math.log2(this.#step.partitions);
  }

  /** The rows of a partition in smaller ones. */
  async #distribute(partition: Partition): Promise<Partition[]> {
    const { split } = this.#step;
    if (split.kind === 'hash') return this.#byHash(partition, split);
    const { splitters } = split;
    assert(splitters !== undefined, 'rows of no order are not distributed');
    const { low, high } = partition;
    this.#host.setWord(splitters.low, low);
    this.#host.setWord(splitters.high, high);
    await this.#host.runSteps([splitters.choose]);
    await this.#moveRows(partition);
    const numbers = this.#host.word(splitters.numbers);
    const chosen = Array.from({ length: this.#host.word(splitters.count) }, (_, i) =>
      this.#host.read(numbers + 4 * i),
    );
    const level = partition.level + 1;
    return this.#taken(true).map((inputs, i) => {
      const before = chosen[(i >>> 1) - 1];
      const equal = i % 2 === 1;
      return {
        inputs,
        root: 0,
        level,
        low: before === undefined ? low : before + 1,
        high: chosen[i >>> 1] ?? high,
        equal,
      };
    });
  }

  async #byHash(partition: Partition, { shift }: HashSplit): Promise<Partition[]> {
    assert(shift !== undefined, 'rows of one hash are not distributed');
    this.#host.setWord(shift, this.#bitsAfter(partition.level));
    // Rows that are moved share no chunk with others.
    this.#step.inputs.forEach(({ first }, i) => {
      this.#kept[i].forEach((_, root) => this.#host.seal(first + root));
    });
    this.#keepNew();
    const whole = this.#bytesOf(partition) * heavyShare;
    await this.#moveRows(partition);
    return this.#taken(true).map((inputs) => {
      const child = { ...partition, inputs, parts: undefined, level: partition.level + 1 };
      return this.#bytesOf(child) > whole ? { ...child, level: Number.POSITIVE_INFINITY } : child;
    });
  }

  /** Runs the steps that distribute the rows of a partition. */
  async #moveRows(partition: Partition): Promise<void> {
    const { rows } = this.#host;
    for (const [i, { window, distribute }] of this.#step.inputs.entries()) {
      rows.put(window, partition.inputs[i]);
      rows.readOnce(window);
      await this.#host.runSteps([distribute]);
      rows.take(window);
      rows.free(partition.inputs[i]);
    }
  }
}

function rowCount(extents: readonly Extent[]): number {
  return extents.reduce((sum, { rows }) => sum + rows, 0);
}

function needOf(extents: readonly Extent[], input: PartitionedInput): number {
  let bytes = 0;
  // Rows that are read one after the other, and of which nothing is made, need none.
  if (!input.whole && input.extraBytes === 0) return 0;
  for (const { chunk, rows } of extents) {
    bytes += rows * input.extraBytes;
    // What is made of a row has its strings, which are shared out over the rows of a chunk.
    const all = chunk.pages * pageBytes;
    const held = input.whole ? all : all - chunk.rows * chunk.rowBytes;
    if (input.whole || chunk.strings.length > 0) bytes += (held * rows) / chunk.rows;
  }
  return bytes;
}

/** Pieces that need so many bytes; rows of one extent may go to several. */
function cut(extents: readonly Extent[], input: PartitionedInput, bytesMax: number): Extent[][] {
  const pieces: Extent[][] = [];
  let piece: Extent[] = [];
  let bytes = 0;
  for (const extent of extents) {
    const need = needOf([extent], input);
    if (bytes + need > bytesMax && piece.length > 0) {
      pieces.push(piece);
      piece = [];
      bytes = 0;
    }
    piece.push(extent);
    bytes += need;
  }
  pieces.push(piece);
  return pieces;
}
