const KiB = 1024;
const MiB = 1024 * KiB;

/** What a transport allows on one connection. Each is an option of the transport's factory. */
export interface RpcLimits {
  /** The largest message that is received. Beyond it the call fails with `resource-exhausted`. */
  readonly messageBytes: number;
  /** Messages that wait in one direction of one call before its sender has to wait. */
  readonly bufferedMessages: number;
}

/**
 * A stock SeaweedFS streams in messages of 2 MiB and is asked for ranges of at most 4 MiB; the largest other answer
 * is the master's volume list, about 100 bytes a volume.
 */
export const defaultRpcLimits: RpcLimits = { messageBytes: 64 * MiB, bufferedMessages: 4 };

/** What the two sides of `holdfast.v1` allow each other. */
export const followLimits = {
  /** The largest chunk that a leader sends; larger ones are cut. */
  chunkBytes: 1 * MiB,
  /** Ranges in one `ReadRanges`; a client with more makes more calls. */
  rangesPerCall: 4096,
  /** The overlap proof in a `FollowPosition`. */
  overlapBytes: 4 * KiB,
  /** The `.idx` entries in one `FollowDurable`. */
  idxEntriesBytes: 16 * MiB,
  /** The length of a server id, lineage id or pin id. */
  idLength: 256,
  /** Pins open at once on one server. */
  openPins: 256,
  /** How often a follow stream that stays open says that it lives. */
  heartbeatMs: 15_000,
  /** A stream on which nothing came for so long is given up by its reader. */
  noBytesTimeoutMs: 60_000,
  /** The deadline of a call with one answer. */
  unaryTimeoutMs: 30_000,
} as const;
