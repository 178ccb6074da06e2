import { lineStreams, linesMax, orderStreams } from '../constants.ts';
import { hasLongKeys, type KernelConfig } from './config.ts';
import type { ArenaLayout } from './memory-map.ts';
import { columnMaker, streamSlots } from './table.ts';

/** Where the streams and columns of orders and lines are in an arena. */
export type OrderLayout = ReturnType<typeof orderLayout>;

export function orderLayout(arena: ArenaLayout, config: KernelConfig) {
  const keyWidth = hasLongKeys(config.scale) ? 8 : 4;
  const order = columnMaker(arena, 1);
  const line = columnMaker(arena, linesMax);
  return {
    orderSlots: streamSlots(arena, orderStreams),
    lineSlots: streamSlots(arena, lineStreams),
    order: {
      key: order(keyWidth),
      customer: order(keyWidth),
      status: order(1),
      /** Cents. */
      total: order(4),
      day: order(2),
      priority: order(1),
      clerk: order(4),
      /** For columns, while two bytes are enough. */
      clerkCode: order(2),
      shipPriority: order(1),
      comment: { offset: order(4), length: order(1) },
      lineCount: order(1),
    },
    line: {
      orderKey: line(keyWidth),
      part: line(keyWidth),
      supplier: line(keyWidth),
      number: line(1),
      /** Text output has pieces, columns hundredths. */
      quantity: line(2),
      /** Cents. */
      price: line(4),
      /** Percent. */
      discount: line(1),
      tax: line(1),
      returnFlag: line(1),
      lineStatus: line(1),
      /** For text: discount, tax and both flags as an index into a table of all combinations. */
      terms: line(2),
      shipDay: line(2),
      commitDay: line(2),
      receiptDay: line(2),
      instruction: line(1),
      mode: line(1),
      /** For text: instruction and mode as one index. */
      shipping: line(1),
      comment: { offset: line(4), length: line(1) },
    },
  };
}
