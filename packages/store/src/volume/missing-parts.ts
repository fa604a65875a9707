import {
  DATA_SIZE_FIELD_BYTES,
  type FramedRecord,
  NEEDLE_HEADER_SIZE_BYTES,
  type Version,
} from '@holdfast/format';
import type { RandomAccess } from '@holdfast/index';
import { unpaddedLengthBytes } from './record-probe.js';

/** What is written whole or not at all by every disk; mostly it is far more. */
export const ATOM_BYTES = 8;

/**
 * Whether a power failure may have taken a part of a record, which then reads as zeros. The CRC speaks for the data alone:
 * without a part of them cookie, id, name or pairs are others, and nothing else says so.
 */
export async function mayLackPart(
  dat: RandomAccess,
  { offset, header, dataSizeBytes }: Pick<FramedRecord, 'offset' | 'header' | 'dataSizeBytes'>,
  version: Version,
): Promise<boolean> {
  const hasFields = version > 1 && header.sizeBytes > 0;
  const dataOffset = offset + NEEDLE_HEADER_SIZE_BYTES + (hasFields ? DATA_SIZE_FIELD_BYTES : 0);
  const endOffset = offset + unpaddedLengthBytes(version, header.sizeBytes);
  return (
    (await hasPartOfZeros(dat, offset, dataOffset)) ||
    (await hasPartOfZeros(dat, dataOffset + dataSizeBytes, endOffset))
  );
}

async function hasPartOfZeros(dat: RandomAccess, fromOffset: number, toOffset: number): Promise<boolean> {
  const bytes = await dat.readAt(fromOffset, toOffset - fromOffset);
  for (let offset = fromOffset; offset < toOffset; ) {
    const end = Math.min(toOffset, offset - (offset % ATOM_BYTES) + ATOM_BYTES);
    const part = bytes.subarray(offset - fromOffset, end - fromOffset);
    // One byte of zero is a record without flags; whoever has lost more than that has lost something else.
    if (part.length > 1 && part.every((byte) => byte === 0)) return true;
    offset = end;
  }
  return false;
}
