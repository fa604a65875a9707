import { type IdxEntry, isDeletion } from '@holdfast/format';
import { sortOrder } from '@holdfast/index';

/** Entries a chunk: growing never copies what is there. */
const CHUNK_ENTRIES = 1 << 16;
const UNIT_BYTES = 8;
const UNIT_WRAP = 2 ** 32;
/** With 17 bytes an entry and 4 a slot these keep a needle, slack included, at 24 bytes or less. */
const MAX_LOAD = 0.8;
const GROWTH = 1.25;
const FIRST_SLOTS = 1024;

/** Columns of the entries of one chunk: needle id, offset in units of 8 bytes, size as in the index. */
interface Chunk {
  readonly idHigh: Uint32Array;
  readonly idLow: Uint32Array;
  readonly unitsLow: Uint32Array;
  readonly unitsHigh: Uint8Array;
  readonly sizes: Int32Array;
}

function createChunk(): Chunk {
  return {
    idHigh: new Uint32Array(CHUNK_ENTRIES),
    idLow: new Uint32Array(CHUNK_ENTRIES),
    unitsLow: new Uint32Array(CHUNK_ENTRIES),
    unitsHigh: new Uint8Array(CHUNK_ENTRIES),
    sizes: new Int32Array(CHUNK_ENTRIES),
  };
}

