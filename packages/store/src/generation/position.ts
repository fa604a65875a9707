import type { OffsetWidthBytes, Version } from '@holdfast/format';

/** One server's copy of one volume: what a follower pins. */
export interface LeaderCopyId {
  /** The server's id, else its address. */
  readonly server: string;
  readonly volumeId: number;
  readonly collection: string;
}

/** A record that the leader itself has rotten: kept as it is, reported with every run. */
export interface LeaderDamage {
  readonly offset: number;
  /** Decimal; `null` where no index entry names the region. */
  readonly needleId: string | null;
  readonly reason: string;
}

/**
 * Where a generation stands: what of which leader copy the committed bytes [0, datSizeBytes) and
 * [0, idxSizeBytes) are. What the proof in it means is the follower's; the store keeps it, durably and in order.
 */
export interface GenerationPosition {
  readonly leaderCopy: LeaderCopyId;
  /** A Holdfast leader's lineage; `null` on a stock SeaweedFS. */
  readonly lineageId: string | null;
  readonly revision: number;
  /** The version that the leader ran the volume as when the last record came. */
  readonly version: Version;
  readonly offsetWidthBytes: OffsetWidthBytes;
  /** The committed offset S. */
  readonly datSizeBytes: number;
  readonly idxSizeBytes: number;
  /** Where the overlap proof begins: the last record with data before S, at least 4 KiB if there are as many. */
  readonly proofOffset: number;
  /** Decimal nanoseconds, `"0"` where no record has a stamp. */
  readonly lastAppendAtNs: string;
  readonly liveNeedles: number;
  /** The most live needles since the generation began or the loss guard was released. */
  readonly greatestLiveNeedles: number;
  /** The length of the index that `liveNeedles` was counted in; `null` where it was another index. */
  readonly countedIdxSizeBytes: number | null;
  /** Bytes on the leader behind S that make no whole record, as last seen. */
  readonly leaderTailBytes: number;
  readonly leaderDamage: readonly LeaderDamage[];
}

/** What an unfinished generation is being built as: fixed when the build begins. */
export interface BuildTarget {
  readonly leaderCopy: LeaderCopyId;
  readonly lineageId: string | null;
  readonly revision: number;
  readonly version: Version;
  readonly offsetWidthBytes: OffsetWidthBytes;
  /** T and I of the status that the build follows. */
  readonly datSizeBytes: number;
  readonly idxSizeBytes: number;
  /** Where the anchor begins: a tail that the server rounds up ends up to 8 bytes before T. */
  readonly anchorOffset: number;
  /** The anchor: the last (at most) 4 KiB before the tail, base64. Empty where it could not be read (a compaction was open). */
  readonly anchorBase64: string;
  /** Whether data may come from elsewhere than the leader. */
  readonly usesPool: boolean;
}
