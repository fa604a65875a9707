import { type IdxEntry, idxEntrySizeBytes, type OffsetWidthBytes, readIdxOffset } from '@holdfast/format';

/** A run of consecutive entries as read, decoded field by field on demand: no object an entry. */
export class IdxEntries {
  /** The index of the first one in the whole file. */
  readonly firstEntryIndex: number;
  readonly count: number;
  /** The entries' bytes. */
  readonly bytes: Uint8Array;
  readonly #width: OffsetWidthBytes;
  readonly #entrySize: number;
  readonly #view: DataView;

  /** `bytes` that end inside an entry: that one is not counted. */
  constructor(bytes: Uint8Array, width: OffsetWidthBytes, firstEntryIndex = 0) {
    this.firstEntryIndex = firstEntryIndex;
    this.bytes = bytes;
    this.#width = width;
    this.#entrySize = idxEntrySizeBytes(width);
    this.count = Math.trunc(bytes.length / this.#entrySize);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** `i` counts from 0 in this run, here and below. */
  needleIdAt(i: number): bigint {
    return this.#view.getBigUint64(i * this.#entrySize);
  }

  /** The upper 32 bits of the needle id. */
  needleIdHighAt(i: number): number {
    return this.#view.getUint32(i * this.#entrySize);
  }

  /** The lower 32 bits of the needle id. */
  needleIdLowAt(i: number): number {
    return this.#view.getUint32(i * this.#entrySize + 4);
  }

  /** In bytes; 0 where the entry points at no record. */
  offsetAt(i: number): number {
    return readIdxOffset(this.#view, i * this.#entrySize, this.#width);
  }

  sizeBytesAt(i: number): number {
    return this.#view.getInt32((i + 1) * this.#entrySize - 4);
  }

  entryAt(i: number): IdxEntry {
    return { needleId: this.needleIdAt(i), offset: this.offsetAt(i), sizeBytes: this.sizeBytesAt(i) };
  }
}
