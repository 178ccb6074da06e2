import type { LetterCase } from '../../value/letter-case.ts';
import { i32 } from '../../wasm/index.ts';
import { caseTable, emitChangeCase } from '../kernels/string-case.ts';
import type { Scope } from '../query.ts';
import type { StringValue } from '../value.ts';
import { writtenText } from './text-room.ts';

/** The text with every letter in that case. */
export function changedCase(text: StringValue, which: LetterCase, scope: Scope): StringValue {
  const { query, pipeline } = scope;
  const table = i32.add(pipeline.frame, query.constantBytes(caseTable(which)));
  const change = emitChangeCase(query.module, which);
  const bytes = i32.add(i32.add(text.y, i32.shrU(text.y, 1)), 32);
  return writtenText(scope, text.isNull, bytes, (out) => change.call(text.x, text.y, out, table));
}
