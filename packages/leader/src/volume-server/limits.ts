const MiB = 1 << 20;

/** What one call of the SeaweedFS service may take. */
export interface VolumeServerLimits {
  /** The content of one message of a stream. Default 2 MiB, as the real server sends it. */
  readonly messageBytes: number;
  /** What `ReadNeedleBlob` gives, and the data of a needle of `ReadAllNeedles`. Default 64 MiB, what transports receive. */
  readonly blobBytes: number;
  /** File ids in a `BatchDelete`. Default 100,000. */
  readonly fileIdsPerCall: number;
  /** Lines of detail in the answer to a `ScrubVolume`. Default 10,000. */
  readonly scrubDetails: number;
  /** How often a tail without news says that it lives, and counts as idle. Default 2 s, as the real server does. */
  readonly tailPassMs: number;
  /** Compactions that a tail may lag behind: the files of each stay open for it. Default 4. */
  readonly tailGenerations: number;
  /** A record of another server's tail that is longer goes to a file on its way. Default 4 MiB. */
  readonly heldRecordBytes: number;
  /** Records of another server's tail that are written at once, and so share a sync. Default 256. */
  readonly recordsInFlight: number;
  /** The deadline of a connection to another server, and of a call with one answer. Default 30 s. */
  readonly peerTimeoutMs: number;
  /** A stream of another server on which nothing came for so long is given up. Default 60 s. */
  readonly noBytesTimeoutMs: number;
  /** Times that a copy of a volume begins anew because it was compacted meanwhile. Default 5. */
  readonly copyAttempts: number;
}

export const defaultVolumeServerLimits: VolumeServerLimits = {
  messageBytes: 2 * MiB,
  blobBytes: 64 * MiB,
  fileIdsPerCall: 100_000,
  scrubDetails: 10_000,
  tailPassMs: 2_000,
  tailGenerations: 4,
  heldRecordBytes: 4 * MiB,
  recordsInFlight: 256,
  peerTimeoutMs: 30_000,
  noBytesTimeoutMs: 60_000,
  copyAttempts: 5,
};
