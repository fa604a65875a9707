import type {
  FramedRecord,
  IdxEntry,
  Needle,
  NeedleContent,
  OffsetWidthBytes,
  SuperBlock,
  Version,
  VolumeInfo,
} from '@holdfast/format';
import type { RandomAccess } from '@holdfast/index';
import type { StoreError } from '../errors.js';

/** What opening a volume found, and mended if it was opened for that. */
export interface VolumeRecovery {
  /** What became of the files of a compaction that was cut short. */
  readonly compaction: 'none' | 'roll-forward' | 'roll-back' | 'misfit';
  /** Bytes behind the last whole record that were cut. */
  readonly cutBytes: number;
  /** Bytes of padding that the last record lacked. */
  readonly paddedBytes: number;
  /** Entries of records past the end of the `.dat`, and bytes that made no whole entry. */
  readonly droppedEntries: number;
  readonly droppedPartialEntryBytes: number;
  /** Entries made for records that the index lacked. */
  readonly addedEntries: number;
  /** Of those, records without data: deletions or live empty needles, which the `.dat` alone cannot tell. */
  readonly ambiguousEntries: number;
}

export interface VolumeStats {
  readonly liveNeedles: number;
  /** Deleted and still known by the index. */
  readonly deletedNeedles: number;
  /** Puts since the last compaction, those included that were overwritten or deleted. */
  readonly fileCount: number;
  /** Of those with data the ones that were overwritten or deleted. */
  readonly deleteCount: number;
  /** Length of the `.dat` as written: the next record's offset. */
  readonly datSizeBytes: number;
  /** Length of the `.idx`: entries are written by `sync`, when their records are durable. */
  readonly idxSizeBytes: number;
  /** What the last `sync` made durable; what a reader may be told. */
  readonly durableDatSizeBytes: number;
  readonly durableIdxSizeBytes: number;
  /** Bytes of records in use, and of all others, super block not counted. */
  readonly liveBytes: number;
  readonly garbageBytes: number;
  /** The greatest needle id that the index knows; 0n if there is none. */
  readonly maxNeedleId: bigint;
  /** Of the physically last record; 0n where there is none, and in version 1 and 2. */
  readonly lastAppendAtNs: bigint;
}

export interface AppendedRecord {
  readonly offset: number;
  readonly lengthBytes: number;
  /** As in the header: 0 for a deletion and for an empty needle. */
  readonly sizeBytes: number;
  /** Raw CRC-32C of the data; of a deletion, of those that were deleted if its cookie was checked. */
  readonly crc: number;
  readonly appendAtNs: bigint;
  /** The needle was there just so: nothing was written (format.md §4.4). The rest is of the former record. */
  readonly isUnchanged: boolean;
}

export interface DeletionRecord extends AppendedRecord {
  /** The size in the header of the record that was live until now. */
  readonly deletedSizeBytes: number;
}

/** Data that lie in a file of their own because they are long: at least one byte. */
export interface StagedData {
  readonly source: RandomAccess;
  readonly sizeBytes: number;
  /** Raw CRC-32C. */
  readonly crc: number;
}

export interface AppendOptions {
  /** Data in the place of the content's, copied in pieces. */
  readonly staged?: StagedData | undefined;
  /** `false` takes the needle by whatever cookie: it comes from another copy of the volume. Default true. */
  readonly checksCookie?: boolean | undefined;
}

export type ReadOnlyMarks = Pick<VolumeInfo, 'readOnly' | 'readOnlyCanDelete'>;

export interface ScanOptions {
  /** `records` keeps the bytes of each, `headers` (default) is constant memory. */
  readonly collect?: 'records' | 'headers';
  /** A record's start. Default: the first. */
  readonly fromOffset?: number;
  readonly signal?: AbortSignal;
}

export interface BeginCompactionOptions {
  /** Bytes that must stay free on the disk beside what is written. Default 0. */
  readonly minFreeBytes?: number;
  readonly signal?: AbortSignal;
  /** Called after each MiB or so with the bytes copied so far, and waited for: sets the pace. */
  readonly onCopied?: (copiedBytes: number) => Promise<void> | void;
}

export interface CompactionResult {
  readonly compactionRevision: number;
  readonly keptNeedles: number;
  /** Needles whose data do not have their CRC: carried over as they are. */
  readonly damagedNeedles: number;
}

