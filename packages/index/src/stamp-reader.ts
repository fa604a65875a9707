import {
  APPEND_AT_SIZE_BYTES,
  CRC_SIZE_BYTES,
  type IdxEntry,
  NEEDLE_HEADER_SIZE_BYTES,
  type OffsetWidthBytes,
  offsetCandidates,
  recordLengthBytes,
  recordSizeOfEntry,
} from '@holdfast/format';
import type { RandomAccess } from './random-access.js';
import { proofByReading } from './record-proof.js';

/** A record of version 3 and when it was appended. */
export interface StampedRecord {
  /** Where it is, with a wrapped offset resolved (format.md §5). */
  readonly offset: number;
  readonly appendAtNs: bigint;
}

/**
 * The record of an entry. `no-record`: the entry has none (offset 0, or past the end of the `.dat`); `misfit`:
 * something else is where the entry points.
 */
export type StampReader = (entry: IdxEntry) => Promise<StampedRecord | 'no-record' | 'misfit'>;

/** Reads stamps in a `.dat` of version 3, of which only the first `datSizeBytes` count. Two small reads an entry. */
export function createStampReader(
  dat: RandomAccess,
  offsetWidthBytes: OffsetWidthBytes,
  datSizeBytes: number,
): StampReader {
  const prove = proofByReading(dat);
  return async (entry) => {
    const bodySizeBytes = recordSizeOfEntry(entry.sizeBytes);
    const lengthBytes = recordLengthBytes(3, bodySizeBytes);
    if (entry.offset === 0) return 'no-record';
    const candidates = offsetCandidates(entry.offset, offsetWidthBytes, datSizeBytes).filter(
      (offset) => offset + lengthBytes <= datSizeBytes,
    );
    for (const offset of candidates) {
      if (!(await prove({ ...entry, offset }))) continue;
      const stampAt = offset + NEEDLE_HEADER_SIZE_BYTES + bodySizeBytes + CRC_SIZE_BYTES;
      const stamp = await dat.readAt(stampAt, APPEND_AT_SIZE_BYTES);
      if (stamp.length < APPEND_AT_SIZE_BYTES) return 'no-record';
      return { offset, appendAtNs: new DataView(stamp.buffer, stamp.byteOffset).getBigUint64(0) };
    }
    return candidates.length === 0 ? 'no-record' : 'misfit';
  };
}
