/** Bytes [offset, offset + lengthBytes) of a `.dat`. */
export interface ByteRange {
  readonly offset: number;
  readonly lengthBytes: number;
}

/** What one leader copy says of itself at one instant. */
export interface LeaderStatus {
  /** The compaction revision, 0 to 65535. */
  readonly revision: number;
  /** The tail T: the end of the `.dat`. A stock SeaweedFS rounds it up to a multiple of 8. */
  readonly datSizeBytes: number;
  /** The length of the `.idx` that belongs to exactly this tail. */
  readonly idxSizeBytes: number;
  /** The version that the server runs the volume as: the layout of the records that it appends. */
  readonly version: 1 | 2 | 3;
  readonly offsetWidthBytes: 4 | 5;
  readonly collection: string;
  /** For the `.vif`: what the leader's says, as far as it is known. */
  readonly readOnly: boolean;
  readonly replication: string;
  /** Changes whenever the history of the volume does. `undefined` where the leader has no such thing (SeaweedFS). */
  readonly lineageId: string | undefined;
}

/** The `.dat` and the `.idx` of one generation, pinned by the leader's open files, in chunks as `LeaderVolume` has them. */
export interface PinnedCopy {
  /** The `.dat` from offset 0 to the status' tail. May end early if the real file is up to 7 bytes shorter. */
  readonly dat: AsyncIterable<Uint8Array>;
  /** The `.idx` from 0 to the status' index length. */
  readonly idx: AsyncIterable<Uint8Array>;
  /** Ends both streams. Idempotent. */
  close(): Promise<void>;
}

export type FollowEvent =
  /** The next bytes of the `.dat`, each event's start where the last one's ended. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /**
   * Everything sent so far is durable on the leader and ends at a record boundary. The fence of the bytes since the
   * last `durable` event: their CRC-32C, the `.idx` entries that belong to them, revision and lineage.
   */
  | {
      readonly kind: 'durable';
      readonly datSizeBytes: number;
      readonly idxSizeBytes: number;
      readonly idxEntries: Uint8Array;
      readonly bytesCrc32c: number;
      readonly revision: number;
      readonly lineageId: string;
    }
  /** Nothing new; the leader lives. */
  | { readonly kind: 'heartbeat' };

/** Where a follower stands: its proof is checked by the leader before a byte is sent. */
export interface FollowPosition {
  readonly revision: number;
  readonly lineageId: string;
  readonly datOffset: number;
  readonly idxOffset: number;
  /** The last bytes before `datOffset` as the follower holds them, at most 4 KiB. */
  readonly overlap: Uint8Array;
}

/**
 * One volume over one session. Every failure is a `LeaderError`. Counts what it receives, whatever it is for. A chunk of
 * a file's bytes holds until the next one is asked for: its memory may be used again.
 */
export interface LeaderVolume {
  readonly volumeId: number;
  /** Every byte of payload received for this volume over this session, whether it was used or not. */
  readonly bytesReceived: number;
  /** How many small ranges one round trip brings: calls in flight, times ranges a call. What a range costs follows from it. */
  readonly rangesAtOnce: number;
  /** One consistent status (a stock SeaweedFS is asked until two agree). `volume-closed` if the server has it but cannot read it. */
  status(signal: AbortSignal): Promise<LeaderStatus>;
  /**
   * Whether a compaction is open on the leader, so that ranges must not be asked for (a stock SeaweedFS can be
   * brought down by one). Always false where ranges are safe.
   */
  compactionOpen(signal: AbortSignal): Promise<boolean>;
  /**
   * The bytes of the ranges, one range after the other, exactly as many as asked for, in chunks of any size.
   * Memory and calls in flight are bounded. Fails with `past-end` where the `.dat` ends before a range does, with
   * `compaction-open` if a compaction opens meanwhile, with `revision-changed` where the leader itself can tell.
   * Ranges need no alignment. A reading of bytes says nothing about the generation that they came from: that is
   * what the fence is for.
   */
  readRanges(ranges: readonly ByteRange[], signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** The `.idx` bytes [startOffset, endOffset), exactly. Fails with `past-end` if it is shorter. Lock-free on the leader. */
  readIndex(startOffset: number, endOffset: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Opens both files at once; resolved when both streams have begun. `revision-changed` where the leader can tell. */
  openPinnedCopy(status: LeaderStatus, signal: AbortSignal): Promise<PinnedCopy>;
  /** Whether the key is live now, an empty needle included. About the key as it is now, not about one record. */
  isNeedleLive(needleId: bigint, signal: AbortSignal): Promise<boolean>;
  /**
   * Checks the position on the leader's side, sends what follows it and stays open, pushing each further record as
   * it becomes durable. Absent on a stock SeaweedFS. Fails with `position-refused` where the proof does not hold.
   */
  follow?(position: FollowPosition, signal: AbortSignal): AsyncIterable<FollowEvent>;
}

/** One connection to one leader. Once it is gone every call on it fails with `unreachable`; it never reconnects. */
export interface LeaderSession {
  /** Names the server beyond its address where it has such a name (`""` where not). */
  readonly serverId: string;
  volume(volumeId: number, collection: string): LeaderVolume;
  close(): Promise<void>;
}

/** One line of a sweep over all volumes of one server: a hint that something changed, never a proof that nothing did. */
export interface SweepEntry {
  readonly volumeId: number;
  readonly collection: string;
  /**
   * How much is in it, only to be compared with an earlier sweep of the same server: a stock SeaweedFS adds up the size
   * fields of all puts here, which is less than the length of the `.dat`.
   */
  readonly contentBytes: number;
  readonly fileCount: number;
  readonly deleteCount: number;
  readonly revision: number;
  readonly modifiedAtSeconds: number;
}

/** A server whose copies of volumes can be followed. */
export interface LeaderClient {
  /** The server's gRPC address, `host:port`. */
  readonly address: string;
  openSession(signal: AbortSignal): Promise<LeaderSession>;
  /** All volumes of the server in one cheap call. The same array as before says that none has changed since. */
  sweep(signal: AbortSignal): Promise<readonly SweepEntry[]>;
}
