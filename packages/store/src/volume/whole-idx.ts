import {
  type IdxEntry,
  idxEntrySizeBytes,
  NEEDLE_HEADER_SIZE_BYTES,
  recordLengthBytes,
  recordSizeOfEntry,
  TOMBSTONE_SIZE,
  writeIdxEntry,
} from '@holdfast/format';
import { openIdx, type RandomAccess } from '@holdfast/index';
import type { DataFile } from './index-replay.js';
import { ATOM_BYTES } from './missing-parts.js';
import { readHeader } from './record-probe.js';
import type { WritingNote } from './writing-note.js';

/** More than a writer of ours ever has waiting for one sync. */
export const UNSYNCED_IDX_BYTES_MAX = 4 << 20;

/**
 * How much of an `.idx` is whole entries. Where a writer of ours was cut short by a power failure, parts of its last,
 * unsynced write may be missing and read as zeros: another needle id, a deletion without its size. It writes one entry
 * for each record, in their order, and those of durable records alone; so each record tells what its entry was, and
 * one of which a part has become zeros ends what is whole. What follows it was promised to nobody.
 */
export async function wholeIdxBytes(
  source: RandomAccess,
  data: DataFile,
  writingNote: WritingNote | undefined,
): Promise<number> {
  const width = data.offsetWidthBytes;
  const entrySize = idxEntrySizeBytes(width);
  const foundBytes = await source.sizeBytes();
  const sizeBytes = foundBytes - (foundBytes % entrySize);
  if (writingNote === undefined || writingNote.fromIdxOffset >= sizeBytes) return sizeBytes;
  const idx = await openIdx(source, width, { sizeBytes });
  const leastOffset = sizeBytes - UNSYNCED_IDX_BYTES_MAX;
  const fromEntry = Math.ceil(Math.max(writingNote.fromIdxOffset, leastOffset) / entrySize);
  let recordOffset = fromEntry * entrySize === writingNote.fromIdxOffset ? writingNote.fromOffset : undefined;
  for await (const entries of idx.walk({ fromEntry })) {
    for (let i = 0; i < entries.count; i++) {
      const entry = entries.entryAt(i);
      const at = (entries.firstEntryIndex + i) * entrySize;
      const expected = await entryOfRecordAt(recordOffset ?? entry.offset, entry, data);
      const bytes = entries.bytes.subarray(i * entrySize, (i + 1) * entrySize);
      const whole = expected === undefined ? undefined : writeIdxEntry(expected, width);
      if (isTorn(bytes, whole, at)) return at;
      const { offset, sizeBytes: bodySizeBytes } = entry;
      recordOffset = offset + recordLengthBytes(data.version, recordSizeOfEntry(bodySizeBytes));
    }
  }
  return sizeBytes;
}

/** What the entry of the record at `offset` was, as far as the record can tell; `undefined` where there is none. */
async function entryOfRecordAt(
  offset: number,
  found: IdxEntry,
  { dat }: DataFile,
): Promise<IdxEntry | undefined> {
  const header = offset === 0 ? undefined : await readHeader(dat, offset);
  if (header === undefined) return undefined;
  const { needleId, sizeBytes } = header;
  if (sizeBytes !== 0) return { needleId, offset, sizeBytes };
  // Of a deletion the record has the CRC of what was deleted; without one it may be a live empty needle as well.
  const storedCrc = await dat.readAt(offset + NEEDLE_HEADER_SIZE_BYTES, 4);
  const isDeletion = storedCrc.some((byte) => byte !== 0);
  return { needleId, offset, sizeBytes: isDeletion ? TOMBSTONE_SIZE : found.sizeBytes };
}

/** Whether parts of the entry at `at` of the file are zeros in which the whole one has others, and the rest is right. */
function isTorn(bytes: Uint8Array, whole: Uint8Array | undefined, at: number): boolean {
  if (whole === undefined) return bytes.every((byte) => byte === 0);
  let hasHole = false;
  for (let start = 0; start < bytes.length; ) {
    const end = Math.min(bytes.length, start + ATOM_BYTES - ((at + start) % ATOM_BYTES));
    const part = bytes.subarray(start, end);
    const isRight = part.every((byte, i) => byte === whole[start + i]);
    if (!isRight && part.some((byte) => byte !== 0)) return false;
    hasHole ||= !isRight;
    start = end;
  }
  return hasHole;
}
