const KiB = 1024;
const MiB = 1024 * KiB;

/** What a stock server is asked for at most, and how long it is waited for. */
export interface SeaweedLimits {
  /** The largest `ReadNeedleBlob`. Default 4 MiB. */
  readonly rangeBytes: number;
  /** The first one of a session, and the least on a slow link. Default 64 KiB. */
  readonly minRangeBytes: number;
  /** Default 4. */
  readonly rangesInFlightPerVolume: number;
  /** Over all sessions of one client. Default 8. */
  readonly rangesInFlightPerServer: number;
  /** How old the last look for an open compaction may be while ranges are sent. Default 1 s. */
  readonly compactionProbeMs: number;
  /** The plain form of `CopyFile` syncs under the volume's write lock: at most once in so long. Default 1 min. */
  readonly plainCopyMs: number;
  /** A stream on which nothing comes for so long is given up. Default 60 s. */
  readonly noBytesTimeoutMs: number;
  /** The deadline of a call with one answer. Default 60 s. */
  readonly unaryTimeoutMs: number;
  /** The deadline of a connection. Default 10 s. */
  readonly connectTimeoutMs: number;
  /** Status calls until two in a row agree. Default 10. */
  readonly statusAttempts: number;
  /** The largest page taken from an HTTP server. Default 64 MiB. */
  readonly pageBytes: number;
}

export const defaultSeaweedLimits: SeaweedLimits = {
  rangeBytes: 4 * MiB,
  minRangeBytes: 64 * KiB,
  rangesInFlightPerVolume: 4,
  rangesInFlightPerServer: 8,
  compactionProbeMs: 1_000,
  plainCopyMs: 60_000,
  noBytesTimeoutMs: 60_000,
  unaryTimeoutMs: 60_000,
  connectTimeoutMs: 10_000,
  statusAttempts: 10,
  pageBytes: 64 * MiB,
};
