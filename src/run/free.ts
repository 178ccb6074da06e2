/** Giving back what steps of an execution do not need any more. */
import { appenderField, type FreedArea } from '../compile/program.ts';
import type { EngineMemory } from './memory.ts';

/** The chunks of buffers whose appenders lie at offsets of each local area. */
export function freeRows(
  memory: EngineMemory,
  locals: readonly number[],
  appenders: readonly number[],
): void {
  const words = memory.u32;
  for (const local of locals) {
    for (const offset of appenders) {
      const appender = (local + offset) >>> 2;
      let chunk = words[appender + appenderField.chunk / 4];
      while (chunk !== 0) {
        const next = words[chunk >>> 2];
        memory.pages.release(chunk);
        chunk = next;
      }
      words.fill(0, appender, appender + appenderField.bytes / 4);
    }
  }
}

/** Memory whose addresses lie in the frame or in the local areas. */
export function freeAreas(
  memory: EngineMemory,
  frame: number,
  locals: readonly number[],
  areas: readonly FreedArea[],
): void {
  const words = memory.u32;
  for (const { of, offset, bytes, chain } of areas) {
    for (const place of of === 'frame' ? [frame] : locals) {
      const at = (place + offset) >>> 2;
      for (let address = words[at]; address !== 0; ) {
        const next = chain ? words[address >>> 2] : 0;
        memory.pages.release(address);
        address = next;
      }
      words.fill(0, at, at + bytes / 4);
    }
  }
}
