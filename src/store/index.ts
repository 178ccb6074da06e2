export type { Sealer, SealerFactory } from './block/sealer.ts';
export type { CompactionReport } from './compaction.ts';
export type { Compressor } from './core.ts';
export type { BlockDevice } from './device/device.ts';
export { MemoryDevice } from './device/memory.ts';
export { StoreMap, View } from './map.ts';
export type { StoreOptions } from './options.ts';
export {
  type ObjectInfo,
  type SnapshotInfo,
  Store,
  type StoreSpace,
} from './store.ts';
export { receive, send } from './stream.ts';
export { Transaction } from './transaction.ts';
export type { Usage } from './usage.ts';
export type { Problem, VerifyReport } from './verify.ts';
export { type AllocationRange, Volume, type VolumeRange } from './volume.ts';
