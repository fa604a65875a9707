import {
  type Crc32c,
  isCrcOf,
  NEEDLE_HEADER_SIZE_BYTES,
  type NeedleHeader,
  paddingLengthBytes,
  parseNeedleHeader,
  RECORD_ALIGNMENT_BYTES,
  recordLengthBytes,
  type Version,
} from '@holdfast/format';
import type { RandomAccess } from '@holdfast/index';

const DATA_SIZE_BYTES = 4;
const WINDOW_BYTES = 1 << 20;
/** How many times the bytes searched may be summed before the search gives up: hostile bytes claim records everywhere. */
const MAX_SUMMED_RATIO = 16;

export interface ProbeOptions {
  readonly version: Version;
  readonly crc32c: Crc32c;
}

/** The header at `offset`; `undefined` where the content ends before it does, or where it is all zeros. */
export async function readHeader(dat: RandomAccess, offset: number): Promise<NeedleHeader | undefined> {
  const bytes = await dat.readAt(offset, NEEDLE_HEADER_SIZE_BYTES);
  if (bytes.length < NEEDLE_HEADER_SIZE_BYTES || bytes.every((byte) => byte === 0)) return undefined;
  return parseNeedleHeader(bytes);
}

/** Where the data of a record are, from its first bytes; `undefined` for sizes that no record with data can have. */
function dataRange(bytes: Uint8Array, at: number, version: Version) {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, NEEDLE_HEADER_SIZE_BYTES + DATA_SIZE_BYTES);
  const sizeBytes = view.getInt32(NEEDLE_HEADER_SIZE_BYTES - 4);
  if (sizeBytes <= 0) return undefined;
  if (version === 1) return { sizeBytes, start: NEEDLE_HEADER_SIZE_BYTES, dataSizeBytes: sizeBytes };
  const dataSizeBytes = view.getUint32(NEEDLE_HEADER_SIZE_BYTES);
  if (dataSizeBytes > sizeBytes - DATA_SIZE_BYTES) return undefined;
  return { sizeBytes, start: NEEDLE_HEADER_SIZE_BYTES + DATA_SIZE_BYTES, dataSizeBytes };
}

/**
 * Whether a record with data whose CRC is right starts at `offset` and is whole up to its padding, which may be cut
 * short by `endOffset`. A record of size 0 proves nothing and is none here.
 */
export async function hasCheckedRecord(
  dat: RandomAccess,
  offset: number,
  endOffset: number,
  { version, crc32c }: ProbeOptions,
): Promise<boolean> {
  const head = await dat.readAt(offset, NEEDLE_HEADER_SIZE_BYTES + DATA_SIZE_BYTES);
  if (head.length < NEEDLE_HEADER_SIZE_BYTES + DATA_SIZE_BYTES) return false;
  const range = dataRange(head, 0, version);
  if (range === undefined || range.dataSizeBytes === 0) return false;
  const { sizeBytes, start, dataSizeBytes } = range;
  if (offset + unpaddedLengthBytes(version, sizeBytes) > endOffset) return false;
  let crc = 0;
  for (let at = 0; at < dataSizeBytes; at += WINDOW_BYTES) {
    const part = await dat.readAt(offset + start + at, Math.min(WINDOW_BYTES, dataSizeBytes - at));
    crc = crc32c(part, crc);
  }
  const stored = await dat.readAt(offset + NEEDLE_HEADER_SIZE_BYTES + sizeBytes, 4);
  return stored.length === 4 && isCrcOf(new DataView(stored.buffer, stored.byteOffset).getUint32(0), crc);
}

/** A record's length without its padding. */
export function unpaddedLengthBytes(version: Version, sizeBytes: number): number {
  return recordLengthBytes(version, sizeBytes) - paddingLengthBytes(version, sizeBytes);
}

export type FoundRecord =
  | { readonly kind: 'found'; readonly offset: number }
  | { readonly kind: 'none' }
  /** So many bytes claim to be records that the search was given up at `offset`. */
  | { readonly kind: 'undecided'; readonly offset: number };

/**
 * The first place in [fromOffset, toOffset) where a record with data and the right CRC starts. Finds where the records
 * go on behind damage, and shows that nothing does behind a torn tail.
 */
export async function findCheckedRecord(
  dat: RandomAccess,
  fromOffset: number,
  toOffset: number,
  options: ProbeOptions,
): Promise<FoundRecord> {
  const needed = NEEDLE_HEADER_SIZE_BYTES + DATA_SIZE_BYTES;
  let summedBytesLeft = MAX_SUMMED_RATIO * (toOffset - fromOffset) + WINDOW_BYTES;
  let windowStart = fromOffset;
  while (windowStart + needed <= toOffset) {
    const window = await dat.readAt(windowStart, Math.min(WINDOW_BYTES + needed, toOffset - windowStart));
    if (window.length < needed) break;
    const last = Math.min(window.length - needed, WINDOW_BYTES - RECORD_ALIGNMENT_BYTES);
    for (let at = 0; at <= last; at += RECORD_ALIGNMENT_BYTES) {
      const range = dataRange(window, at, options.version);
      if (range === undefined || range.dataSizeBytes === 0) continue;
      const offset = windowStart + at;
      if (offset + unpaddedLengthBytes(options.version, range.sizeBytes) > toOffset) continue;
      summedBytesLeft -= range.dataSizeBytes;
      if (summedBytesLeft < 0) return { kind: 'undecided', offset };
      if (await hasCheckedRecord(dat, offset, toOffset, options)) return { kind: 'found', offset };
    }
    windowStart += last + RECORD_ALIGNMENT_BYTES;
  }
  return { kind: 'none' };
}

/** Where the zeros at the end of the content begin: its length if it does not end in zeros. */
export async function trailingZerosOffset(dat: RandomAccess, endOffset: number): Promise<number> {
  let end = endOffset;
  while (end > 0) {
    const start = Math.max(0, end - WINDOW_BYTES);
    const window = await dat.readAt(start, end - start);
    const last = window.findLastIndex((byte) => byte !== 0);
    if (last >= 0) return start + last + 1;
    end = start;
  }
  return 0;
}
