import type { ByteRange } from '@holdfast/protocol';

/** A `ReadNeedleBlob` whose answer holds a wanted range. */
export interface BlobWindow {
  readonly offset: number;
  /** The length of the answer, all or nothing. */
  readonly lengthBytes: number;
  /** The size field of a record that is exactly `lengthBytes` long. Never negative: old servers die of that. */
  readonly sizeField: number;
  /** What stands before the wanted range in the answer. */
  readonly skipBytes: number;
}

/** A record with an empty body: the smallest range, and what a size field adds to (protocol.md §4). */
const EMPTY_RECORD_SIZE_BYTES = { 1: 24, 2: 24, 3: 32 } as const;

/**
 * The smallest window that ends where the range ends, so that it never reaches past a `.dat` that holds the range;
 * its start needs no alignment. `undefined` where there is no room for it before the range's end: the first bytes
 * of a file are taken by `CopyFile`.
 */
export function blobWindow(version: 1 | 2 | 3, range: ByteRange): BlobWindow | undefined {
  const emptySizeBytes = EMPTY_RECORD_SIZE_BYTES[version];
  const lengthBytes = Math.max(Math.ceil(range.lengthBytes / 8) * 8, emptySizeBytes);
  const offset = range.offset + range.lengthBytes - lengthBytes;
  if (offset < 0) return undefined;
  return {
    offset,
    lengthBytes,
    sizeField: lengthBytes - emptySizeBytes,
    skipBytes: range.offset - offset,
  };
}
