import { type IdxEntry, idxEntrySizeBytes, type OffsetWidthBytes, writeIdxEntry } from '@holdfast/format';

const CHUNK_ENTRIES = 1 << 14;

/** Index entries in the bytes of the file: a rebuilt index has millions. */
export class EncodedEntries {
  readonly #width: OffsetWidthBytes;
  readonly #chunks: Uint8Array[] = [];
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
    const at = this.#count % CHUNK_ENTRIES;
    if (at === 0) this.#chunks.push(new Uint8Array(CHUNK_ENTRIES * entrySize));
    writeIdxEntry(entry, this.#width, this.#chunks.at(-1)!, at * entrySize);
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
