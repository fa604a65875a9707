/** The layout of records: 1 bare data; 2 a body of fields; 3 the same and a time stamp (format.md §4). */
export type Version = 1 | 2 | 3;

/** Records start at, and their lengths are, multiples of this. */
export const RECORD_ALIGNMENT_BYTES = 8;

export const COOKIE_SIZE_BYTES = 4;
export const NEEDLE_ID_SIZE_BYTES = 8;
export const SIZE_FIELD_BYTES = 4;
/** Cookie, needle id, size: the start of every record of every version. */
export const NEEDLE_HEADER_SIZE_BYTES = 16;

/** The length field in front of the data in a body of version 2 and 3. */
export const DATA_SIZE_FIELD_BYTES = 4;
export const FLAGS_SIZE_BYTES = 1;
/** Unix seconds, the low 40 bits. */
export const LAST_MODIFIED_SIZE_BYTES = 5;
export const TTL_SIZE_BYTES = 2;
/** A name and a mime type have a length of one byte, pairs one of two. */
export const MAX_NAME_BYTES = 0xff;
export const MAX_MIME_BYTES = 0xff;
export const MAX_PAIRS_BYTES = 0xffff;

export const CRC_SIZE_BYTES = 4;
export const APPEND_AT_SIZE_BYTES = 8;

/** The greatest value of the header's size, a signed 32-bit number that is never negative on disk. */
export const MAX_SIZE_BYTES = 0x7fff_ffff;

/** What follows the body and precedes the padding: the CRC, in version 3 also `appendAtNs`. */
export function tailSizeBytes(version: Version): number {
  return version === 3 ? CRC_SIZE_BYTES + APPEND_AT_SIZE_BYTES : CRC_SIZE_BYTES;
}

/** Padding is 1 to 8 bytes, never 0: a record that already ends aligned gets 8 more. */
export function paddingLengthBytes(version: Version, sizeBytes: number): number {
  const unpadded = NEEDLE_HEADER_SIZE_BYTES + sizeBytes + tailSizeBytes(version);
  return RECORD_ALIGNMENT_BYTES - (unpadded % RECORD_ALIGNMENT_BYTES);
}

/** The whole record, header to padding, for the size in its header. */
export function recordLengthBytes(version: Version, sizeBytes: number): number {
  return (
    NEEDLE_HEADER_SIZE_BYTES + sizeBytes + tailSizeBytes(version) + paddingLengthBytes(version, sizeBytes)
  );
}

/** The next multiple of 8 at or above `offset`. */
export function alignUp8(offset: number): number {
  const beyond = offset % RECORD_ALIGNMENT_BYTES;
  return beyond === 0 ? offset : offset + RECORD_ALIGNMENT_BYTES - beyond;
}
