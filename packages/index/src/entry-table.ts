import type { IdxEntry } from '@holdfast/format';
import { IndexError } from './errors.js';
import type { IdxFile } from './idx-file.js';
import { sortOrder } from './radix-order.js';

/** The default of `maxEntries`: 2 GB of table. */
export const MAX_TABLE_ENTRIES = 100_000_000;

export interface TableOptions {
  /** An index with more entries is refused before anything is allocated for it. Default `MAX_TABLE_ENTRIES`. */
  readonly maxEntries?: number;
  readonly signal?: AbortSignal;
}

const UNIT_BYTES = 8;
const OFFSET_DIGITS = 3;
const NEEDLE_ID_DIGITS = 4;

/** All entries of an index in columns: 20 bytes an entry, no object each. Item i is entry i. */
export class EntryTable {
  readonly count: number;
  readonly needleIdsHigh: Uint32Array;
  readonly needleIdsLow: Uint32Array;
  readonly offsets: Float64Array;
  readonly sizesBytes: Int32Array;

  constructor(count: number) {
    this.count = count;
    this.needleIdsHigh = new Uint32Array(count);
    this.needleIdsLow = new Uint32Array(count);
    this.offsets = new Float64Array(count);
    this.sizesBytes = new Int32Array(count);
  }

  entryAt(i: number): IdxEntry {
    return { needleId: this.needleIdAt(i), offset: this.offsets[i]!, sizeBytes: this.sizesBytes[i]! };
  }

  needleIdAt(i: number): bigint {
    return (BigInt(this.needleIdsHigh[i]!) << 32n) | BigInt(this.needleIdsLow[i]!);
  }

  isSameNeedle(i: number, j: number): boolean {
    return this.needleIdsLow[i] === this.needleIdsLow[j] && this.needleIdsHigh[i] === this.needleIdsHigh[j];
  }

  /** Sorts item numbers by offset, stable. */
  sortByOffset(order: Uint32Array): void {
    sortOrder(order, OFFSET_DIGITS, (item, digit) => {
      const units = this.offsets[item]! / UNIT_BYTES;
      return digit === 2 ? Math.trunc(units / 2 ** 32) : ((units % 2 ** 32) >>> (16 * digit)) & 0xffff;
    });
  }

  /** Sorts item numbers by needle id, stable. */
  sortByNeedleId(order: Uint32Array): void {
    sortOrder(order, NEEDLE_ID_DIGITS, (item, digit) => {
      const half = digit < 2 ? this.needleIdsLow[item]! : this.needleIdsHigh[item]!;
      return (half >>> (16 * (digit % 2))) & 0xffff;
    });
  }
}

/** Reads the whole index. Fails with `too-many-entries`, and as the source does. */
export async function loadEntryTable(idx: IdxFile, options: TableOptions = {}): Promise<EntryTable> {
  const { maxEntries = MAX_TABLE_ENTRIES, signal } = options;
  if (idx.entryCount > maxEntries) {
    throw new IndexError('too-many-entries', `an index of ${idx.entryCount} entries, at most ${maxEntries}`, {
      expected: maxEntries,
      found: idx.entryCount,
    });
  }
  const table = new EntryTable(idx.entryCount);
  for await (const entries of idx.walk(signal === undefined ? {} : { signal })) {
    const first = entries.firstEntryIndex;
    for (let i = 0; i < entries.count; i++) {
      table.needleIdsHigh[first + i] = entries.needleIdHighAt(i);
      table.needleIdsLow[first + i] = entries.needleIdLowAt(i);
      table.offsets[first + i] = entries.offsetAt(i);
      table.sizesBytes[first + i] = entries.sizeBytesAt(i);
    }
  }
  return table;
}
