import { type OffsetWidthBytes, recordLengthBytes, type Version } from '@holdfast/format';

/** An index as plainly as it can be read: the oracle of the index targets. */
export interface ModelEntry {
  readonly needleId: bigint;
  readonly offset: number;
  readonly sizeBytes: number;
}

export function modelEntries(idx: Uint8Array, width: OffsetWidthBytes): ModelEntry[] {
  const entries: ModelEntry[] = [];
  const view = new DataView(idx.buffer, idx.byteOffset, idx.length);
  for (let at = 0; at + 12 + width <= idx.length; at += 12 + width) {
    const high = width === 5 ? view.getUint8(at + 12) : 0;
    const units = high * 2 ** 32 + view.getUint32(at + 8);
    entries.push({
      needleId: view.getBigUint64(at),
      offset: units * 8,
      sizeBytes: view.getInt32(at + 8 + width),
    });
  }
  return entries;
}

/** What is live at the end: the last entry of each needle that is none of a deletion. */
export function modelLive(entries: readonly ModelEntry[]): Map<bigint, ModelEntry> {
  const live = new Map<bigint, ModelEntry>();
  for (const entry of entries) {
    if (entry.sizeBytes < 0 || entry.offset === 0) live.delete(entry.needleId);
    else live.set(entry.needleId, entry);
  }
  return live;
}

export interface ModelRecord {
  readonly offset: number;
  readonly appendAtNs: bigint;
}

/** The record of an entry in a `.dat` of version 3 that is shorter than 32 GiB. */
export function modelRecord(entry: ModelEntry, dat: Uint8Array): ModelRecord | 'no-record' | 'misfit' {
  const bodyBytes = Math.max(0, entry.sizeBytes);
  if (entry.offset === 0 || entry.offset + recordLengthBytes(3, bodyBytes) > dat.length) return 'no-record';
  const view = new DataView(dat.buffer, dat.byteOffset + entry.offset);
  const isThere = view.getBigUint64(4) === entry.needleId && view.getInt32(12) === bodyBytes;
  if (!isThere) return 'misfit';
  return { offset: entry.offset, appendAtNs: view.getBigUint64(16 + bodyBytes + 4) };
}

export function modelRecordEnd(entry: ModelEntry, version: Version): number {
  return entry.offset + recordLengthBytes(version, Math.max(0, entry.sizeBytes));
}
