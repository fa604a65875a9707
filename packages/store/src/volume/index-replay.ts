import {
  type Crc32c,
  IDX_WRAP_BYTES,
  type IdxEntry,
  type OffsetWidthBytes,
  offsetCandidates,
  recordLengthBytes,
  recordSizeOfEntry,
  type Version,
} from '@holdfast/format';
import { headerFitsEntry, type IdxFile, type RandomAccess } from '@holdfast/index';
import { NeedleMap } from '../needle-map.js';
import { hasCheckedRecord, readHeader, unpaddedLengthBytes } from './record-probe.js';

/** Ends of records kept for finding the last one that is really there: a power failure may have taken many. */
const KEPT_ENDS = 4096;

export interface DataFile {
  readonly dat: RandomAccess;
  readonly datSizeBytes: number;
  /** Where the zeros at the end begin: no record starts behind it. */
  readonly contentEndOffset: number;
  readonly version: Version;
  readonly offsetWidthBytes: OffsetWidthBytes;
  readonly crc32c: Crc32c;
}

/** What replaying an index over its data gives. */
export interface IndexReplay {
  readonly map: NeedleMap;
  /** Entries of records past the end of the data: left out of the map. Their indexes in the file. */
  readonly pastEnd: ReadonlySet<number>;
  /** The records that end last, the furthest first; all that there are if `isAllRecords`. */
  readonly lastRecords: readonly PlacedEntry[];
  readonly isAllRecords: boolean;
  /** Deletions without a record (offset 0) in front of every other entry that stays. */
  readonly headTombstones: number;
}

export interface PlacedEntry {
  readonly entry: IdxEntry;
  readonly endOffset: number;
}

/** Whether an entry's record is there, and where; its end is that of the whole record, padding included. */
export type Placement =
  | { readonly kind: 'past-end' }
  | { readonly kind: 'present'; readonly offset: number; readonly endOffset: number };

/** What is known of an index already. */
export interface ReplayedSoFar {
  readonly map: NeedleMap;
  readonly entryCount: number;
}

/** `soFar`: only the entries behind are replayed, into the same map; the rest of what is given is of them alone. */
export async function replayIndex(
  idx: IdxFile,
  data: DataFile,
  signal?: AbortSignal,
  soFar: ReplayedSoFar = { map: new NeedleMap(), entryCount: 0 },
): Promise<IndexReplay> {
  const { map, entryCount: fromEntry } = soFar;
  const pastEnd = new Set<number>();
  const ends = new LastRecords();
  let headTombstones = 0;
  for await (const entries of idx.walk(signal === undefined ? { fromEntry } : { fromEntry, signal })) {
    for (let i = 0; i < entries.count; i++) {
      const entry = entries.entryAt(i);
      const entryIndex = entries.firstEntryIndex + i;
      if (hasNoRecord(entry, data)) {
        const isHead = entryIndex - pastEnd.size === headTombstones;
        if (isHead && entry.sizeBytes < 0) headTombstones++;
        map.apply(entry);
        continue;
      }
      const placement = placeAtOnce(entry, data) ?? (await placeByReading(entry, data));
      if (placement.kind === 'past-end') {
        pastEnd.add(entryIndex);
        continue;
      }
      const placed = { ...entry, offset: placement.offset };
      ends.add({ entry: placed, endOffset: placement.endOffset });
      map.apply(placed);
    }
  }
  return { map, pastEnd, lastRecords: ends.sorted(), isAllRecords: ends.isAll, headTombstones };
}

/** The usual case, without a promise; `undefined` where the data must be asked. */
export function placeAtOnce(entry: IdxEntry, data: DataFile): Placement | undefined {
  const endOffset = entry.offset + recordLengthBytes(data.version, recordSizeOfEntry(entry.sizeBytes));
  const isInside = endOffset <= data.datSizeBytes && entry.offset < data.contentEndOffset;
  return isInside && !mayWrap(entry, data) ? { kind: 'present', offset: entry.offset, endOffset } : undefined;
}

export async function placeByReading(entry: IdxEntry, data: DataFile): Promise<Placement> {
  const { dat, datSizeBytes, contentEndOffset, version, offsetWidthBytes, crc32c } = data;
  const sizeBytes = recordSizeOfEntry(entry.sizeBytes);
  for (const offset of offsetCandidates(entry.offset, offsetWidthBytes, datSizeBytes)) {
    if (offset >= contentEndOffset) continue;
    const header = await readHeader(dat, offset);
    if (header === undefined || header.needleId !== entry.needleId) continue;
    const endOffset = offset + recordLengthBytes(version, sizeBytes);
    if (headerFitsEntry(header, entry)) {
      if (endOffset <= datSizeBytes) return { kind: 'present', offset, endOffset };
      // Whole but for its padding, which carries nothing.
      const isWhole = offset + unpaddedLengthBytes(version, sizeBytes) <= datSizeBytes;
      const isChecked =
        sizeBytes === 0 || (await hasCheckedRecord(dat, offset, datSizeBytes, { version, crc32c }));
      if (isWhole && isChecked) return { kind: 'present', offset, endOffset };
    } else if (await hasCheckedRecord(dat, offset, datSizeBytes, { version, crc32c })) {
      // The record is there and whole; it is the entry's size that is wrong.
      return { kind: 'present', offset, endOffset: offset + recordLengthBytes(version, header.sizeBytes) };
    }
  }
  const isInside = entry.offset + recordLengthBytes(version, sizeBytes) <= datSizeBytes;
  return isInside && entry.offset < contentEndOffset && entry.offset > 0
    ? {
        kind: 'present',
        offset: entry.offset,
        endOffset: entry.offset + recordLengthBytes(version, sizeBytes),
      }
    : { kind: 'past-end' };
}

/** Offset 0 means that there never was a record (unless it stands for 32 GiB). */
export function hasNoRecord(entry: IdxEntry, data: DataFile): boolean {
  return entry.offset === 0 && !mayWrap(entry, data);
}

/** With 4-byte offsets only records without data can lie past 32 GiB (format.md §5). */
function mayWrap(entry: IdxEntry, { offsetWidthBytes, datSizeBytes }: DataFile): boolean {
  return offsetWidthBytes === 4 && datSizeBytes > IDX_WRAP_BYTES && entry.sizeBytes <= 0;
}

/** The few that end last, of any number. */
class LastRecords {
  #kept: PlacedEntry[] = [];
  #leastEnd = 0;

  get isAll(): boolean {
    return this.#leastEnd === 0;
  }

  add(record: PlacedEntry): void {
    if (record.endOffset < this.#leastEnd) return;
    this.#kept.push(record);
    if (this.#kept.length < 2 * KEPT_ENDS) return;
    this.#kept = this.sorted().slice(0, KEPT_ENDS);
    this.#leastEnd = this.#kept.at(-1)!.endOffset;
  }

  sorted(): PlacedEntry[] {
    return [...this.#kept].sort((a, b) => b.endOffset - a.endOffset);
  }
}
