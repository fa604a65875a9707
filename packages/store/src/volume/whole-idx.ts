import { idxEntrySizeBytes, type OffsetWidthBytes } from '@holdfast/format';
import { openIdx, type RandomAccess } from '@holdfast/index';
import type { WritingNote } from './writing-note.js';

/** What a disk writes whole or not at all; larger ones are multiples of it. */
const SECTOR_BYTES = 512;

/**
 * How much of an `.idx` is whole entries. Where a writer of ours was cut short by a power failure, sectors of its last,
 * unsynced write may be missing in the middle and read as zeros, which cuts the entry before the first of them short:
 * a deletion without its size is a live empty needle. Our writers write no entry of zeros, so one gives that away.
 */
export async function wholeIdxBytes(
  source: RandomAccess,
  width: OffsetWidthBytes,
  writingNote: WritingNote | undefined,
): Promise<number> {
  const entrySize = idxEntrySizeBytes(width);
  const foundBytes = await source.sizeBytes();
  const sizeBytes = foundBytes - (foundBytes % entrySize);
  if (writingNote === undefined || writingNote.fromIdxOffset >= sizeBytes) return sizeBytes;
  const idx = await openIdx(source, width, { sizeBytes });
  const fromEntry = Math.trunc(writingNote.fromIdxOffset / entrySize);
  for await (const entries of idx.walk({ fromEntry })) {
    for (let i = 0; i < entries.count; i++) {
      if (entries.needleIdAt(i) !== 0n || entries.offsetAt(i) !== 0 || entries.sizeBytesAt(i) !== 0) continue;
      const zerosAt = (entries.firstEntryIndex + i) * entrySize;
      const holeAt = zerosAt - (zerosAt % SECTOR_BYTES);
      return Math.max(writingNote.fromIdxOffset, holeAt - (holeAt % entrySize));
    }
  }
  return sizeBytes;
}
