/**
 * What one can do with the volumes of a store, however it is asked: the HTTP API and the command
 * line are two ways to say it. Sizes are bytes. Failures are `QuernError`s.
 */
export interface VolumeService {
  list(): Promise<VolumeInfo[]>;
  get(volume: string): Promise<VolumeInfo>;
  create(volume: string, size: number): Promise<VolumeInfo>;
  /** A writable volume that shares everything with its source; costs nothing at first. */
  clone(volume: string, source: VolumeSource): Promise<VolumeInfo>;
  /** What lies beyond a smaller size is gone; what a larger one adds is zero. */
  resize(volume: string, size: number): Promise<VolumeInfo>;
  delete(volume: string): Promise<void>;

  snapshots(volume: string): Promise<SnapshotInfo[]>;
  takeSnapshot(volume: string, snapshot: string): Promise<SnapshotInfo>;
  deleteSnapshot(volume: string, snapshot: string): Promise<void>;

  usage(): Promise<StoreUsage>;
  /** Of a volume, or of one snapshot. Walks all of its tree. */
  volumeUsage(volume: string, snapshot: string | undefined): Promise<VolumeUsage>;
  /** The ranges of `to` (or of the volume as it is) that are not as in the snapshot `since`. */
  changes(volume: string, query: ChangeQuery): Promise<ChangePage>;
  /** A snapshot as a checksummed stream: all of it, or what changed since an older one. */
  backup(volume: string, snapshot: string, since?: string): AsyncIterable<Uint8Array>;
  /**
   * Takes a stream of `backup`: a whole one makes the volume, one of differences brings it forward
   * from the snapshot they start from. Until the last byte is checked, nothing is changed.
   */
  restore(volume: string, stream: AsyncIterable<Uint8Array>): Promise<SnapshotInfo>;
}

export interface VolumeSource {
  readonly volume: string;
  /** undefined: the volume as it is now. */
  readonly snapshot?: string | undefined;
}

export interface VolumeInfo {
  name: string;
  size: number;
  /** When it was made, as an ISO 8601 time. */
  created: string;
  /** What it was cloned from, `volume` or `volume@snapshot`. */
  origin?: string | undefined;
  snapshots: number;
  /** Clients connected over NBD. */
  connections: number;
}

export interface SnapshotInfo {
  name: string;
  size: number;
  created: string;
}

/** Bytes of the store's file and what they are for. */
export interface StoreUsage {
  fileBytes: number;
  /** What volumes and snapshots reach, and what the store needs for itself. */
  liveBytes: number;
  /** Dead, and free after the next checkpoint. */
  reclaimableBytes: number;
  freeBytes: number;
}

/** Bytes, the tree that finds the blocks included. */
export interface VolumeUsage {
  referencedBytes: number;
  /** What nothing else reaches: deleting it gives this back. */
  exclusiveBytes: number;
  sharedBytes: number;
}

export interface ChangeQuery {
  readonly since: string;
  readonly to?: string | undefined;
  /** Where to begin. */
  readonly offset: number;
  /** Most ranges to return. */
  readonly limit: number;
}

export interface ChangePage {
  ranges: { offset: number; length: number }[];
  /** Where the next page begins; absent on the last. */
  nextOffset?: number | undefined;
}
