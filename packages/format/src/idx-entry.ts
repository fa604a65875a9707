import { FormatError } from './errors.js';
import { RECORD_ALIGNMENT_BYTES } from './record-layout.js';

/** Bytes of an entry's offset: 4 or 5, a choice of the server's build (format.md §5). */
export type OffsetWidthBytes = 4 | 5;

/** The size of an entry that says: deleted. Any other negative size says so too. */
export const TOMBSTONE_SIZE = -1;

/** Offsets of 4 bytes count 8-byte units modulo 2^32: a record at or past 32 GiB is written 32 GiB lower. */
export const IDX_WRAP_BYTES = 2 ** 32 * RECORD_ALIGNMENT_BYTES;
const UNIT_WRAP = 2 ** 32;

const OFFSET_AT = 8;
const HIGH_BYTE_AT = 12;

/** One line of the index log; the last one of a needle id wins. */
export interface IdxEntry {
  readonly needleId: bigint;
  /** Where the record starts in the `.dat`, in bytes; 0 where there is none. */
  readonly offset: number;
  /** The size in the record's header; 0 a live empty needle; negative a deletion. */
  readonly sizeBytes: number;
}

/** 16 or 17. */
export function idxEntrySizeBytes(width: OffsetWidthBytes): 16 | 17 {
  return width === 4 ? 16 : 17;
}

/** Whether the entry says that its needle is gone: a negative size, or offset 0. */
export function isDeletion(entry: Pick<IdxEntry, 'offset' | 'sizeBytes'>): boolean {
  return entry.sizeBytes < 0 || entry.offset === 0;
}

/** The size in the header of the record that the entry points at: 0 for a deletion. */
export function recordSizeOfEntry(sizeBytes: number): number {
  return Math.max(sizeBytes, 0);
}

/** The entry at byte `at`. Fails with `truncated` where fewer bytes are left. */
export function parseIdxEntry(bytes: Uint8Array, at: number, width: OffsetWidthBytes): IdxEntry {
  const size = idxEntrySizeBytes(width);
  if (at + size > bytes.length) {
    throw new FormatError('truncated', `an index entry has ${size} bytes, ${bytes.length - at} are left`, {
      offset: at,
      expected: size,
      found: bytes.length - at,
    });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, size);
  return {
    needleId: view.getBigUint64(0),
    offset: readIdxOffset(view, 0, width),
    sizeBytes: view.getInt32(size - 4),
  };
}

/** The offset in bytes of the entry that starts at byte `at` of `view`. */
export function readIdxOffset(view: DataView, at: number, width: OffsetWidthBytes): number {
  const low = view.getUint32(at + OFFSET_AT);
  const high = width === 4 ? 0 : view.getUint8(at + HIGH_BYTE_AT);
  return (high * UNIT_WRAP + low) * RECORD_ALIGNMENT_BYTES;
}

/**
 * Writes the entry into `into` at `at` (default: new bytes of just one entry) and returns the array. An offset that
 * is too great for the width wraps, as the servers' do. Throws `RangeError` for an offset that is no multiple of 8,
 * and for one that `into` has no room for.
 */
export function writeIdxEntry(
  entry: IdxEntry,
  width: OffsetWidthBytes,
  into: Uint8Array = new Uint8Array(idxEntrySizeBytes(width)),
  at = 0,
): Uint8Array {
  const { offset } = entry;
  if (!Number.isSafeInteger(offset) || offset < 0 || offset % RECORD_ALIGNMENT_BYTES !== 0) {
    throw new RangeError(`offset ${offset} is not a multiple of ${RECORD_ALIGNMENT_BYTES}`);
  }
  const size = idxEntrySizeBytes(width);
  const view = new DataView(into.buffer, into.byteOffset + at, size);
  const units = offset / RECORD_ALIGNMENT_BYTES;
  view.setBigUint64(0, entry.needleId);
  view.setUint32(OFFSET_AT, units % UNIT_WRAP);
  if (width === 5) view.setUint8(HIGH_BYTE_AT, Math.trunc(units / UNIT_WRAP) & 0xff);
  view.setInt32(size - 4, entry.sizeBytes);
  return into;
}

/**
 * Where the record of an entry may be in a `.dat` of `datSizeBytes`: the offset as read first, then, for 4-byte
 * offsets, the same 32 GiB and more further on (format.md §5). The one whose header agrees with the entry is it.
 * Empty for offset 0 in a `.dat` that no offset wraps in.
 */
export function offsetCandidates(offset: number, width: OffsetWidthBytes, datSizeBytes: number): number[] {
  const candidates: number[] = offset === 0 ? [] : [offset];
  if (width === 4) {
    for (let at = offset + IDX_WRAP_BYTES; at < datSizeBytes; at += IDX_WRAP_BYTES) candidates.push(at);
  }
  return candidates;
}
