import type { BlockExport } from './block-export.ts';
import { command, commandFlag, errorNumber, payloadBytesTaken } from './protocol.ts';

/** What a request asks for, apart from its data. */
export interface RequestHeader {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly length: number;
}

/**
 * The error a request gets for what it asks, before anyone tries to do it; `errorNumber.none` if it
 * may be tried. `hasContexts`: the client has selected metadata contexts.
 */
export function refusalOf(
  request: RequestHeader,
  blocks: BlockExport,
  structured: boolean,
  hasContexts: boolean,
): number {
  const { type, flags, length } = request;
  if (type > command.blockStatus || (flags & ~flagsAllowed(type, structured)) !== 0) {
    return errorNumber.invalid;
  }
  if (type === command.flush) {
    return request.offset === 0 && length === 0 ? errorNumber.none : errorNumber.invalid;
  }
  const grows = type === command.write || type === command.writeZeroes;
  if ((grows || type === command.trim) && blocks.readOnly) return errorNumber.notPermitted;
  if (request.offset + length > blocks.size) {
    return grows ? errorNumber.noSpace : errorNumber.invalid;
  }
  if ((type === command.read || type === command.write) && length > payloadBytesTaken) {
    return structured ? errorNumber.overflow : errorNumber.invalid;
  }
  if (type === command.blockStatus && (!hasContexts || length === 0)) return errorNumber.invalid;
  return errorNumber.none;
}

function flagsAllowed(type: number, structured: boolean): number {
  switch (type) {
    case command.read:
      return commandFlag.fua | (structured ? commandFlag.dontFragment : 0);
    case command.writeZeroes:
      return commandFlag.fua | commandFlag.noHole | commandFlag.fastZero;
    case command.blockStatus:
      return commandFlag.fua | commandFlag.requestOne;
    default:
      // FUA goes with every command: clients are known to set it on any.
      return commandFlag.fua;
  }
}

/** What the client is told with a refusal. */
export function refusalMessage(error: number): string {
  switch (error) {
    case errorNumber.shutdown:
      return 'the server is shutting down';
    case errorNumber.notPermitted:
      return 'the export is read-only';
    case errorNumber.noSpace:
      return 'the range ends beyond the export';
    case errorNumber.overflow:
      return `a request carries at most ${payloadBytesTaken} bytes`;
    default:
      return 'unknown command or flag, or a range that ends beyond the export';
  }
}
