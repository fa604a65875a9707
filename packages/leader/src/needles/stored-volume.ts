import type {
  IdxEntry,
  Needle,
  NeedleContent,
  OffsetWidthBytes,
  SuperBlock,
  Version,
  VolumeInfo,
  VolumeName,
} from '@holdfast/format';
import type { RandomAccess } from '@holdfast/index';

/** What is known of a volume without reading it. */
export interface StoredVolumeStatus {
  /** What is durable; what is told to others. */
  readonly datSizeBytes: number;
  readonly idxSizeBytes: number;
  readonly liveNeedles: number;
  /** Deleted since the last compaction and still remembered. */
  readonly deletedNeedles: number;
  /** Puts since the last compaction, those included that were overwritten or deleted. */
  readonly fileCount: number;
  /** Of those with data the ones that were overwritten or deleted. */
  readonly deleteCount: number;
  /** Bytes of records that no needle uses. */
  readonly garbageBytes: number;
  readonly revision: number;
  /** Marked so, or closed for writing since a sync failed. */
  readonly isReadOnly: boolean;
  /** Unix seconds: of the `.dat` when it was opened, later of the last append. */
  readonly modifiedAtSeconds: number;
  /** Of the physically last record; 0n where there is none. */
  readonly lastAppendAtNs: bigint;
  /** The greatest needle id there has been since the last compaction; 0n for none. */
  readonly maxNeedleId: bigint;
  readonly isCompacting: boolean;
}

/** What is to be written: fields, and data at once or in pieces of a length that is known. */
export interface NeedleUpload {
  /**
   * Its `appendAtNs` and `storedCrc` do not count: a record is stamped when it is appended. A function is asked when all
   * of the data have come, for fields that come behind them; what it throws ends the write.
   */
  readonly content: Omit<NeedleContent, 'data'> | (() => Omit<NeedleContent, 'data'>);
  readonly data: Uint8Array | NeedleDataPieces;
}

export interface NeedleDataPieces {
  /** What the pieces come to. `undefined`: as many as come, at most `maxBytes`. */
  readonly lengthBytes?: number;
  /** Default and greatest: what a record holds (2 GiB). Beyond it `too-large`. */
  readonly maxBytes?: number;
  readonly pieces: AsyncIterable<Uint8Array>;
}

export interface WrittenNeedle {
  /** The needle was there just so: nothing was written (format.md §4.4). The rest is of the former record. */
  readonly isUnchanged: boolean;
  readonly offset: number;
  /** As in the header and the index. */
  readonly sizeBytes: number;
  readonly dataSizeBytes: number;
  /** Raw CRC-32C of the data. */
  readonly crc: number;
  readonly appendAtNs: bigint;
}

export interface WriteOptions {
  /** `false`: resolves when it is written and can be read. Default true: when it is durable. */
  readonly isDurable?: boolean;
}

export interface WriteNeedleOptions extends WriteOptions {
  /** `false` takes the needle by whatever cookie: it comes from another copy of the volume. Default true. */
  readonly checksCookie?: boolean;
}

export interface OpenNeedleOptions {
  /** `cookie-mismatch` if the needle's is another. Default: any. */
  readonly cookie?: number;
  /** Also a deleted one, as long as the volume remembers it. Default false. */
  readonly readDeleted?: boolean;
}

/** A needle that is being read. Its generation stays until `close`, whatever is written or compacted meanwhile. */
export interface OpenNeedle {
  readonly meta: Omit<Needle, 'data'>;
  /** Raw CRC-32C of the stored data. */
  readonly crc: number;
  readonly dataSizeBytes: number;
  /** All of the data, checked, where they are at most 256 KiB; `undefined` for longer ones. */
  readonly data: Uint8Array | undefined;
  /**
   * The data bytes [start, end), default all, in pieces of at most 256 KiB. From 0 to the end the CRC is checked
   * before the last piece is given out, which `corrupt` takes the place of; for any other range before the first.
   * `RangeError` for a range that is none of the data.
   */
  read(range?: { readonly start: number; readonly end: number }): AsyncIterable<Uint8Array>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** One generation of a volume, as it is durable. Its files stay open until `close`, whatever becomes of their names. */
export interface PinnedVolume {
  readonly dat: RandomAccess;
  readonly idx: RandomAccess;
  readonly datSizeBytes: number;
  readonly idxSizeBytes: number;
  readonly superBlock: SuperBlock;
  readonly version: Version;
  readonly offsetWidthBytes: OffsetWidthBytes;
  /** Another one for every generation of this opening of the volume. */
  readonly generation: number;
  /** The length of the `.dat` when the generation began: what lies behind it was appended in it. */
  readonly beganAtOffset: number;
  /** Names the history: another one when the volume was compacted, made anew, or cut by recovery. */
  readonly lineageId: string;
  /** The entries of what is live, by offset; with what is not durable yet. */
  liveByOffset(): Iterable<IdxEntry>;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface CompactionOptions {
  readonly signal?: AbortSignal;
  /** Default: as fast as it goes. */
  readonly maxBytesPerSecond?: number;
  /** Bytes of live records copied so far. */
  readonly onProgress?: (copiedBytes: number) => void;
}

/**
 * One volume, open for reading and writing. Every failure is a `StoreError`; what is written is read at once, and told
 * to followers when it is durable.
 */
export interface StoredVolume {
  readonly name: VolumeName;
  /** Layout of the records. */
  readonly version: Version;
  readonly offsetWidthBytes: OffsetWidthBytes;
  readonly superBlock: SuperBlock;
  readonly info: VolumeInfo;
  status(): StoredVolumeStatus;
  /** `needle-not-found` (also past its ttl), `cookie-mismatch`, `corrupt`. */
  open(needleId: bigint, options?: OpenNeedleOptions): Promise<OpenNeedle>;
  /** `read-only`, `cookie-mismatch`, `too-large`, `no-space`, `disk-failed`; the volume is as it was then. */
  write(needle: NeedleUpload, options?: WriteNeedleOptions): Promise<WrittenNeedle>;
  /**
   * `needle-not-found` where there is nothing to delete; else as `write`. Without a cookie any is taken.
   * `freedSizeBytes` is the size in the header of the record that was deleted.
   */
  delete(
    needleId: bigint,
    options?: WriteOptions & { readonly cookie?: number },
  ): Promise<{ readonly freedSizeBytes: number }>;
  /** With `persist` the `.vif` says so too; `canDelete`: deletions are still allowed. */
  markReadOnly(
    isReadOnly: boolean,
    options?: { readonly persist?: boolean; readonly canDelete?: boolean },
  ): Promise<void>;
  pin(): PinnedVolume;
  /** Bytes of records not in use to bytes of all records; 0 for an empty volume. */
  garbageRatio(): number;
  /**
   * Copies what is live into files beside the present ones, while the volume is read and written. `compaction-state`
   * if one is under way or waits for its commit; `no-space` before anything is written.
   */
  compact(options?: CompactionOptions): Promise<void>;
  /**
   * Adds what was appended since, in its order, and puts the copy in the volume's place: the next revision. Writers wait
   * for the last of it. `compaction-state` without a finished `compact`; a failure leaves the volume as it was.
   */
  commitCompaction(): Promise<{ readonly revision: number; readonly datSizeBytes: number }>;
  /** Gives up what `compact` made, or is making. */
  cleanupCompaction(): Promise<void>;
}
