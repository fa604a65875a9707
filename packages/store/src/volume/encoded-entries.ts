import { type IdxEntry, idxEntrySizeBytes, type OffsetWidthBytes, writeIdxEntry } from '@holdfast/format';

/** Each chunk is twice the one before: what one sync covers is mostly a few entries. */
const FIRST_CHUNK_ENTRIES = 1 << 7;
const CHUNK_ENTRIES_MAX = 1 << 14;

/** Index entries in the bytes of the file: a rebuilt index has millions. */
export class EncodedEntries {
  readonly #width: OffsetWidthBytes;
  readonly #chunks: Uint8Array[] = [];
  #filledBytes = 0;
  #count = 0;

  constructor(width: OffsetWidthBytes) {
    this.#width = width;
  }

  static of(entries: Iterable<IdxEntry>, width: OffsetWidthBytes): EncodedEntries {
    const encoded = new EncodedEntries(width);
    for (const entry of entries) encoded.push(entry);
    return encoded;
  }

  get count(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    return this.#count * idxEntrySizeBytes(this.#width);
  }

  push(entry: IdxEntry): void {
    const entrySize = idxEntrySizeBytes(this.#width);
    let last = this.#chunks.at(-1);
    if (last === undefined || this.#filledBytes === last.length) {
      const entries = last === undefined ? FIRST_CHUNK_ENTRIES : (2 * last.length) / entrySize;
      last = new Uint8Array(Math.min(entries, CHUNK_ENTRIES_MAX) * entrySize);
      this.#chunks.push(last);
      this.#filledBytes = 0;
    }
    writeIdxEntry(entry, this.#width, last, this.#filledBytes);
    this.#filledBytes += entrySize;
    this.#count++;
  }

  /** The bytes, in pieces. */
  *pieces(): Generator<Uint8Array> {
    let left = this.sizeBytes;
    for (const chunk of this.#chunks) {
      yield chunk.subarray(0, Math.min(chunk.length, left));
      left -= chunk.length;
    }
  }
}
