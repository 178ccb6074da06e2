import {
  morselField,
  type Program,
  type RangeStep,
  type RowsStep,
  type ScanStep,
  type Step,
} from '../compile/program.ts';

/** A step that works morsel by morsel. */
export type MorselStep = ScanStep | RowsStep | RangeStep;

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
  /** Offset in a worker's area of room for the descriptor of a part of a morsel. */
  readonly part: number;
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
  /** Distance of the rows of its morsels, 0 if they are no rows of a buffer. */
  readonly rowBytes: number;
  /** Columns in the descriptors of its morsels. */
  readonly columns: number;
}

export function shapeOf(program: Program): ProgramShape {
  const presence = align64(program.localBytes);
  const logs = presence + 8;
  const part = align64(logs + 8 * program.buffers.length);
  const steps = allSteps(program.steps).map((step) => stepShape(step, program));
  const columnsMax = Math.max(0, ...steps.map((step) => step.columns));
  return {
    presence,
    buffers: program.buffers.map(({ rowBytes, appender, movable }) => {
      return { rowBytes, appender, movable: movable !== undefined };
    }),
    steps,
    logs,
    part,
    workerBytes: align64(part + morselField.columns + 16 * columnsMax),
  };
}

/** Steps and those inside of them, in the order in which threads number them. */
export function allSteps(steps: readonly Step[]): Step[] {
  return steps.flatMap((step) => {
    if (step.kind === 'loop') return [step, ...allSteps(step.steps), ...allSteps(step.after)];
    if (step.kind !== 'partitions') return [step];
    const splitting: Step[] = step.inputs.map((input) => input.distribute);
    if (step.split.kind === 'range' && step.split.splitters !== undefined) {
      splitting.push(step.split.splitters.choose);
    }
    const outside = step.split.kind === 'hash' ? (step.split.outside ?? []) : [];
    return [step, ...allSteps(step.steps), ...splitting, ...allSteps(outside)];
  });
}

function stepShape(step: Step, { buffers }: Program): StepShape {
  if (!('appends' in step)) return { name: step.kind, appends: [], rowBytes: 0, columns: 0 };
  return {
    name: step.name,
    appends: step.appends,
    rowBytes: step.kind === 'rows' ? buffers[step.buffer].rowBytes : 0,
    columns: step.kind === 'scan' ? step.ordinals.length : 0,
  };
}

/** The last step, if all it does is to make the rows of the result, in memory. */
export function streamedStep({ steps, result, spills }: Program): MorselStep | undefined {
  const last = steps.at(-1);
  if (spills || result.source.kind !== 'rows' || last === undefined) return undefined;
  if (last.kind !== 'scan' && last.kind !== 'rows' && last.kind !== 'range') return undefined;
  const isOnly = last.appends.length === 1 && last.appends[0] === result.source.buffer;
  return isOnly && last.finish === undefined ? last : undefined;
}

export function align64(bytes: number): number {
  return (bytes + 63) & ~63;
}