/** A compaction of a volume that goes on being read and written. */
export interface VolumeCompaction {
  /**
   * Copies every live needle beside the volume, in the order of the file, bytes and stamps as they are. Fails with
   * `corrupt` where an entry's record is not there, and with `no-space` before anything is written.
   */
  copy(): Promise<CompactionResult>;
  /** Adds what has become durable since, in its order: a commit that follows soon has little left to add. */
  catchUp(): Promise<void>;
  /**
   * Adds the rest and puts the copy in the volume's place, durably (format.md §8); gives it, opened for writing.
   * Nothing may be appended from its call on. The volume that was can still be read until it is closed. A failure
   * leaves it as it was, to be written too, but for one behind the decision: then `failure` is set, and opening it again
   * finishes what was decided.
   */
  commit(): Promise<Volume>;
  /** Removes what was copied. */
  discard(): Promise<void>;
}

/**
 * A volume on disk. Reads and appends may run at the same time; appends are put in order. Every failure is a
 * `StoreError`; one of writing that could not be undone, or of `sync`, ends the volume for writing: open it again.
 */
export interface Volume {
  readonly directory: string;
  /** Base name: `7` or `collection_7`. */
  readonly name: string;
  readonly superBlock: SuperBlock;
  /** The layout of the records, which the super block's version need not be (format.md §2). */
  readonly version: Version;
  readonly offsetWidthBytes: OffsetWidthBytes;
  readonly info: VolumeInfo;
  readonly isReadOnly: boolean;
  readonly recovery: VolumeRecovery;
  /** The files as written; the `.idx` has the entries of what has been synced. */
  readonly dat: RandomAccess;
  readonly idx: RandomAccess;
  stats(): VolumeStats;
  /** The entry of a live needle. */
  find(needleId: bigint): IdxEntry | undefined;
  /** The same of one that was deleted since the last compaction: where its record was, and how long. */
  findDeleted(needleId: bigint): IdxEntry | undefined;
  liveByOffset(): Iterable<IdxEntry>;
  liveByNeedleId(): Iterable<IdxEntry>;
  /**
   * A live needle, checked: `needle-not-found`; `cookie-mismatch` if `cookie` is given and another; `corrupt` where
   * record and index disagree or the record is damaged.
   */
  readNeedle(needleId: bigint, cookie?: number): Promise<Needle>;
  /** The record that an entry of this volume names, checked: `corrupt`. */
  readEntry(entry: IdxEntry): Promise<Needle>;
  /** Bytes of the `.dat`, fewer only at its end. */
  readRange(offset: number, lengthBytes: number): Promise<Uint8Array>;
  /** All records, front to back, in batches. Fails with `corrupt` where one cannot be told from the next. */
  scan(options?: ScanOptions): AsyncIterable<readonly FramedRecord[]>;
  /**
   * Appends a record; it can be read at once, is durable, and has its entry in the `.idx`, after `sync`. Calls that come
   * together are written together. A needle without data is a live empty one. Stamps it with max(now, last + 1)
   * (format.md §4.1), whatever `appendAtNs` says. `cookie-mismatch` if the needle is known by another cookie (§4.4),
   * `too-large` past what offsets can reach, `read-only`.
   */
  append(content: NeedleContent, options?: AppendOptions): Promise<AppendedRecord>;
  /** Appends the record of a deletion. `needle-not-found` if there is nothing to delete; errors as `append`. */
  delete(needleId: bigint, cookie?: number): Promise<DeletionRecord>;
  /** Makes durable what has been appended when it is called: data first, then the entries. Calls are gathered. */
  sync(): Promise<void>;
  /** Why nothing more can be written: a sync failed, or what could not be undone. Open the volume again. */
  readonly failure: StoreError | undefined;
  /** Marks the volume in memory, and with `persist` in its `.vif`; what is there already stays. */
  markReadOnly(marks: ReadOnlyMarks, options?: { readonly persist?: boolean }): Promise<void>;
  /** Begins a compaction of this volume, which goes on as it is, and can be written, until `commit`. One at a time. */
  beginCompaction(options?: BeginCompactionOptions): VolumeCompaction;
  /** Syncs what was appended and ends the writing; the volume can be read until it is closed. Idempotent. */
  endWriting(): Promise<void>;
  /** Ends the writing, and closes the files even if that fails. Idempotent. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
