import {
  type Crc32c,
  FormatError,
  idxEntrySizeBytes,
  NeedleFramer,
  type OffsetWidthBytes,
  type Version,
  writeIdxEntry,
} from '@holdfast/format';

const FIRST_CAPACITY_ENTRIES = 256;

/** A record of size 0: a deletion or a live empty needle, which the `.dat` alone cannot tell (format.md §4.3). */
export interface SizeZeroRecord {
  readonly needleId: bigint;
  /** Where its entry stands in `entries`, in bytes. */
  readonly entryOffset: number;
}

/**
 * The records of one step, cut out of the stream as it passes. Bad bytes are not thrown but kept as `trouble`: then
 * the leader's index has to tell what is there.
 */
export class StepFrames {
  readonly #framer: NeedleFramer;
  readonly #width: OffsetWidthBytes;
  #entries: Uint8Array;
  #entriesBytes = 0;
  #trouble: { readonly offset: number; readonly reason: string } | undefined;
  readonly sizeZero: SizeZeroRecord[] = [];
  /** Start of the last record with data, and the stamp of the last record; `undefined` while there is none. */
  lastDataOffset: number | undefined;
  lastAppendAtNs: bigint | undefined;

  constructor(version: Version, startOffset: number, width: OffsetWidthBytes, crc32c: Crc32c) {
    this.#framer = new NeedleFramer({ version, startOffset, collect: 'headers', crc32c });
    this.#width = width;
    this.#entries = new Uint8Array(FIRST_CAPACITY_ENTRIES * idxEntrySizeBytes(width));
  }

  push(chunk: Uint8Array): void {
    if (this.#trouble !== undefined) return;
    try {
      for (const record of this.#framer.push(chunk)) {
        if (!record.isCrcValid) {
          this.#trouble = { offset: record.offset, reason: 'its CRC is wrong' };
          return;
        }
        const { needleId, sizeBytes } = record.header;
        if (sizeBytes === 0) this.sizeZero.push({ needleId, entryOffset: this.#entriesBytes });
        else this.lastDataOffset = record.offset;
        this.lastAppendAtNs = record.appendAtNs;
        this.#addEntry(needleId, record.offset, sizeBytes);
      }
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#trouble = { offset: this.#framer.boundaryOffset, reason: error.message };
    }
  }

  /** The first place where the bytes made no sound record. */
  get trouble(): { readonly offset: number; readonly reason: string } | undefined {
    return this.#trouble;
  }

  /** The end of the last sound record. */
  get boundaryOffset(): number {
    return this.#trouble?.offset ?? this.#framer.boundaryOffset;
  }

  /** How far the record in progress reaches: equal to `boundaryOffset` between records. */
  get wantedOffset(): number {
    return this.#framer.wantedOffset;
  }

  /** The entries that the records would have as puts: those of `sizeZero` have still to be settled. */
  get entries(): Uint8Array {
    return this.#entries.subarray(0, this.#entriesBytes);
  }

  #addEntry(needleId: bigint, offset: number, sizeBytes: number): void {
    const length = idxEntrySizeBytes(this.#width);
    if (this.#entriesBytes + length > this.#entries.length) {
      const larger = new Uint8Array(2 * this.#entries.length);
      larger.set(this.#entries);
      this.#entries = larger;
    }
    writeIdxEntry({ needleId, offset, sizeBytes }, this.#width, this.#entries, this.#entriesBytes);
    this.#entriesBytes += length;
  }
}