function hash(idHigh: number, idLow: number): number {
  let mixed = Math.imul(idLow ^ Math.imul(idHigh, 0x9e3779b1), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}

/**
 * Where each needle of a volume is: what replaying the `.idx` gives (format.md §4, §5). At most 24 bytes a needle,
 * slack included, all of it in typed arrays. A deleted needle stays, with its former offset and its size negated
 * (−1 for an empty one), until the volume is compacted: putting it back needs its cookie.
 */
export class NeedleMap {
  readonly #chunks: Chunk[] = [];
  /** Open addressing: entry number + 1, 0 for a free slot. */
  #slots = new Uint32Array(FIRST_SLOTS);
  #count = 0;
  #liveCount = 0;
  #maxNeedleId = 0n;
  #fileCount = 0;
  #deleteCount = 0;

  /** Needles that can be read. */
  get liveCount(): number {
    return this.#liveCount;
  }

  /** Needles that were deleted and are still known. */
  get deletedCount(): number {
    return this.#count - this.#liveCount;
  }

  /** Entries replayed that put. */
  get fileCount(): number {
    return this.#fileCount;
  }

  /** Of those with data the ones that were deleted or overwritten: empty needles are not counted by servers either. */
  get deleteCount(): number {
    return this.#deleteCount;
  }

  /** The greatest there has been, deleted ones included; 0n for none. */
  get maxNeedleId(): bigint {
    return this.#maxNeedleId;
  }

  /** What the map occupies. */
  get memoryBytes(): number {
    const chunkBytes = this.#chunks.reduce(
      (sum, { idHigh, idLow, unitsLow, unitsHigh, sizes }) =>
        sum +
        idHigh.byteLength +
        idLow.byteLength +
        unitsLow.byteLength +
        unitsHigh.byteLength +
        sizes.byteLength,
      0,
    );
    return chunkBytes + this.#slots.byteLength;
  }

  /**
   * Replays one entry; the last of a needle wins, wherever its record is. Returns the entry that it replaces, with a
   * negative size for one that was deleted; `undefined` for a needle that was unknown.
   */
  apply(entry: IdxEntry): IdxEntry | undefined {
    const former = this.get(entry.needleId);
    if (former !== undefined && former.sizeBytes > 0) this.#deleteCount++;
    if (!isDeletion(entry)) {
      this.#fileCount++;
      this.#put(entry);
      if (former === undefined || former.sizeBytes < 0) this.#liveCount++;
      return former;
    }
    if (former !== undefined && former.sizeBytes >= 0) {
      this.#put({ ...former, sizeBytes: former.sizeBytes === 0 ? -1 : -former.sizeBytes });
      this.#liveCount--;
    }
    return former;
  }

  /** The entry of a needle; its size is negative if it was deleted. `undefined` if it was never there. */
  get(needleId: bigint): IdxEntry | undefined {
    const number = this.#slots[this.#slotOf(needleId)]!;
    return number === 0 ? undefined : this.#entryAt(number - 1);
  }

  /** The sum over all live needles of what `of` makes of their sizes. */
  sumOfLive(of: (sizeBytes: number) => number): number {
    let sum = 0;
    for (let number = 0; number < this.#count; number++) {
      const sizeBytes = this.#sizeAt(number);
      if (sizeBytes >= 0) sum += of(sizeBytes);
    }
    return sum;
  }

  /**
   * Live needles by needle id. Takes 8 bytes a needle while it runs. The map may change meanwhile: what was live at
   * the beginning is given, each as it is when its turn comes.
   */
  *liveByNeedleId(): Generator<IdxEntry> {
    yield* this.#inOrder(4, (number, digit) => {
      const { idHigh, idLow } = this.#chunkOf(number);
      const half = (digit < 2 ? idLow : idHigh)[number % CHUNK_ENTRIES]!;
      return digit % 2 === 0 ? half & 0xffff : half >>> 16;
    });
  }

  /** The same by the offset of their record. */
  *liveByOffset(): Generator<IdxEntry> {
    yield* this.#inOrder(3, (number, digit) => {
      const { unitsLow, unitsHigh } = this.#chunkOf(number);
      const at = number % CHUNK_ENTRIES;
      if (digit === 2) return unitsHigh[at]!;
      return digit === 0 ? unitsLow[at]! & 0xffff : unitsLow[at]! >>> 16;
    });
  }

  *#inOrder(digitCount: number, digitOf: (number: number, digit: number) => number): Generator<IdxEntry> {
    const numbers = new Uint32Array(this.#liveCount);
    for (let number = 0, filled = 0; number < this.#count; number++) {
      if (this.#sizeAt(number) >= 0) numbers[filled++] = number;
    }
    sortOrder(numbers, digitCount, digitOf);
    for (const number of numbers) yield this.#entryAt(number);
  }

  #chunkOf(number: number): Chunk {
    return this.#chunks[Math.trunc(number / CHUNK_ENTRIES)]!;
  }

  #sizeAt(number: number): number {
    return this.#chunkOf(number).sizes[number % CHUNK_ENTRIES]!;
  }

  #unitsAt(number: number): number {
    const { unitsHigh, unitsLow } = this.#chunkOf(number);
    const at = number % CHUNK_ENTRIES;
    return unitsHigh[at]! * UNIT_WRAP + unitsLow[at]!;
  }

  #entryAt(number: number): IdxEntry {
    const { idHigh, idLow, sizes } = this.#chunkOf(number);
    const at = number % CHUNK_ENTRIES;
    return {
      needleId: (BigInt(idHigh[at]!) << 32n) | BigInt(idLow[at]!),
      offset: this.#unitsAt(number) * UNIT_BYTES,
      sizeBytes: sizes[at]!,
    };
  }

  #put(entry: IdxEntry): void {
    const slot = this.#slotOf(entry.needleId);
    let number = this.#slots[slot]! - 1;
    if (number < 0) {
      number = this.#count++;
      if (entry.needleId > this.#maxNeedleId) this.#maxNeedleId = entry.needleId;
      if (number % CHUNK_ENTRIES === 0) this.#chunks.push(createChunk());
      this.#slots[slot] = number + 1;
    }
    const chunk = this.#chunkOf(number);
    const at = number % CHUNK_ENTRIES;
    const units = entry.offset / UNIT_BYTES;
    chunk.idHigh[at] = Number(entry.needleId >> 32n);
    chunk.idLow[at] = Number(entry.needleId & 0xffff_ffffn);
    chunk.unitsLow[at] = units % UNIT_WRAP;
    chunk.unitsHigh[at] = Math.trunc(units / UNIT_WRAP);
    chunk.sizes[at] = entry.sizeBytes;
    if (this.#count > this.#slots.length * MAX_LOAD) this.#grow();
  }

  /** The slot of a needle, or the free one where it would go. */
  #slotOf(needleId: bigint): number {
    const high = Number(needleId >> 32n);
    const low = Number(needleId & 0xffff_ffffn);
    const slots = this.#slots;
    let slot = Math.trunc((hash(high, low) / UNIT_WRAP) * slots.length);
    for (;;) {
      const number = slots[slot]! - 1;
      if (number < 0) return slot;
      const { idHigh, idLow } = this.#chunkOf(number);
      const at = number % CHUNK_ENTRIES;
      if (idLow[at] === low && idHigh[at] === high) return slot;
      slot = slot + 1 === slots.length ? 0 : slot + 1;
    }
  }

  #grow(): void {
    const slots = new Uint32Array(Math.ceil(this.#slots.length * GROWTH));
    for (let number = 0; number < this.#count; number++) {
      const { idHigh, idLow } = this.#chunkOf(number);
      const at = number % CHUNK_ENTRIES;
      let slot = Math.trunc((hash(idHigh[at]!, idLow[at]!) / UNIT_WRAP) * slots.length);
      while (slots[slot] !== 0) slot = slot + 1 === slots.length ? 0 : slot + 1;
      slots[slot] = number + 1;
    }
    this.#slots = slots;
  }
}
