const MiB = 1024 * 1024;

/** How one volume is synced. Every field has a default in `defaultSyncPolicy`. */
export interface SyncPolicy {
  /** The first step of a run; each next one is twice as long. */
  readonly firstStepBytes: number;
  /** The longest step of an append. */
  readonly greatestStepBytes: number;
  /** The longest step of a build by ranges: what a crash may have to fetch again. */
  readonly greatestBuildStepBytes: number;
  /** How much of a pinned copy is made durable at once, on a disk that keeps up with the leader. */
  readonly pinnedCommitBytes: number;
  /** How far a pinned copy may run ahead of what is durable: what a crash may have to fetch again. */
  readonly pinnedUncommittedBytes: number;
  /** An index up to this length is read with every append; of a longer one only what cannot be derived. */
  readonly smallIndexBytes: number;
  /** The most index entries of an append held in memory at once, in bytes. */
  readonly indexWindowBytes: number;
  /** Whether a build takes from what is here already what the leader's CRC proves; else everything is fetched. */
  readonly usePool: boolean;
  /**
   * How fast a link counts at most when bytes are weighed against calls: on a quick one too a byte that is not read is
   * worth its share of a second.
   */
  readonly countedBytesPerSecond: number;
  /** How long a compaction that is open on the leader is waited for before bytes come by whole-file streams. */
  readonly vacuumWaitMs: number;
  /** Attempts in a row without progress. */
  readonly attempts: number;
  /** The pause after the first failed attempt; doubles, with full jitter, up to `greatestPauseMs`. */
  readonly firstPauseMs: number;
  readonly greatestPauseMs: number;
  /** Whether the whole index is compared with the leader's, appended to or not (docs/follow-protocol.md). */
  readonly proveIndex: boolean;
  /** The share of live needles that may vanish before the loss guard holds the former state, 0 to 1. */
  readonly maxLoss: number;
  /** Bytes that must stay free on the disk. */
  readonly minFreeBytes: number;
  readonly keepForMs: number;
  readonly keepGenerations: number;
}

export const defaultSyncPolicy: SyncPolicy = {
  firstStepBytes: 4 * MiB,
  greatestStepBytes: 64 * MiB,
  greatestBuildStepBytes: 16 * MiB,
  pinnedCommitBytes: 8 * MiB,
  pinnedUncommittedBytes: 64 * MiB,
  smallIndexBytes: MiB,
  indexWindowBytes: 8 * MiB,
  usePool: true,
  countedBytesPerSecond: 2 * MiB,
  vacuumWaitMs: 60_000,
  attempts: 5,
  firstPauseMs: 200,
  greatestPauseMs: 10_000,
  proveIndex: true,
  maxLoss: 0.2,
  minFreeBytes: 64 * MiB,
  keepForMs: 72 * 3600 * 1000,
  keepGenerations: 1,
};
