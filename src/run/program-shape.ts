import type { Program, Step } from '../compile/program.ts';

/** What a thread must know of a program to run its steps; plain data, so it can be sent. */
export interface ProgramShape {
  readonly buffers: readonly BufferShape[];
  readonly steps: readonly StepShape[];
  /** Distance of the areas of two workers, 64-byte aligned. */
  readonly workerBytes: number;
  /** Offset in a worker's area of a word: 1 + index of the last step it took part in. */
  readonly presence: number;
  /**
   * Offset in a worker's area of two words for each buffer: first and last block of its slice log.
   */
  readonly logs: number;
}

export interface BufferShape {
  readonly rowBytes: number;
  readonly appender: number;
  readonly movable: boolean;
}

export interface StepShape {
  /** The export to call for each morsel. */
  readonly name: string;
  readonly appends: readonly number[];
}

export function shapeOf(program: Program): ProgramShape {
  const presence = align64(program.localBytes);
  const logs = presence + 8;
  return {
    presence,
    buffers: program.buffers.map(({ rowBytes, appender, movable }) => {
      return { rowBytes, appender, movable: movable !== undefined };
    }),
    steps: allSteps(program.steps).map(stepShape),
    logs,
    workerBytes: align64(logs + 8 * program.buffers.length),
  };
}

/** Steps and those inside of them, in the order in which threads number them. */
export function allSteps(steps: readonly Step[]): Step[] {
  return steps.flatMap((step) => {
    if (step.kind !== 'partitions') return [step];
    const distribute = step.inputs.map((input) => input.distribute);
    return [step, ...allSteps(step.steps), ...distribute];
  });
}

function stepShape(step: Step): StepShape {
  if ('appends' in step) return { name: step.name, appends: step.appends };
  return { name: step.kind, appends: [] };
}

export function align64(bytes: number): number {
  return (bytes + 63) & ~63;
}
