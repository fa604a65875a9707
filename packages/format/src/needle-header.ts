import { FormatError } from './errors.js';
import { NEEDLE_HEADER_SIZE_BYTES } from './record-layout.js';

/** The first 16 bytes of a record (format.md §4). */
export interface NeedleHeader {
  readonly cookie: number;
  readonly needleId: bigint;
  /** v1: length of the data; v2 and v3: length of the whole body; 0: no body. Negative only in damaged bytes. */
  readonly sizeBytes: number;
}

const COOKIE_AT = 0;
const NEEDLE_ID_AT = 4;
export const SIZE_AT = 12;

/** The header at byte `at`, as it is: sizes are not judged. Fails with `truncated` where fewer than 16 bytes are left. */
export function parseNeedleHeader(bytes: Uint8Array, at = 0): NeedleHeader {
  if (at + NEEDLE_HEADER_SIZE_BYTES > bytes.length) {
    throw new FormatError('truncated', `a needle header has 16 bytes, ${bytes.length - at} are left`, {
      offset: at,
      expected: NEEDLE_HEADER_SIZE_BYTES,
      found: bytes.length - at,
    });
  }
  return readNeedleHeader(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), at);
}

/** The same from a view that is known to hold it. */
export function readNeedleHeader(view: DataView, at: number): NeedleHeader {
  return {
    cookie: view.getUint32(at + COOKIE_AT),
    needleId: view.getBigUint64(at + NEEDLE_ID_AT),
    sizeBytes: view.getInt32(at + SIZE_AT),
  };
}

/** Writes the 16 bytes into `into` at `at` (default: new bytes) and returns the array. */
export function writeNeedleHeader(
  header: NeedleHeader,
  into: Uint8Array = new Uint8Array(NEEDLE_HEADER_SIZE_BYTES),
  at = 0,
): Uint8Array {
  const view = new DataView(into.buffer, into.byteOffset + at, NEEDLE_HEADER_SIZE_BYTES);
  view.setUint32(COOKIE_AT, header.cookie);
  view.setBigUint64(NEEDLE_ID_AT, header.needleId);
  view.setInt32(SIZE_AT, header.sizeBytes);
  return into;
}

/**
 * Whether zeros were read as a record. One without data of key 0 and cookie 0 has a header of zeros too, and nothing but its
 * stamp tells it from a hole: `appendAtNs` is 0n where there is none.
 */
export function isHole({ cookie, needleId, sizeBytes }: NeedleHeader, appendAtNs: bigint): boolean {
  return cookie === 0 && needleId === 0n && sizeBytes === 0 && appendAtNs === 0n;
}
