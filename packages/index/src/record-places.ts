import { type EntryTable, loadEntryTable, type TableOptions } from './entry-table.js';
import type { IdxFile } from './idx-file.js';
import { itemNumbers } from './radix-order.js';

const UNIT_BYTES = 8;
const LOW_UNITS = 2 ** 32;
/** Entries of a source read at once. */
const BATCH_ENTRIES = 65_536;
/** Entries of one needle id looked at for one that still has no place: an id written ever again must not cost a square. */
const MAX_PROBES = 16;
export const MAX_PLACE_SOURCES = 255;

/** Where a source has a record. */
export interface RecordPlace {
  /** As given to `add`. */
  readonly source: number;
  readonly offset: number;
}

/** Where other volumes' indexes say that they have a record of the same needle id and size. A claim, not a proof. */
export interface RecordPlaces {
  /** Entries that have a place. */
  readonly count: number;
  placeOf(entryIndex: number): RecordPlace | undefined;
}

export interface RecordPlaceFinder {
  /** What has been found so far. */
  readonly places: RecordPlaces;
  /** Whether every entry of a record with data has a place: no source can add anything. */
  readonly isComplete: boolean;
  /**
   * Gives entries that have no place yet the one that this index tells. Of several entries of one needle the later
   * places go to the later entries. What was found before a failure counts. Fails as reading the index does.
   */
  add(source: number, idx: IdxFile, signal?: AbortSignal): Promise<void>;
}

/**
 * Finds places for the records of `idx`: 34 bytes an entry of `idx` while it works, whatever the sources' sizes. `places`
 * may be kept beyond it, for 6. Fails as `loadEntryTable` does.
 */
export async function createRecordPlaceFinder(
  idx: IdxFile,
  options: TableOptions = {},
): Promise<RecordPlaceFinder> {
  const table = await loadEntryTable(idx, options);
  const byId = itemNumbers(table.count);
  table.sortByNeedleId(byId);
  const places = createPlaces(table.count);
  const wanted = countWithData(table);

  /** The last entry of this needle id and size that has no place. */
  function vacantEntry(high: number, low: number, sizeBytes: number): number | undefined {
    const end = endOfNeedle(table, byId, high, low);
    for (let k = end - 1, probes = 0; k >= 0 && probes < MAX_PROBES; k--, probes++) {
      const i = byId[k]!;
      if (table.needleIdsLow[i] !== low || table.needleIdsHigh[i] !== high) return undefined;
      if (table.sizesBytes[i] === sizeBytes && table.offsets[i] !== 0 && !places.has(i)) return i;
    }
    return undefined;
  }

  return {
    places,
    get isComplete() {
      return places.count === wanted;
    },
    async add(source, other, signal) {
      if (!(source >= 0 && source < MAX_PLACE_SOURCES)) throw new RangeError(`source ${source}`);
      for (let to = other.entryCount; to > 0 && places.count < wanted; to -= BATCH_ENTRIES) {
        signal?.throwIfAborted();
        const entries = await other.readEntries(Math.max(0, to - BATCH_ENTRIES), to);
        for (let i = entries.count - 1; i >= 0; i--) {
          const sizeBytes = entries.sizeBytesAt(i);
          const offset = entries.offsetAt(i);
          if (sizeBytes <= 0 || offset === 0) continue;
          const entry = vacantEntry(entries.needleIdHighAt(i), entries.needleIdLowAt(i), sizeBytes);
          if (entry !== undefined) places.set(entry, source, offset);
        }
      }
    },
  };
}

interface PlaceColumns extends RecordPlaces {
  has(entryIndex: number): boolean;
  set(entryIndex: number, source: number, offset: number): void;
}

function createPlaces(entryCount: number): PlaceColumns {
  const lowUnits = new Uint32Array(entryCount);
  /** The upper byte of the units, and above it the source counted from 1: 0 is no place. */
  const highUnits = new Uint16Array(entryCount);
  let count = 0;
  return {
    get count() {
      return count;
    },
    has: (i) => highUnits[i] !== 0,
    set(i, source, offset) {
      const units = offset / UNIT_BYTES;
      lowUnits[i] = units % LOW_UNITS;
      highUnits[i] = ((source + 1) << 8) | Math.trunc(units / LOW_UNITS);
      count++;
    },
    placeOf(i) {
      const high = highUnits[i] ?? 0;
      if (high === 0) return undefined;
      const units = (high & 0xff) * LOW_UNITS + lowUnits[i]!;
      return { source: (high >>> 8) - 1, offset: units * UNIT_BYTES };
    },
  };
}

function countWithData(table: EntryTable): number {
  let count = 0;
  for (let i = 0; i < table.count; i++) if (table.sizesBytes[i]! > 0 && table.offsets[i] !== 0) count++;
  return count;
}

/** Behind the last item of a needle id in the order of ids. */
function endOfNeedle(table: EntryTable, byId: Uint32Array, high: number, low: number): number {
  let from = 0;
  let to = byId.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    const i = byId[middle]!;
    const isBehind =
      table.needleIdsHigh[i]! > high || (table.needleIdsHigh[i] === high && table.needleIdsLow[i]! > low);
    if (isBehind) to = middle;
    else from = middle + 1;
  }
  return from;
}
