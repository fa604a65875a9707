import {
  idxEntrySizeBytes,
  type OffsetWidthBytes,
  offsetCandidates,
  parseIdxEntry,
  recordLengthBytes,
  recordSizeOfEntry,
  type Version,
} from '@holdfast/format';
import type { ExpectedRecord } from './examine.js';
import { collect } from './leader-read.js';
import type { VolumeRun } from './run.js';

/**
 * The leader's index entries behind ours: the part of its `.idx` from `idxOffset` on, as far as the window reaches.
 */
export interface LeaderEntries {
  /** Where the window begins in the `.idx`. */
  readonly idxOffset: number;
  readonly bytes: Uint8Array;
  /** Whether the window reaches the end of the leader's index. */
  readonly isWhole: boolean;
}

/** Reads the window [idxOffset, endOffset) of the leader's `.idx`, cut at the policy's limit. */
export async function readLeaderEntries(
  run: VolumeRun,
  idxOffset: number,
  endOffset: number,
  width: OffsetWidthBytes,
): Promise<LeaderEntries> {
  const entrySize = idxEntrySizeBytes(width);
  const limit = Math.floor(run.policy.indexWindowBytes / entrySize) * entrySize;
  const end = Math.min(endOffset, idxOffset + limit);
  const bytes = await collect(run.volume.readIndex(idxOffset, end, run.signal), end - idxOffset);
  return { idxOffset, bytes, isWhole: end === endOffset };
}

/** The window without the entries that were committed. */
export function entriesFrom(entries: LeaderEntries, idxOffset: number): LeaderEntries {
  return { ...entries, idxOffset, bytes: entries.bytes.subarray(idxOffset - entries.idxOffset) };
}

/** How many bytes of the window belong to records before `endOffset`: everything up to the first entry of a later one. */
export function entriesBefore(
  entries: LeaderEntries,
  startOffset: number,
  endOffset: number,
  tail: number,
  width: OffsetWidthBytes,
): number {
  const entrySize = idxEntrySizeBytes(width);
  for (let at = 0; at + entrySize <= entries.bytes.length; at += entrySize) {
    const { offset } = parseIdxEntry(entries.bytes, at, width);
    const place = placeOf(offset, startOffset, tail, width);
    if (place !== undefined && place >= endOffset) return at;
  }
  return entries.bytes.length - (entries.bytes.length % entrySize);
}

/** The records that the window speaks of at or behind `startOffset`, by offset; repeated entries once. */
export function expectedRecords(
  entries: LeaderEntries,
  startOffset: number,
  tail: number,
  width: OffsetWidthBytes,
): readonly ExpectedRecord[] {
  const entrySize = idxEntrySizeBytes(width);
  const records: ExpectedRecord[] = [];
  for (let at = 0; at + entrySize <= entries.bytes.length; at += entrySize) {
    const entry = parseIdxEntry(entries.bytes, at, width);
    const offset = placeOf(entry.offset, startOffset, tail, width);
    if (offset === undefined) continue;
    records.push({ offset, needleId: entry.needleId, sizeBytes: recordSizeOfEntry(entry.sizeBytes) });
  }
  records.sort((a, b) => a.offset - b.offset);
  return records.filter((record, i) => {
    const before = records[i - 1];
    return (
      before?.offset !== record.offset ||
      before.needleId !== record.needleId ||
      before.sizeBytes !== record.sizeBytes
    );
  });
}

/** Up to where a window that is not whole covers the `.dat`: the end of its last record. */
export function coveredOffset(
  entries: LeaderEntries,
  startOffset: number,
  tail: number,
  width: OffsetWidthBytes,
  version: Version,
): number {
  if (entries.isWhole) return tail;
  const entrySize = idxEntrySizeBytes(width);
  let covered = startOffset;
  for (let at = 0; at + entrySize <= entries.bytes.length; at += entrySize) {
    const entry = parseIdxEntry(entries.bytes, at, width);
    const place = placeOf(entry.offset, startOffset, tail, width);
    if (place === undefined) continue;
    covered = Math.max(covered, place + recordLengthBytes(version, recordSizeOfEntry(entry.sizeBytes)));
  }
  return Math.min(tail, covered);
}

/** Where the record of an entry is, of those behind `startOffset`; `undefined` where it is before, or nowhere. */
function placeOf(
  offset: number,
  startOffset: number,
  tail: number,
  width: OffsetWidthBytes,
): number | undefined {
  const candidates = offsetCandidates(offset, width, Math.max(tail, offset + 1));
  return candidates.find((candidate) => candidate >= startOffset);
}
