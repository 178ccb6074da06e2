/**
 * The numbers of the NBD protocol, by the names of its specification (`doc/proto.md` of the
 * NetworkBlockDevice project) without their `NBD_` prefix. Everything on the wire is big endian.
 *
 *   server greeting     NBDMAGIC u64 · IHAVEOPT u64 · handshake flags u16
 *   client greeting     client flags u32
 *   option              IHAVEOPT u64 · option u32 · length u32 · data
 *   option reply        0x3e889045565a9 u64 · option u32 · type u32 · length u32 · data
 *   request             0x25609513 u32 · flags u16 · type u16 · cookie u64 · offset u64 ·
 *                       length u32 (· length bytes of data, for a WRITE)
 *   simple reply        0x67446698 u32 · error u32 · cookie u64 (· data, for a READ)
 *   structured chunk    0x668e33ef u32 · flags u16 · type u16 · cookie u64 · length u32 · payload
 */

export const greetingMagicHigh = 0x4e42444d;
export const greetingMagicLow = 0x41474943;
export const optionMagicHigh = 0x49484156;
export const optionMagicLow = 0x454f5054;
export const optionReplyMagicHigh = 0x0003e889;
export const optionReplyMagicLow = 0x045565a9;
export const requestMagic = 0x25609513;
export const simpleReplyMagic = 0x67446698;
export const structuredReplyMagic = 0x668e33ef;

export const greetingBytes = 18;
export const clientFlagsBytes = 4;
export const optionHeaderBytes = 16;
export const optionReplyHeaderBytes = 20;
export const requestHeaderBytes = 28;
export const simpleReplyBytes = 16;
export const chunkHeaderBytes = 20;

export const handshakeFlag = { fixedNewstyle: 1 << 0, noZeroes: 1 << 1 } as const;

export const option = {
  exportName: 1,
  abort: 2,
  list: 3,
  startTls: 5,
  info: 6,
  go: 7,
  structuredReply: 8,
  listMetaContext: 9,
  setMetaContext: 10,
} as const;

export const optionReply = {
  ack: 1,
  server: 2,
  info: 3,
  metaContext: 4,
  errUnsupported: 0x80000001,
  errPolicy: 0x80000002,
  errInvalid: 0x80000003,
  errTlsRequired: 0x80000005,
  errUnknown: 0x80000006,
  errShutdown: 0x80000007,
  errTooBig: 0x80000009,
} as const;

export const info = { export: 0, name: 1, description: 2, blockSize: 3 } as const;

export const transmissionFlag = {
  hasFlags: 1 << 0,
  readOnly: 1 << 1,
  sendFlush: 1 << 2,
  sendFua: 1 << 3,
  sendTrim: 1 << 5,
  sendWriteZeroes: 1 << 6,
  sendDontFragment: 1 << 7,
  canMultiConn: 1 << 8,
  sendCache: 1 << 10,
  sendFastZero: 1 << 11,
} as const;

export const command = {
  read: 0,
  write: 1,
  disconnect: 2,
  flush: 3,
  trim: 4,
  cache: 5,
  writeZeroes: 6,
  blockStatus: 7,
} as const;

export const commandFlag = {
  fua: 1 << 0,
  noHole: 1 << 1,
  dontFragment: 1 << 2,
  requestOne: 1 << 3,
  fastZero: 1 << 4,
} as const;

export const chunkFlag = { done: 1 << 0 } as const;

export const chunkType = {
  none: 0,
  offsetData: 1,
  offsetHole: 2,
  blockStatus: 5,
  error: 0x8001,
} as const;

/** Flags of a `base:allocation` descriptor. */
export const allocationFlag = { hole: 1 << 0, zero: 1 << 1 } as const;

/** The one flag of an `x-quern:changed:<snapshot>` descriptor (as `qemu:dirty-bitmap` has it). */
export const changedFlag = { changed: 1 << 0 } as const;

/** The error numbers the protocol allows; they are Linux's, whatever the server runs on. */
export const errorNumber = {
  none: 0,
  notPermitted: 1,
  io: 5,
  noMemory: 12,
  invalid: 22,
  noSpace: 28,
  overflow: 75,
  notSupported: 95,
  shutdown: 108,
} as const;

export const allocationContext = 'base:allocation';
export const changedContextPrefix = 'x-quern:changed:';

/**
 * What a string of the protocol (export name, context name, message) may have, in bytes of UTF-8.
 */
export const stringBytesMax = 4096;
/**
 * The largest payload of one READ or WRITE; the specification asks every server for at least this.
 */
export const payloadBytesMax = 32 * 1024 * 1024;
/** What is taken all the same: clients exist that do not ask how much they may send. */
export const payloadBytesTaken = 64 * 1024 * 1024;
/**
 * Most descriptors in one BLOCK_STATUS chunk; the specification allows 2^20, less keeps replies
 * small.
 */
export const statusDescriptorsMax = 1 << 16;

/**
 * A peer that breaks a rule after which its stream of bytes can no longer be understood or trusted.
 * It costs that peer its connection, and nobody else anything.
 */
export class NbdProtocolError extends Error {
  override readonly name = 'NbdProtocolError';
}
