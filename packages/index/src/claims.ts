import {
  type IdxEntry,
  type OffsetWidthBytes,
  offsetCandidates,
  recordLengthBytes,
  recordSizeOfEntry,
  type Version,
} from '@holdfast/format';
import { type EntryTable, loadEntryTable, type TableOptions } from './entry-table.js';
import type { IdxFile } from './idx-file.js';
import { itemNumbers } from './radix-order.js';
import type { RecordProof } from './record-proof.js';

/** Version 3 records are longer than those of 1 and 2 by the time stamp, always by exactly this. */
const STAMPED_EXTRA_BYTES = 8;

export interface CollectClaimsInput extends TableOptions {
  readonly version: Version;
  /** The tail T; entries of records that end behind it claim nothing. */
  readonly datSizeBytes: number;
  /** Asked only where a 4-byte offset may have wrapped (format.md §5). */
  readonly prove: RecordProof;
}

/**
 * What the entries of an index claim of a `.dat`: each a region that should be one record. In the order of their
 * offsets, the same claim made twice merged into the later entry.
 */
export class Claims {
  readonly table: EntryTable;
  readonly datSizeBytes: number;
  /** Entries whose record would end behind the tail. */
  readonly pastEndCount: number;
  readonly #version: Version;
  #order: Uint32Array;

  constructor(
    table: EntryTable,
    order: Uint32Array,
    pastEndCount: number,
    version: Version,
    datSizeBytes: number,
  ) {
    this.table = table;
    this.pastEndCount = pastEndCount;
    this.datSizeBytes = datSizeBytes;
    this.#version = version;
    this.#order = order;
    table.sortByOffset(order);
    this.#mergeRepeated();
  }

  get count(): number {
    return this.#order.length;
  }

  offsetOf(k: number): number {
    return this.table.offsets[this.#order[k]!]!;
  }

  entryOf(k: number): IdxEntry {
    return this.table.entryAt(this.#order[k]!);
  }

  entryIndexOf(k: number): number {
    return this.#order[k]!;
  }

  /**
   * The layout of the record, told by its place: where the volume is labelled 1 or 2, records up to a remount can be
   * of version 3 (format.md §2), and then the next claim, or the tail, is 8 bytes further on.
   */
  versionOf(k: number): Version {
    if (this.#version === 3) return 3;
    const next = k + 1 < this.count ? this.offsetOf(k + 1) : this.datSizeBytes;
    return next - this.offsetOf(k) - this.#lengthOf(k, this.#version) === STAMPED_EXTRA_BYTES
      ? 3
      : this.#version;
  }

  /** Where the claimed record ends. */
  endOf(k: number): number {
    return this.offsetOf(k) + this.#lengthOf(k, this.versionOf(k));
  }

  /** Takes these claims out; the numbers of the others change. What they stood between may now be the same claim. */
  drop(dropped: ReadonlySet<number>): void {
    this.#keep((k) => !dropped.has(k));
    this.#mergeRepeated();
  }

  #mergeRepeated(): void {
    this.#keep((k) => k + 1 === this.count || !this.#isSame(k, k + 1));
  }

  #keep(wanted: (k: number) => boolean): void {
    const kept = this.#order.slice();
    let count = 0;
    for (let k = 0; k < kept.length; k++) if (wanted(k)) kept[count++] = this.#order[k]!;
    this.#order = kept.subarray(0, count);
  }

  #lengthOf(k: number, version: Version): number {
    return recordLengthBytes(version, recordSizeOfEntry(this.table.sizesBytes[this.#order[k]!]!));
  }

  #isSame(k: number, l: number): boolean {
    const i = this.#order[k]!;
    const j = this.#order[l]!;
    const { offsets, sizesBytes } = this.table;
    return (
      offsets[i] === offsets[j] &&
      recordSizeOfEntry(sizesBytes[i]!) === recordSizeOfEntry(sizesBytes[j]!) &&
      this.table.isSameNeedle(i, j)
    );
  }
}

/** Reads the index into claims: at most 32 bytes an entry. Fails as `loadEntryTable` and `prove` do. */
export async function collectClaims(idx: IdxFile, input: CollectClaimsInput): Promise<Claims> {
  const { version, datSizeBytes, signal } = input;
  const table = await loadEntryTable(idx, input);
  const order = itemNumbers(table.count);
  let count = 0;
  let pastEndCount = 0;
  for (let i = 0; i < table.count; i++) {
    const lengthBytes = recordLengthBytes(version, recordSizeOfEntry(table.sizesBytes[i]!));
    const places = placesFor(table.offsets[i]!, lengthBytes, idx.offsetWidthBytes, datSizeBytes);
    if (places.length === 0 && table.offsets[i] === 0) continue;
    if (places.length === 0) {
      pastEndCount++;
      continue;
    }
    if (places.length > 1) {
      signal?.throwIfAborted();
      table.offsets[i] = await firstProved(table.entryAt(i), places, input.prove);
    } else {
      table.offsets[i] = places[0]!;
    }
    order[count++] = i;
  }
  return new Claims(table, order.subarray(0, count), pastEndCount, version, datSizeBytes);
}

function placesFor(
  offset: number,
  lengthBytes: number,
  width: OffsetWidthBytes,
  datSizeBytes: number,
): number[] {
  return offsetCandidates(offset, width, datSizeBytes).filter((place) => place + lengthBytes <= datSizeBytes);
}

/** Without any proof the lowest place is as good as another: what is there will not fit. */
async function firstProved(entry: IdxEntry, places: readonly number[], prove: RecordProof): Promise<number> {
  for (const offset of places) if (await prove({ ...entry, offset })) return offset;
  return places[0]!;
}
