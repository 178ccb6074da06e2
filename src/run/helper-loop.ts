/** What a helper thread does: joins executions it is told of and works through their steps. */
import { assert } from '../base/assert.ts';
import { QuernError } from '../base/error.ts';
import { morselField } from '../compile/program.ts';
import { Control, controlWord } from './control.ts';
import type { FromHelper, ToHelper } from './helper-messages.ts';
import { EngineMemory } from './memory.ts';
import type { HelperPort } from './platform.ts';
import type { ProgramShape } from './program-shape.ts';
import { askForRoom } from './shortage.ts';
import { writeSlices } from './slice-log.ts';
import { asQuernError, CompiledFailure, Part, stopped, Thread } from './thread.ts';

interface KnownProgram {
  readonly module: WebAssembly.Module;
  readonly shape: ProgramShape;
}

/** Serves messages for ever; between the steps of an execution it blocks its thread. */
export function helperLoop(port: HelperPort): void {
  let thread: Thread | undefined;
  const programs = new Map<number, KnownProgram>();
  port.onMessage((data) => {
    const message = data as ToHelper;
    switch (message.kind) {
      case 'memory':
        thread = new Thread(attach(message.memory), report);
        break;
      case 'program':
        programs.set(message.id, message);
        break;
      case 'forget':
        programs.delete(message.id);
        thread?.forget(message.id);
        break;
      case 'join':
        join(port, thread!, programs.get(message.program)!, message);
        break;
    }
  });
}

function report(code: number, detail: number): never {
  throw new CompiledFailure(code, detail);
}

function attach(shared: WebAssembly.Memory): EngineMemory {
  const memory = EngineMemory.attach(shared);
  memory.pages.relieve = (bytes) => askForRoom(memory, bytes);
  return memory;
}

function join(
  port: HelperPort,
  thread: Thread,
  program: KnownProgram,
  message: Extract<ToHelper, { kind: 'join' }>,
): void {
  const control = new Control(thread.memory, message.control);
  let part: Part | undefined;
  let gate: number | undefined = 0;
  for (;;) {
    gate = control.enter(message.execution, gate);
    if (gate === undefined) return;
    try {
      part ??= new Part(
        thread,
        thread.instance(message.program, program.module),
        program.shape,
        message.addresses,
        message.worker,
        control,
        message.spill === undefined ? undefined : port.attachSpillStore(message.spill),
      );
      work(thread, control, part, program.shape);
    } catch (error) {
      control.stop();
      if (error !== stopped) port.post(failed(message.execution, error));
    } finally {
      control.leave();
    }
  }
}

/** Takes morsels of the step until none is left. */
function work(thread: Thread, control: Control, part: Part, shape: ProgramShape): void {
  const step = control.words[controlWord.step];
  const morsels = control.words[controlWord.morsels] >>> 0;
  const stride = control.words[controlWord.stride];
  part.beginStep(step);
  thread.memory.u32[(part.localOf(part.worker) + shape.presence) >>> 2] = step + 1;
  for (let morsel = control.take(); morsel >= 0; morsel = control.take()) {
    const address = morsels + morsel * stride;
    const count = thread.memory.u32[(address + morselField.count) >>> 2];
    for (let row = 0; row < count; ) {
      if (control.stopped) throw stopped;
      const { next, done } = part.callForRows(morsel, address, row);
      assert(done, 'helpers are not suspended');
      row = next;
    }
  }
  const { owner } = part.addresses;
  for (const [buffer, slices] of part.slices) {
    const log = part.localOf(part.worker) + shape.logs + 8 * buffer;
    writeSlices(thread.memory, log, slices, owner);
  }
}

function failed(execution: number, thrown: unknown): FromHelper {
  if (thrown instanceof CompiledFailure) {
    const { code, detail } = thrown;
    return { kind: 'failed', execution, error: { failure: code, detail } };
  }
  const error = asQuernError(thrown);
  const { code, message, position, hint } =
    error instanceof QuernError ? error : new QuernError('XX000', String(error));
  return { kind: 'failed', execution, error: { code, message, position, hint } };
}
