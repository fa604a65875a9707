import {
  type IdxEntry,
  NEEDLE_HEADER_SIZE_BYTES,
  type NeedleHeader,
  parseNeedleHeader,
  recordSizeOfEntry,
} from '@holdfast/format';
import type { RandomAccess } from './random-access.js';

/**
 * Whether the header is of the record that the entry speaks of: the same needle id, and the same size, which is 0 for
 * a deletion.
 */
export function headerFitsEntry(
  header: Pick<NeedleHeader, 'needleId' | 'sizeBytes'>,
  entry: Pick<IdxEntry, 'needleId' | 'sizeBytes'>,
): boolean {
  return header.needleId === entry.needleId && header.sizeBytes === recordSizeOfEntry(entry.sizeBytes);
}

/** Whether the entry's record really is at `entry.offset`. */
export type RecordProof = (entry: IdxEntry) => Promise<boolean>;

/** A proof by reading the 16 bytes of the header. */
export function proofByReading(dat: RandomAccess): RecordProof {
  return async (entry) => {
    const bytes = await dat.readAt(entry.offset, NEEDLE_HEADER_SIZE_BYTES);
    return bytes.length === NEEDLE_HEADER_SIZE_BYTES && headerFitsEntry(parseNeedleHeader(bytes), entry);
  };
}
